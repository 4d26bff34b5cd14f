"""Events as the steps of sequences: what every analysis of journeys starts from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import Window
from pyspark.sql import functions as F

from segmentation.event_order import in_order
from segmentation.sequences.states import StateMapping, state_of
from segmentation.tables.events import ORDER

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

SESSION = ("user_id", "session_id")
"""A session is of one user: told by both, steps that lie by user need no exchange for anything within a session."""
OF_FIRST = ("platform", "device_type", "channel")
"""Columns that a step has from the first event of its session that is a step."""
ABOUT = (*OF_FIRST, "session_date")
"""Columns of a session beside its user."""


def build_steps(events: DataFrame, *, states: StateMapping, time_zone: str) -> DataFrame:
    """Derive the steps of sessions from events.

    Grain: an event -> a step; events whose state is left out are not steps, and of repeats in a row only the first is
    one where the mapping collapses them. A session without a step is not there. One exchange (by user, so that what is
    asked of a user or of a session needs no other) and one sort.

    Returns:
        user_id, session_id, step_no (1, 2, ... in the session), state, previous_state, next_state (null at the
        ends of the session), event_at (UTC) with the rest of `tables.events.ORDER`; platform, device_type and channel
        (null: not told) of the session's first step, session_date (day of that session's start in `time_zone`).
    """
    columns = (*SESSION, *ORDER, "session_started_at", *OF_FIRST)
    named = events.select(*columns, state_of(states).alias("state")).where(F.col("state").isNotNull())
    named = named.repartition("user_id")
    order = Window.partitionBy(*SESSION).orderBy(*in_order())
    if states.collapse_repeats:
        before = F.lag("state").over(order)
        named = named.select("*", before.alias("_before")).where(~F.col("_before").eqNullSafe(F.col("state")))
    first = F.first(F.struct(*OF_FIRST)).over(order)
    return (
        named.select(
            *SESSION,
            F.row_number().over(order).cast("bigint").alias("step_no"),
            "state",
            F.lag("state").over(order).alias("previous_state"),
            F.lead("state").over(order).alias("next_state"),
            *ORDER,
            F.to_date(F.from_utc_timestamp("session_started_at", time_zone)).alias("session_date"),
            first.alias("_first"),
        )
        .select("*", "_first.*")
        .drop("_first")
    )
