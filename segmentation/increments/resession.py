"""Which stored sessions a slice touches, and what they become."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from pyspark.sql import functions as F

from segmentation.increments.state import hold
from segmentation.sessions.sessionise import hint_session_id, sessionise
from segmentation.tables.events import EVENTS
from segmentation.tables.records import ASSIGNED
from segmentation.tables.sessions import SESSIONS

if TYPE_CHECKING:
    from datetime import date

    from pyspark.sql import DataFrame

    from segmentation.increments.state import State
    from segmentation.parameters import WorkspaceParams
    from segmentation.sessions.params import SessionParams

EVENT_COLUMNS = tuple(name for name in EVENTS.names if name not in ASSIGNED)


class Resessioned(NamedTuple):
    """Complete sessions before and after the slice; nothing else of the history changes."""

    after: DataFrame
    """Events laid out by `sessionise`."""
    before: DataFrame | None
    """The touched sessions' stored events, laid out as they were; None where none is touched."""
    touched: DataFrame | None
    """The touched sessions (rows of `sessions`)."""
    first_day: date | None = None
    """First and last day that the touched sessions' events can have."""
    last_day: date | None = None


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
        added: new events (EVENT_COLUMNS).
        removed: stored events to leave out, with batch_id, record_no, source, user_id, event_at, session_hint.
        state: earlier tables.
        workspace: reporting zone.
        params: session parameters.
    """

    def cut(events: DataFrame) -> DataFrame:
        return sessionise(events, params=params, time_zone=workspace.time_zone)

    added = added.select(*EVENT_COLUMNS)
    touched = None if state.is_empty else _touched(added, removed, state, params)
    bounds = (
        None
        if touched is None
        else touched.agg(
            F.count(F.lit(1)).alias("sessions"),
            F.min("session_date").alias("first"),
            F.max(F.to_date("ended_at")).alias("last"),
        ).head()
    )
    if touched is None or bounds is None or bounds["sessions"] == 0:
        return Resessioned(hold(cut(added)), None, None)
    # event_date and ended_at may differ by the reporting zone: a day on either side covers that.
    first, last = bounds["first"] - timedelta(days=1), bounds["last"] + timedelta(days=1)
    nearby = state.events.where(F.col("event_date").between(F.lit(first), F.lit(last)))
    before = hold(nearby.join(touched.select("session_id"), "session_id", "left_semi").select(*EVENT_COLUMNS))
    remaining = before if removed is None else before.join(removed, ["batch_id", "record_no"], "left_anti")
    return Resessioned(
        after=hold(cut(remaining.unionByName(added))),
        before=cut(before),
        touched=touched,
        first_day=first,
        last_day=last,
    )


def _touched(added: DataFrame, removed: DataFrame | None, state: State, params: SessionParams) -> DataFrame | None:
    """Find the stored sessions within the timeout of any added or removed event of their user, or of their hint."""
    columns = ("source", "user_id", "event_at", "session_hint")
    moved = added.select(*columns)
    if removed is not None:
        moved = moved.unionByName(removed.select(*columns))
    spans = hold(moved.groupBy("user_id").agg(F.min("event_at").alias("_from"), F.max("event_at").alias("_to")))
    whole = spans.agg(F.min("_from").alias("first"), F.max("_to").alias("last")).head()
    if whole is None or whole["first"] is None:
        return None
    timeout = F.expr(f"INTERVAL {params.timeout_s} SECONDS")
    reach = timedelta(seconds=params.timeout_s)
    around = state.sessions.where(
        (F.col("ended_at") >= F.lit(whole["first"] - reach)) & (F.col("started_at") <= F.lit(whole["last"] + reach))
    )
    near = around.join(spans, "user_id", "inner").where(
        (F.col("ended_at") >= F.col("_from") - timeout) & (F.col("started_at") <= F.col("_to") + timeout)
    )
    found = near.select(*SESSIONS.names)
    hinted = moved.where(F.col("session_hint").isNotNull()).select(hint_session_id().alias("session_id")).distinct()
    of_hints = state.sessions.join(hinted, "session_id", "left_semi").select(*SESSIONS.names)
    return hold(found.unionByName(of_hints).dropDuplicates(["session_id"]))
