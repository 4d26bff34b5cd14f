"""Transition counts of days."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from segmentation.frames import conform
from segmentation.tables import TRANSITIONS
from segmentation.tables.transitions import EXIT, START

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

CELL = ("session_date", "platform", "from_state", "to_state")


def build_transitions(events: DataFrame, sessions: DataFrame) -> DataFrame:
    """Count the transitions of sessions by day and platform.

    Grain: events and sessions of whole days (of `session_date`) in; day x platform x from x to out. A user counts once
    in a cell, whatever the number of transitions.
    """
    before = F.coalesce("previous_state", F.lit(START)).alias("from_state")
    platform = F.col("session_platform").alias("platform")
    steps = events.select("user_id", "session_date", platform, before, F.col("state").alias("to_state"))
    ends = F.col("exit_state").alias("from_state"), F.lit(EXIT).alias("to_state")
    exits = sessions.select("user_id", "session_date", "platform", *ends)
    of_users = steps.unionByName(exits).groupBy("user_id", *CELL).agg(F.count(F.lit(1)).alias("n"))
    cells = of_users.groupBy(*CELL).agg(F.sum("n").alias("transitions"), F.count(F.lit(1)).alias("users"))
    return conform(cells, TRANSITIONS)
