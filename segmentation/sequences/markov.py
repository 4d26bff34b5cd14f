"""Markov chains of states: flows of any group, weighted or not, as counts and rates with intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import Window
from pyspark.sql import functions as F

from segmentation.statistics import wilson_bounds
from segmentation.tables import EXIT, START

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import Column, DataFrame

UNIT = "decimal(38,0)"


def count_flows(steps: DataFrame, *, by: Sequence[str] = (), weight: str | None = None) -> DataFrame:
    """Count how often sessions move from state to state.

    Grain: a row of `build_steps` -> group x from_state x to_state, from START and to EXIT included. Counts are
    integers and weights decimals, so flows of parts add up to those of the whole, exactly; and in every group and
    state as much flows in as out. Groups are as the columns `by` say (null is a group).

    Args:
        steps: rows of `build_steps`, with the columns named below.
        by: columns that tell groups apart; of a session's steps all have the same value.
        weight: decimal column, the session's weight; none: every session weighs 1.

    Returns:
        the columns `by`, from_state, to_state, transitions, weight (sum of weights), weight_squares (sum of their
        squares).
    """
    of_one = F.lit(1).cast(UNIT) if weight is None else F.col(weight)
    entered = _move(F.coalesce("previous_state", F.lit(START)), F.col("state"))
    left = _move(F.col("state"), F.lit(EXIT))
    moves = F.when(F.col("next_state").isNull(), F.array(entered, left)).otherwise(F.array(entered))
    return (
        steps.select(*by, F.explode(moves).alias("move"), of_one.alias("_weight"))
        .groupBy(*by, "move.from_state", "move.to_state")
        .agg(
            F.count(F.lit(1)).alias("transitions"),
            F.sum("_weight").alias("weight"),
            F.sum(F.col("_weight") * F.col("_weight")).alias("weight_squares"),
        )
    )


def rate_flows(flows: DataFrame, *, by: Sequence[str] = (), ends: bool = True) -> DataFrame:
    """Turn flows into rates per group and state left.

    Grain: a row of :func:`count_flows` -> the same. With weights the interval is Wilson's on the effective number of
    departures, (sum of weights)^2 / sum of squared weights (L. Kish, 1965, Survey Sampling, section 8.2), which is
    their number where all weigh the same. Departures count as independent of each other.

    Args:
        flows: rows of `count_flows`.
        by: its groups.
        ends: whether EXIT is somewhere to go; else rates are among those who went on, and START and EXIT are left out.

    Returns:
        the columns of `flows`, departures (all out of from_state, unweighted), rate = weight / sum of weights out of
        from_state, rate_lower, rate_upper (95 %).
    """
    kept = flows if ends else flows.where((F.col("from_state") != START) & (F.col("to_state") != EXIT))
    of_state = Window.partitionBy(*by, "from_state")
    total = F.sum("weight").over(of_state)
    squares = F.sum("weight_squares").over(of_state).cast("double")
    rated = kept.where(F.col("weight") > 0).select(
        "*",
        F.sum("transitions").over(of_state).alias("departures"),
        (F.col("weight").cast("double") / total.cast("double")).alias("rate"),
        (total.cast("double") * total.cast("double") / squares).alias("_effective"),
    )
    lower, upper = wilson_bounds(F.col("rate") * F.col("_effective"), F.col("_effective"))
    return rated.select("*", lower.alias("rate_lower"), upper.alias("rate_upper")).drop("_effective")


def count_triples(steps: DataFrame, *, by: Sequence[str] = ()) -> DataFrame:
    """Count how often sessions are in a state, the one before and the one after.

    Grain: a row of `build_steps` -> group x before x state x after, START and EXIT included; `transitions` = how often.
    """
    before = F.coalesce("previous_state", F.lit(START)).alias("before")
    after = F.coalesce("next_state", F.lit(EXIT)).alias("after")
    return steps.groupBy(*by, before, "state", after).agg(F.count(F.lit(1)).alias("transitions"))


def _move(from_state: Column, to_state: Column) -> Column:
    return F.struct(from_state.alias("from_state"), to_state.alias("to_state"))
