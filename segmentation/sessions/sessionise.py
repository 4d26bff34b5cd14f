"""Cut each user's events into sessions in one exchange and one sort."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import Window
from pyspark.sql import functions as F

from segmentation.event_order import in_order
from segmentation.local_time import local_day

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import Column, DataFrame, WindowSpec

    from segmentation.sessions.params import SessionParams

SEPARATOR = "\u001f"
REPEATS = {"identifier": "user_id", "state": "event_name"}
"""Columns, never null, that mostly repeat another: they are left out of the exchange where they do."""


def sessionise(events: DataFrame, *, params: SessionParams, time_zone: str) -> DataFrame:
    """Assign every event its session and its place in it.

    A gap strictly greater than the timeout starts a new session; events with a `session_hint` belong to the session
    of that hint within (source, user) instead. Users are independent, and so are sessions further apart than the
    timeout: any set of complete sessions gives the same result as the whole history.

    Grain: an event in, the same event out, with the columns of `events` that the engine assigns (ASSIGNED). Events of
    one user at one instant are ordered by ORDER, nulls last. One exchange, by user, and one sort.
    """
    hint = F.concat_ws(SEPARATOR, "source", "session_hint")
    scope = F.when(F.col("session_hint").isNotNull(), hint).alias("_scope")
    narrow = _without_repeats(events).select("*", scope)
    order = Window.partitionBy("user_id", "_scope").orderBy(*in_order())
    placed = _place(narrow.repartition("user_id"), order, params)
    first, starts = F.col("_first"), F.col("_starts")
    gap = F.floor((F.unix_micros("event_at") - F.col("_previous_micros")) / 1_000_000)
    started_at = first["event_at"]
    return placed.select(
        *_with_repeats(events.columns),
        first["id"].alias("session_id"),
        started_at.alias("session_started_at"),
        local_day(started_at, time_zone).alias("session_date"),
        first["platform"].alias("session_platform"),
        first["state"].alias("entry_state"),
        F.when(~starts, F.col("_previous_state")).alias("previous_state"),
        F.when(~starts, gap).alias("gap_s"),
        F.col("_ends").alias("ends_session"),
        F.xxhash64("source", "event_id").alias("identity_hash"),
    )


def _place(events: DataFrame, order: WindowSpec, params: SessionParams) -> DataFrame:
    """Find where sessions start and end, and carry the first event of each along; all windows share one sort."""
    timeout, micros, state = params.timeout_s * 1_000_000, F.unix_micros("event_at"), F.coalesce("state", "event_name")

    def apart(earlier: Column, later: Column) -> Column:
        return F.coalesce(F.col("_scope").isNull() & (later - earlier > timeout), F.lit(False))

    flagged = events.select(
        "*",
        F.lag(micros).over(order).alias("_previous_micros"),
        F.lead(micros).over(order).alias("_next_micros"),
        F.lag(state).over(order).alias("_previous_state"),
    )
    previous, following = F.col("_previous_micros"), F.col("_next_micros")
    marked = flagged.select(
        "*",
        (previous.isNull() | apart(previous, micros)).alias("_starts"),
        (following.isNull() | apart(micros, following)).alias("_ends"),
    )
    # One hash a session, carried along: a hash for every event would cost more than the windows.
    start = F.struct("event_at", _session_id(micros).alias("id"), "platform", state.alias("state"))
    so_far = order.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    carried = F.last(F.when(F.col("_starts"), start), ignorenulls=True).over(so_far)
    return marked.select("*", carried.alias("_first"))


def _without_repeats(events: DataFrame) -> DataFrame:
    """Make columns null that repeat another: the width of a row is the cost of the exchange and the sort."""

    def narrow(name: str) -> Column:
        column = F.col(name)
        return F.when(~column.eqNullSafe(F.col(REPEATS[name])), column).alias(name) if name in REPEATS else column

    return events.select(*(narrow(name) for name in events.columns))


def _with_repeats(columns: Sequence[str]) -> list[Column]:
    return [F.coalesce(name, REPEATS[name]).alias(name) if name in REPEATS else F.col(name) for name in columns]


def hint_session_id() -> Column:
    """Return the id of the supplied session of the columns source, user_id and session_hint at hand."""
    return _short_hash(F.concat_ws(SEPARATOR, "source", "user_id", "session_hint"))


def _session_id(micros: Column) -> Column:
    """Return the id of the session that the event at hand starts."""
    by_start = _short_hash(F.concat_ws(SEPARATOR, F.col("user_id"), micros.cast("string")))
    return F.when(F.col("_scope").isNotNull(), hint_session_id()).otherwise(by_start)


def _short_hash(text: Column) -> Column:
    return F.substring(F.sha2(text, 256), 1, 32)
