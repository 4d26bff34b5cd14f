"""Derive daily progress in funnels and loops of users, from which features are computed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import Window
from pyspark.sql import functions as F

from segmentation.event_order import in_order
from segmentation.frames import union_all
from segmentation.sequences.funnels import find_latest_starts
from segmentation.sequences.steps import SESSION

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import DataFrame

    from segmentation.sequences.funnels import Funnel


def list_attempts(steps: DataFrame, *, funnels: Sequence[Funnel], time_zone: str) -> DataFrame:
    """Tell, for every number of steps of every funnel, when the latest attempt that got so far began.

    Grain: a row of `build_steps` -> user x funnel x depth that the user reached, with started_date (day of the
    attempt's first step in `time_zone`). One pass per funnel, whatever windows are asked later: a user got to a depth
    within the last n days iff the latest attempt that did began in them.
    """
    return union_all(
        find_latest_starts(steps, funnel=funnel).select(
            "user_id",
            F.lit(funnel.name).alias("funnel"),
            "depth",
            F.to_date(F.from_utc_timestamp(F.timestamp_micros("last_start"), time_zone)).alias("started_date"),
        )
        for funnel in funnels
    )


def count_loops(steps: DataFrame) -> DataFrame:
    """Count steps that go back to the state before the last one: a, b, a.

    Grain: a row of `build_steps` -> user x day on which sessions began (session_date), with `third_steps` (steps that
    have two before them in their session) and `loops` (those of them that go back; a, a, a is not one).
    """
    order = Window.partitionBy(*SESSION).orderBy(*in_order())
    seen = steps.select("*", F.lag("state", 2).over(order).alias("_before_last"))
    back = (F.col("state") == F.col("_before_last")) & (F.col("state") != F.col("previous_state"))
    return seen.groupBy("user_id", "session_date").agg(
        F.count("_before_last").alias("third_steps"), F.count_if(F.coalesce(back, F.lit(False))).alias("loops")
    )
