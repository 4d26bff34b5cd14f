"""From transition counts to rates: what share of the departures from a state goes where, and how certain that is.

Counts are added first and divided last, so rates of any selection of days and platforms are exact.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import Window
from pyspark.sql import functions as F

from segmentation.sequences.paths import OTHER
from segmentation.statistics import wilson_bounds
from segmentation.tables import EXIT, START

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import DataFrame


def build_rates(transitions: DataFrame) -> DataFrame:
    """Turn transition counts into rates per state left.

    Grain: any selection of `transitions` -> from_state x to_state, cells with a positive count.

    Returns:
        from_state, to_state, transitions, departures (all transitions out of from_state; of START: sessions),
        rate = transitions / departures, rate_lower, rate_upper (95 %, Wilson).
    """
    cells = transitions.groupBy("from_state", "to_state").agg(F.sum("transitions").alias("transitions"))
    departures = F.sum("transitions").over(Window.partitionBy("from_state"))
    lower, upper = wilson_bounds(F.col("transitions"), F.col("departures"))
    return (
        cells.where(F.col("transitions") > 0)
        .select("*", departures.alias("departures"))
        .select(
            "*",
            (F.col("transitions") / F.col("departures")).alias("rate"),
            lower.alias("rate_lower"),
            upper.alias("rate_upper"),
        )
    )


def build_drop_off(transitions: DataFrame) -> DataFrame:
    """Measure how often a session ends at each state.

    Grain: any selection of `transitions` -> state (START and EXIT are no states).

    Returns:
        state, visits (times it was left, for a state or for EXIT, which is how often it was reached),
        exits, drop_off = exits / visits, drop_off_lower, drop_off_upper (95 %, Wilson).
    """
    exits = F.sum(F.when(F.col("to_state") == EXIT, F.col("transitions")).otherwise(0))
    visits = transitions.where(F.col("from_state") != START).groupBy(F.col("from_state").alias("state"))
    lower, upper = wilson_bounds(F.col("exits"), F.col("visits"))
    return (
        visits.agg(F.sum("transitions").alias("visits"), exits.alias("exits"))
        .where(F.col("visits") > 0)
        .select(
            "*",
            (F.col("exits") / F.col("visits")).alias("drop_off"),
            lower.alias("drop_off_lower"),
            upper.alias("drop_off_upper"),
        )
    )


def group_states(transitions: DataFrame, *, keep: Sequence[str], other: str = OTHER) -> DataFrame:
    """Put every state outside `keep` into the bucket `other`; START and EXIT stay, and all flows still add up.

    Grain: any selection of `transitions` -> from_state x to_state.
    """
    states = [*keep, START, EXIT]
    grouped = (
        F.when(F.col(name).isin(states), F.col(name)).otherwise(F.lit(other)).alias(name)
        for name in ("from_state", "to_state")
    )
    return transitions.groupBy(*grouped).agg(F.sum("transitions").alias("transitions"))
