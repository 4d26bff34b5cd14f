"""Compare predictions with outcomes: which cuts can be checked by now, and what happened to their users."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, NamedTuple

from pyspark.sql import functions as F

from segmentation.models.windows import LABEL
from segmentation.monitoring.rates import PredictionOutcome
from segmentation.segments.labels import label_users

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from pyspark.sql import DataFrame

    from segmentation.segments.labels import Known
    from segmentation.segments.targets import Target


class Outcomes(NamedTuple):
    """The outcomes of all targets that can be checked, and notes on the others."""

    measured: list[PredictionOutcome]
    notes: list[str]


def list_scored_cuts(assignments: DataFrame) -> list[date]:
    """List the cuts of `segment_assignments`, oldest first."""
    return sorted(row["as_of"] for row in assignments.select("as_of").distinct().collect())  # a row per cut


def measure_outcomes(  # noqa: PLR0913  each decides on what can be checked
    assignments: DataFrame,
    users: DataFrame,
    *,
    targets: Iterable[Target],
    cuts: Sequence[date],
    known: Known,
    maturity_days: int,
    as_of: date,
    target_version: Callable[[Target, str], str | None],
) -> Outcomes:
    """Sum up, for each target, the newest predictions that can be checked and their outcomes.

    Predictions can be checked once their label window has closed and its labels are ripe. They are left out, with a
    note, if the target has changed since their model was trained.

    Args:
        assignments: rows of `segment_assignments` of any cuts.
        users: `user_id` of the users of today. Those whose id has changed since they were scored are left out: no event
            is stored under the former id.
        targets: the targets to check.
        cuts: the scored cuts, oldest first.
        known: events known at `as_of`.
        maturity_days: days after a label window until its labels are ripe.
        as_of: the cut of the run.
        target_version: returns the version of a target on which a model version was trained.
    """
    measured: list[PredictionOutcome] = []
    notes: list[str] = []
    for target in targets:
        over = [cut for cut in cuts if target.window.closes(cut) + timedelta(days=maturity_days) <= as_of]
        if not over:
            notes.append(f"{target.name}: no label window of a scored cut is over yet: no calibration is measured")
            continue
        cut = over[-1]
        predictions = _list_predictions(assignments, target, cut)
        row = predictions.select("model_version").first()
        if row is not None and target_version(target, row["model_version"]) != target.version:
            notes.append(f"{target.name}: it meant something else at {cut}: no calibration is measured")
            continue
        measured.append(_measure(predictions.join(users, "user_id", "left_semi"), known, target, cut))
    return Outcomes(measured, notes)


def _list_predictions(assignments: DataFrame, target: Target, cut: date) -> DataFrame:
    scored = assignments.where(F.col("as_of") == F.lit(cut)).select("user_id", F.inline("propensities"))
    return scored.where((F.col("target") == target.name) & F.col("calibrated").isNotNull())


def _measure(predictions: DataFrame, known: Known, target: Target, cut: date) -> PredictionOutcome:
    p = F.col("calibrated")
    asked = predictions.select("user_id", F.lit(True).alias(target.asked_column))
    labels = label_users(asked, known, target=target, cut=cut, features=())
    exact = [F.sum(x.cast("decimal(30,12)")).cast("double") for x in (p, p * (1 - p))]  # the same in any order
    whole = predictions.join(labels, "user_id").agg(F.count(F.lit(1)), F.sum(F.col(LABEL).cast("bigint")), *exact)
    row = whole.head() or (0, 0, 0.0, 0.0)
    sums = (row[0], row[1] or 0, row[2] or 0.0, row[3] or 0.0)
    return PredictionOutcome(target.name, cut, target.window.closes(cut), *sums)
