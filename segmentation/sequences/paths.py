"""The beginnings of sessions as paths of states, repeats collapsed, bounded in length."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import Window
from pyspark.sql import functions as F

from segmentation.event_order import in_order
from segmentation.frames import conform
from segmentation.sequences.steps import SESSION
from segmentation.tables import PATH_EDGES, PATHS, USER_SEQUENCES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from pyspark.sql import Column, DataFrame

OTHER = "(all other states)"
"""Bucket of the states that a view leaves out."""
OTHER_PATHS = "(all other paths)"


def build_paths(events: DataFrame, *, steps: int, goals: Sequence[str] = ()) -> DataFrame:
    """Count sessions by the first states they went through.

    Grain: an event with its user_id and session_id -> a path. Consecutive events of one state are one step; events
    are ordered as everywhere (:func:`in_order`). Never holds more than `steps` states per session.

    Returns:
        path (array of 1 to `steps` states), ended (true: the session ended with the path's last state;
        false: it went on), sessions, converted (sessions with a state of `goals` anywhere).
    """
    converted = F.coalesce(F.bool_or(F.col("state").isin(*goals)), F.lit(False))
    return (
        _mark_steps(events)
        .groupBy(*SESSION)
        .agg(_first_states(steps).alias("path"), (F.max("step") <= steps).alias("ended"), converted.alias("converted"))
        .groupBy("path", "ended")
        .agg(F.count("*").alias("sessions"), F.count_if("converted").alias("converted"))
    )


def rank_paths(paths: DataFrame, *, limit: int, as_of: date) -> DataFrame:
    """Keep the most frequent paths by name; all others are one.

    Grain: a row of :func:`build_paths` -> a row of `paths`. Ties by length, then by the states themselves.
    """
    order = (F.col("sessions").desc(), F.size("path"), F.to_json("path"), "ended")
    top = paths.orderBy(*order).limit(limit).select("path", "ended", F.lit(True).alias("named"))
    ranked = paths.join(F.broadcast(top), ["path", "ended"], "left").crossJoin(
        F.broadcast(paths.agg(F.sum("sessions").alias("all")))
    )
    is_named = F.coalesce("named", F.lit(False))
    named = ranked.groupBy(
        F.when(is_named, F.col("path")).otherwise(F.array(F.lit(OTHER_PATHS))).alias("path"),
        F.when(is_named, F.col("ended")).alias("ended"),
        "all",
    ).agg(F.sum("sessions").alias("sessions"), F.sum("converted").alias("converted"))
    share = (F.col("sessions") / F.col("all")).alias("share")
    return conform(named.select("*", share, F.lit(as_of).alias("as_of")), PATHS)


def limit_edges(flows: DataFrame, *, limit: int, as_of: date) -> DataFrame:
    """Keep the largest edges by name; of each step all others are one, so that the sums of steps stay.

    Grain: a row of :func:`build_flows` -> a row of `path_edges`. Ties by step, then by name.
    """
    order = (F.col("sessions").desc(), "step", "from_state", "to_state")
    is_named = F.row_number().over(Window.orderBy(*order)) <= limit
    ends = [F.when(F.col("named"), F.col(name)).otherwise(OTHER).alias(name) for name in ("from_state", "to_state")]
    limited = flows.withColumn("named", is_named).groupBy("step", *ends).agg(F.sum("sessions").alias("sessions"))
    return conform(limited.withColumn("as_of", F.lit(as_of)), PATH_EDGES)


def build_user_sequences(steps: DataFrame, *, limit: int, goals: Sequence[str], as_of: date) -> DataFrame:
    """Write sessions as sequences of states.

    Grain: a row of `build_steps` -> a row of `user_sequences`. At most `limit` states of a session are ever held.
    """
    head = F.when(F.col("step_no") <= limit, F.struct("step_no", "state"))
    sequences = steps.groupBy(*SESSION, "session_date", "platform", "channel").agg(
        F.transform(F.array_sort(F.collect_list(head)), lambda step: step["state"]).alias("states"),
        F.max("step_no").alias("steps"),
        F.bool_or(F.col("state").isin(*goals)).alias("reached_goal"),
    )
    return conform(sequences.withColumn("as_of", F.lit(as_of)), USER_SEQUENCES)


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
    ordered = Window.partitionBy(*SESSION).orderBy(*in_order())
    previous = F.lag("state").over(ordered)
    changed = (previous.isNull() | (previous != F.col("state"))).cast("int")
    step = F.sum("changed").over(ordered.rowsBetween(Window.unboundedPreceding, Window.currentRow))
    return events.select("*", changed.alias("changed")).select(*SESSION, "state", step.alias("step"))


def _first_states(steps: int) -> Column:
    state_at = [F.max(F.when(F.col("step") == number, F.col("state"))) for number in range(1, steps + 1)]
    return F.array_compact(F.array(*state_at))


def _name_largest(moves: DataFrame, states_per_step: int) -> DataFrame:
    sizes = moves.groupBy("position", "state").agg(F.sum("sessions").alias("size"))
    rank = F.row_number().over(Window.partitionBy("position").orderBy(F.col("size").desc(), "state"))
    return sizes.select(
        "position", "state", F.when(rank <= states_per_step, F.col("state")).otherwise(OTHER).alias("name")
    )
