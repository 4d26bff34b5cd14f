"""Rank states by the conversions that are lost because sessions end there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import Window
from pyspark.sql import functions as F

from segmentation.frames import conform
from segmentation.sequences.groups import split_groups
from segmentation.sequences.steps import ABOUT, SESSION
from segmentation.statistics import wilson_bounds
from segmentation.tables import DROP_OFFS

if TYPE_CHECKING:
    from datetime import date

    from pyspark.sql import DataFrame

    from segmentation.sequences.params import SequenceParams

OF_SESSION = (*SESSION, *ABOUT)


def build_drop_offs(steps: DataFrame, *, params: SequenceParams, as_of: date, memberships: DataFrame) -> DataFrame:
    """Measure per state how many sessions end there without a goal, and how many goals that may have cost.

    Grain: a row of `build_steps` before the cut -> a row of `drop_offs`. Steps after a session's first goal are not
    looked at, and a session counts once per state, so sessions are the independent trials. Lost conversions are those
    that the leavers would have made at the rate of the sessions that were in the same state and went on: a figure to
    rank by, no promise, as those who leave may have wanted less.

    Args:
        steps: what happened before the cut.
        params: goals and groups.
        as_of: the cut.
        memberships: rows of `groups.list_memberships`.
    """
    is_goal = F.col("state").isin(*params.goals)
    goal_at = F.min(F.when(is_goal, F.col("step_no"))).over(Window.partitionBy(*SESSION))
    before = steps.withColumn("goal_at", goal_at).where(
        F.col("goal_at").isNull() | (F.col("step_no") < F.col("goal_at"))
    )
    visits = before.groupBy(*OF_SESSION, "state").agg(
        F.bool_or(F.col("next_state").isNull()).alias("left"),
        F.bool_or(F.col("goal_at").isNotNull()).alias("converted"),
    )
    grouped = split_groups(visits, dimensions=params.groups, at=F.col("session_date"), memberships=memberships)
    counted = grouped.groupBy("dimension", "item", "state").agg(
        F.count(F.lit(1)).alias("reached"),
        F.count_if("left").alias("left"),
        F.count_if("converted").alias("converted"),
    )
    went_on = F.col("reached") - F.col("left")
    lower, upper = wilson_bounds(F.col("left"), F.col("reached"))
    share_lower, share_upper = wilson_bounds(F.col("converted"), went_on)
    judged = counted.select(
        "*",
        F.lit(as_of).alias("as_of"),
        (F.col("left") / F.col("reached")).alias("drop_off"),
        lower.alias("drop_off_lower"),
        upper.alias("drop_off_upper"),
        (F.col("left") * F.try_divide("converted", went_on)).alias("lost_conversions"),
        (F.col("left") * share_lower).alias("lost_conversions_lower"),
        (F.col("left") * share_upper).alias("lost_conversions_upper"),
    )
    return conform(judged, DROP_OFFS)
