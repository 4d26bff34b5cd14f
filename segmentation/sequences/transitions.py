"""Transition counts from the users' days."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from segmentation.frames import conform
from segmentation.tables import STEP_SEPARATOR, TRANSITIONS
from segmentation.tables.user_day_counts import TRANSITION

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def build_transitions(user_day_counts: DataFrame) -> DataFrame:
    """Sum the users' transitions of a day.

    Grain: user x day x dimension x item in; day x platform x from x to out. As a user's day has each transition
    once, the rows of a cell are its distinct users, exactly.
    """
    steps = user_day_counts.where(F.col("dimension") == TRANSITION)
    cells = steps.groupBy("event_date", "item").agg(F.sum("n").alias("transitions"), F.count(F.lit(1)).alias("users"))
    step = F.split("item", STEP_SEPARATOR)
    grouped = cells.select(
        F.col("event_date").alias("session_date"),
        step[0].alias("platform"),
        step[1].alias("from_state"),
        step[2].alias("to_state"),
        "transitions",
        "users",
    )
    return conform(grouped, TRANSITIONS)
