"""Which stored sessions a slice touches, and what they become."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from pyspark.sql import functions as F

from segmentation.checkpoints import checkpoint_observing, checkpoint_packed, instant
from segmentation.ingest.cap import EVENT
from segmentation.ingest.state import RECORD_KEY
from segmentation.sessions.sessionise import LAID_OUT, SIGN, hint_session_id, sessionise
from segmentation.tables import SESSIONS

if TYPE_CHECKING:
    from datetime import date

    from pyspark.sql import Column, DataFrame

    from segmentation.ingest.state import State
    from segmentation.parameters import WorkspaceParams
    from segmentation.sessions.params import SessionParams

_WAS = ("was_session_id", "was_started_at")
_SUMMED = ("event_at", "event_date", "event_name", "state", "platform", "channel", "value", "currency", "duration_ms")
NEAR = (SIGN, *_SUMMED, *LAID_OUT, "session_id", "session_started_at")
"""What sessions and users' days are made of."""


class Resessioned(NamedTuple):
    """Complete sessions before and after the slice; nothing else of the history changes."""

    events: DataFrame
    """Laid out by `sessionise`: with sign -1 as they were stored, with +1 as they are to be. was_session_id and
    was_started_at tell what they were, null: new."""
    touched: DataFrame | None
    """The stored sessions that change (rows of `sessions`); None: there are none."""

    @property
    def after(self) -> DataFrame:
        """Events of the sessions that there are to be."""
        return self.events.where(F.col(SIGN) > 0)


def is_new() -> Column:
    """Tell whether an event of `after` was not stored before."""
    return F.col("was_session_id").isNull()


def is_moved() -> Column:
    """Tell whether a stored event of `after` belongs to another session now, or its session starts elsewhere."""
    same = (F.col("was_session_id") == F.col("session_id")) & (F.col("was_started_at") == F.col("session_started_at"))
    return ~is_new() & ~same


def resessionise(
    added: DataFrame,
    removed: DataFrame | None,
    state: State,
    *,
    workspace: WorkspaceParams,
    params: SessionParams,
) -> Resessioned:
    """Cut the added events and all stored sessions that they may join into sessions.

    A user's sessions further away than the timeout from every added or removed event stay as they are: adding events
    only extends or joins sessions, and removing one only splits its own.

    Args:
        added: new events (EVENT).
        removed: stored events to leave out, with unit_id, record_no, source, user_id, event_at, session_hint.
        state: earlier tables.
        workspace: reporting zone.
        params: session parameters.
    """

    def cut(events: DataFrame) -> DataFrame:
        laid_out = sessionise(events, params=params, time_zone=workspace.time_zone)
        return checkpoint_packed(laid_out, ("user_id",), NEAR)

    nothing = (F.lit(None).cast("string").alias(_WAS[0]), F.lit(None).cast("timestamp").alias(_WAS[1]))
    added = added.select(*EVENT, *nothing)
    touched = None if state.is_empty else _touched(added, removed, state, params)
    days = [] if touched is None else _days(touched, workspace.time_zone)
    if touched is None or not days:
        return Resessioned(cut(added), None)
    nearby = state.events.where(F.col("event_date").isin(*days))
    sessions = state.broadcast(touched.select("session_id"))
    as_they_were = (F.col("session_id").alias(_WAS[0]), F.col("session_started_at").alias(_WAS[1]))
    before = nearby.join(sessions, "session_id", "left_semi").select(*EVENT, *as_they_were)
    twice = before.select("*", F.explode(F.array(F.lit(-1), F.lit(1))).alias(SIGN))
    if removed is not None:
        twice = twice.join(removed.select(*RECORD_KEY, F.lit(1).alias(SIGN)), [*RECORD_KEY, SIGN], "left_anti")
    return Resessioned(cut(twice.unionByName(added.select("*", F.lit(1).alias(SIGN)))), touched)


def _touched(added: DataFrame, removed: DataFrame | None, state: State, params: SessionParams) -> DataFrame | None:
    """Find the stored sessions within the timeout of any added or removed event of their user, or of their hint.

    Events are told by day, so that a late one does not touch all that came between.
    """
    columns = ("source", "user_id", "event_at", "session_hint")
    moved = added.select(*columns)
    if removed is not None:
        moved = moved.unionByName(removed.select(*columns))
    day = F.to_date("event_at").alias("_day")
    hint = F.col("session_hint").isNotNull()
    ends = (F.min("event_at").alias("_from"), F.max("event_at").alias("_to"), F.max(hint).alias("_hinted"))
    first, last = F.min(F.unix_micros("_from")).alias("first"), F.max(F.unix_micros("_to")).alias("last")
    spans, whole = checkpoint_observing(
        moved.groupBy("user_id", day).agg(*ends), first, last, F.max("_hinted").alias("hinted")
    )
    if whole["first"] is None:
        return None
    timeout = F.expr(f"INTERVAL {params.timeout_s} SECONDS")
    reach = timedelta(seconds=params.timeout_s)
    around = state.sessions.where(
        (F.col("ended_at") >= F.lit(instant(whole["first"]) - reach))
        & (F.col("started_at") <= F.lit(instant(whole["last"]) + reach))
    )
    near = around.join(state.broadcast(spans), "user_id", "inner").where(
        (F.col("ended_at") >= F.col("_from") - timeout) & (F.col("started_at") <= F.col("_to") + timeout)
    )
    found = near.select(*SESSIONS.names)
    if not whole["hinted"]:
        return state.hold_few(found.dropDuplicates(["session_id"]))
    hinted = moved.where(hint).select(hint_session_id().alias("session_id")).distinct()
    of_hints = state.sessions.join(hinted, "session_id", "left_semi").select(*SESSIONS.names)
    return state.hold_few(found.unionByName(of_hints).dropDuplicates(["session_id"]))


def _days(touched: DataFrame, time_zone: str) -> list[date]:
    """List the days on which the touched sessions have events."""
    last = F.to_date(F.from_utc_timestamp("ended_at", time_zone))
    days = touched.select(F.explode(F.sequence("session_date", last)).alias("day")).distinct()
    return sorted(row["day"] for row in days.collect())  # a row per day
