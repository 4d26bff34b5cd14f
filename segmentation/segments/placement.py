"""Place the users of a cut into the segments of a live definition and of a candidate, side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pyspark.sql import functions as F

from segmentation.models.clustering import assign_clusters, name_cluster
from segmentation.models.inputs import select_cut
from segmentation.segments.comparison import CANDIDATE, IN, LIVE, OUT
from segmentation.segments.rules import Rule, build_cohorts, load_rule, load_rules

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from pathlib import Path

    from pyspark.ml import PipelineModel
    from pyspark.sql import Column, DataFrame

    from segmentation.models.clustering import Segment
    from segmentation.segments.behaviours.behaviour import Behaviour

MEASURES = (
    "value_sum_life", "value_sum_30d", "purchases_count_30d", "sessions_count_30d", "days_since_last_event",
)  # fmt: skip
"""Features whose means show the value of a segment. Those that `user_features` lacks are left out."""
PROPENSITY = "propensity_"
"""Start of the name of a measure that is the mean prediction of a target."""
_AS_CANDIDATE = "_candidate"
"""End of the candidate's name while it is built beside the live rule of the same name."""


class RulePair(NamedTuple):
    """A candidate for a rule segment, and the live rule of its name."""

    candidate: Rule
    live: Rule | None
    """None if there is no live rule of this name: the live segment is empty."""

    @property
    def behaviours(self) -> list[Behaviour]:
        """The behaviours that either rule asks for, those of the live one first."""
        return [one for rule in (self.live, self.candidate) if rule is not None for one in rule.behaviours]


class ClusterModel(NamedTuple):
    """A version of the cluster model."""

    pipeline: PipelineModel
    segments: Sequence[Segment]
    features: Sequence[str]


class MeasuredUsers(NamedTuple):
    """Users in both definitions with their measures."""

    users: DataFrame
    measures: list[str]
    """Columns of `users`."""


def load_rule_pair(path: Path, conf_dir: Path) -> RulePair:
    """Load a candidate from a file of any name, and the live rule of its name from the configuration folder.

    Raises:
        ConfigurationError: the file does not exist, or a rule is wrong.
    """
    candidate = load_rule(path, conf_dir)
    return RulePair(candidate, {rule.name: rule for rule in load_rules(conf_dir)}.get(candidate.name))


def place_by_rules(user_features: DataFrame, pair: RulePair, *, cut: date, behaviour: DataFrame | None) -> DataFrame:
    """Place all users of a cut by two rules.

    Grain: a row of `user_features` at the cut -> `user_id`, `live` and `candidate`, each `in` or `out`.

    Args:
        user_features: rows of any cuts.
        pair: the rules.
        cut: the cut.
        behaviour: of `measure.measure_behaviour` at the cut; None if neither rule asks for any.
    """
    name = pair.candidate.name
    renamed = pair.candidate.model_copy(update={"name": name + _AS_CANDIDATE})
    rules = [renamed] if pair.live is None else [pair.live, renamed]
    members = build_cohorts(user_features, rules=rules, as_of=cut, behaviour=behaviour)
    is_member = {LIVE: F.col("rule") == name, CANDIDATE: F.col("rule") == renamed.name}
    of_user = members.groupBy("user_id").agg(*(F.bool_or(rule).alias(side) for side, rule in is_member.items()))
    users = user_features.where(F.col("as_of") == F.lit(cut)).select("user_id")
    return users.join(of_user, "user_id", "left").select("user_id", *map(_in_or_out, is_member))


def place_by_models(user_features: DataFrame, live: ClusterModel, candidate: ClusterModel, *, cut: date) -> DataFrame:
    """Place all users of a cut by two versions of the cluster model.

    Grain: a row of `user_features` at the cut -> `user_id`, `live` and `candidate`: the names of its segments, with the
    number of the cluster if several segments of a version share a name.

    Args:
        user_features: rows of any cuts.
        live: the version in use.
        candidate: the version to compare.
        cut: the cut.

    Raises:
        ConfigurationError: `user_features` lacks a feature that a version reads; names it.
    """
    sides = []
    for name, model in ((LIVE, live), (CANDIDATE, candidate)):
        users = select_cut(user_features, as_of=cut, features=model.features)
        placed = assign_clusters(users, pipeline=model.pipeline, segments=model.segments)
        sides.append(placed.select("user_id", name_cluster(model.segments, distinct=True).alias(name)))
    return sides[0].join(sides[1], "user_id")


def measure_placed(placed: DataFrame, user_features: DataFrame, assignments: DataFrame, *, cut: date) -> MeasuredUsers:
    """Add the value of users, and their predictions if the cut was scored.

    Grain: a user of :func:`place_by_rules` or :func:`place_by_models` -> the same with `MEASURES` and a prediction per
    target. A prediction is null for a user about whom the target did not ask.

    Args:
        placed: users of the cut.
        user_features: rows of any cuts.
        assignments: rows of `segment_assignments` of any cuts.
        cut: the cut.
    """
    features = [name for name in MEASURES if name in user_features.columns]
    measured = placed.join(select_cut(user_features, as_of=cut, features=features), "user_id", "left")
    scored = assignments.where(F.col("as_of") == F.lit(cut))
    first = scored.select("propensities.target").head()
    targets = {PROPENSITY + target: target for target in (first["target"] if first else ())}
    by_target = F.map_from_entries(F.transform("propensities", lambda p: F.struct(p["target"], p["calibrated"])))
    predictions = scored.select("user_id", by_target.alias("_by_target"))
    joined = measured.join(predictions, "user_id", "left")
    columns = [F.col("_by_target")[target].alias(name) for name, target in targets.items()]
    return MeasuredUsers(joined.select(*placed.columns, *features, *columns), [*features, *targets])


def _in_or_out(side: str) -> Column:
    return F.when(F.coalesce(F.col(side), F.lit(False)), IN).otherwise(OUT).alias(side)
