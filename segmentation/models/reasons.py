"""Why a person has the score they have: what the model would say if one thing about them were as with most."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pyspark.sql import functions as F

from segmentation.models.candidates import RAW
from segmentation.models.propensity import score_propensity

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyspark.ml import PipelineModel
    from pyspark.sql import DataFrame

_CHANGED = "_changed"


class Reason(NamedTuple):
    """One feature's part in a score."""

    feature: str
    value: float | None
    """The person's; None: undefined."""
    typical: float | None
    """Median of the known values of users at the cut; None: nobody's is known."""
    effect: float
    """Score before calibration, less what it would be at the typical value: above 0 it raises the score."""


def explain_score(
    user: DataFrame, *, pipeline: PipelineModel, typical: Mapping[str, float | None]
) -> tuple[float | None, list[Reason]]:
    """Take the features of one person to their typical value, one at a time, and score each such person.

    Grain: one user with features as doubles -> the score before calibration, and a reason per feature, greatest effect
    first, ties by name. Features that go together share what they say, so that effects do not add up to the
    score. Calibration is left out: it goes in steps, within which nothing would show.

    Args:
        user: one row.
        pipeline: the propensity model.
        typical: feature -> its typical value, of all features that the model reads.
    """
    names = sorted(typical)
    changed = F.explode(F.array(F.lit(None).cast("string"), *map(F.lit, names))).alias(_CHANGED)
    columns = [
        F.when(F.col(_CHANGED).eqNullSafe(name), F.lit(typical[name]).cast("double")).otherwise(F.col(name)).alias(name)
        for name in names
    ]
    variants = user.select("user_id", changed, *names).select("user_id", _CHANGED, *columns)
    scored = score_propensity(variants, pipeline=pipeline).select(_CHANGED, RAW).collect()  # a row per feature
    own = user.select(*names).head()
    scores = {row[_CHANGED]: row[RAW] for row in scored}
    if own is None or not scores:
        return None, []
    reasons = [Reason(name, own[name], typical[name], scores[None] - scores[name]) for name in names]
    return scores[None], sorted(reasons, key=lambda reason: (-abs(reason.effect), reason.feature))
