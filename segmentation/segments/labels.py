"""What came true after a cut: the labels that propensity learns from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from segmentation.models.windows import LABEL
from segmentation.segments.behaviours.behaviour import Declarations, Traces
from segmentation.segments.behaviours.measure import measure_behaviour
from segmentation.segments.rules import holds

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from pyspark.sql import DataFrame

    from segmentation.segments.targets import Target
    from segmentation.sequences.funnels import Funnel
    from segmentation.sequences.states import StateMapping


@dataclass(frozen=True)
class Known:
    """What is known at the cut that training is for, and how funnels read it."""

    traces: Traces
    """Events that had happened and been received before the cut, and what they make."""
    funnels: Mapping[str, Funnel]
    states: StateMapping
    time_zone: str


def label_users(asked: DataFrame, known: Known, *, target: Target, cut: date, features: Sequence[str]) -> DataFrame:
    """Tell of each user that a target asks about at a cut what came true in its label window.

    Grain: a row of `mark_asked` -> a user who is asked about: `user_id`, `cut`, the features as doubles, `label` 1.0 or
    0.0. Nulls stay null. What nobody is recorded to have done in the window has not been done. Only what happened in
    the window counts, and of that only what is known (received) by now; sessions count where they began.

    Args:
        asked: users at the cut, as known then, with the target's `asked_column`.
        known: what is known now; the window must be over.
        target: what is predicted.
        cut: day of the reporting zone, exclusive.
        features: columns of `user_features` to learn from.
    """
    values = [F.col(name).cast("double").alias(name) for name in features]
    users = asked.where(F.col(target.asked_column)).select("user_id", F.lit(cut).alias("cut"), *values)
    closes = target.window.closes(cut)
    outcome = measure_behaviour(
        known.traces.between(target.window.opens(cut), closes),
        behaviours=target.outcomes,
        given=Declarations(closes, known.time_zone, known.funnels, known.states),
    )
    measured = [name for name in outcome.columns if name != "user_id"]
    numbers = {bound: F.lit(bound.number) for bound in target.happens.bounds()}
    label = holds(target.happens, numbers).cast("double").alias(LABEL)
    joined = users.join(outcome, "user_id", "left").fillna(0, measured)
    return joined.select("user_id", "cut", *features, label)
