"""The beginnings of sessions as paths of states, repeats collapsed, bounded in length."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import Window
from pyspark.sql import functions as F

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

OTHER = "(all other states)"
"""Bucket of the states that a view leaves out."""


def build_paths(events: DataFrame, *, steps: int) -> DataFrame:
    """Count sessions by the first states they went through.

    Grain: an event with its session_id -> a path. Consecutive events of one state are one step; events are ordered
    as everywhere (event_at, sequence_no, event_id, received_at). Never holds more than `steps` states per session.

    Returns:
        path (array of 1 to `steps` states), ended (true: the session ended with the path's last state;
        false: it went on), sessions.
    """
    return (
        _mark_steps(events)
        .groupBy("session_id")
        .agg(_first_states(steps).alias("path"), (F.max("step") <= steps).alias("ended"))
        .groupBy("path", "ended")
        .agg(F.count("*").alias("sessions"))
    )


def build_flows(paths: DataFrame, *, states_per_step: int) -> DataFrame:
    """Count how sessions move from step to step, the largest states of each step by name.

    Grain: a row of :func:`build_paths` -> step x from_state x to_state.

    Returns:
        step (1 = from the first state on), from_state, to_state (null: the session ended after from_state), sessions.
        A state beyond the `states_per_step` most frequent ones of its step is :data:`OTHER`. Sessions that go on after
        the last step of the paths have no row there, so per state of a step: sessions in = sessions out.
    """
    moves = paths.select(F.posexplode("path").alias("position", "state"), "path", "ended", "sessions")
    named = moves.join(F.broadcast(_name_largest(moves, states_per_step)), ["position", "state"])
    following = F.lead("name").over(Window.partitionBy("path", "ended").orderBy("position"))
    is_last = F.col("position") + 1 == F.size("path")
    return (
        named.select(
            (F.col("position") + 1).alias("step"),
            F.col("name").alias("from_state"),
            following.alias("to_state"),
            (is_last & ~F.col("ended")).alias("beyond"),
            "sessions",
        )
        .where(~F.col("beyond"))
        .groupBy("step", "from_state", "to_state")
        .agg(F.sum("sessions").alias("sessions"))
    )


def _mark_steps(events: DataFrame) -> DataFrame:
    ordered = Window.partitionBy("session_id").orderBy("event_at", "sequence_no", "event_id", "received_at")
    previous = F.lag("state").over(ordered)
    changed = (previous.isNull() | (previous != F.col("state"))).cast("int")
    step = F.sum("changed").over(ordered.rowsBetween(Window.unboundedPreceding, Window.currentRow))
    return events.select("*", changed.alias("changed")).select("session_id", "state", step.alias("step"))


def _first_states(steps: int) -> Column:
    state_at = [F.max(F.when(F.col("step") == number, F.col("state"))) for number in range(1, steps + 1)]
    return F.array_compact(F.array(*state_at))


def _name_largest(moves: DataFrame, states_per_step: int) -> DataFrame:
    sizes = moves.groupBy("position", "state").agg(F.sum("sessions").alias("size"))
    rank = F.row_number().over(Window.partitionBy("position").orderBy(F.col("size").desc(), "state"))
    return sizes.select(
        "position", "state", F.when(rank <= states_per_step, F.col("state")).otherwise(OTHER).alias("name")
    )
