"""Find the stored sessions that a batch touches, and cut them anew together with the events that it adds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from segmentation.checkpoints import Counted, checkpoint_counted, checkpoint_observing, instant, no_rows
from segmentation.frames import union_all
from segmentation.ingest.index import user_hash
from segmentation.sessions.sessionise import hint_session_id, sessionise
from segmentation.tables import EVENTS, SESSIONS
from segmentation.tables.records import EVENT, RECORD_KEY

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from segmentation.ingest.index import Index
    from segmentation.ingest.snapshot import Snapshot
    from segmentation.ingest.user_day_cap import Admitted
    from segmentation.parameters import WorkspaceParams
    from segmentation.sessions.params import SessionParams

SPAN = ("user_hash", "event_date", "event_at")


@dataclass(frozen=True)
class Resessioned:
    """Complete sessions before and after the batch; no other session changes.

    A touched session is replaced whole: its stored events leave, and those that remain are stored again with the ones
    that join them.
    """

    sessions: Counted
    """Stored sessions that are replaced (rows of `sessions`)."""
    before: Counted
    """Their stored events (rows of `events`)."""
    days: tuple[date, ...]
    """Event days of those events, if files of other days are to be skipped."""
    events: DataFrame
    """Events of the sessions after the batch (rows of `events`), not computed yet."""


def spans_of_batch(index: Index, not_events: Counted) -> DataFrame:
    """Return user, day and instant of the batch's events, from the index."""
    rows = index.admissible
    return (rows.join(not_events.hinted, "row_key", "left_anti") if not_events.count else rows).select(*SPAN)


def spans_of(events: DataFrame) -> DataFrame:
    """Return user, day and instant of events."""
    return events.select(user_hash(), "event_date", "event_at")


def resessionise(
    admitted: Admitted,
    spans: DataFrame,
    snapshot: Snapshot,
    *,
    records: int,
    workspace: WorkspaceParams,
    params: SessionParams,
) -> Resessioned:
    """Cut the added events and the stored sessions that they touch into sessions.

    A user's sessions further from every added or removed event than the timeout stay as they are: adding events only
    extends or joins sessions, and removing one only splits its own.

    Args:
        admitted: events that come and go.
        spans: user, day and instant (SPAN) of those that come from the batch.
        snapshot: earlier tables.
        records: number of those, about.
        workspace: reporting zone.
        params: session parameters.
    """
    added = union_all([admitted.from_batch.select(*EVENT), admitted.from_earlier.rows.select(*EVENT)])
    touched = no_rows(snapshot.sessions.select(*SESSIONS.names))
    if not snapshot.is_empty:
        touched = _touched(admitted, Counted(spans, records), snapshot, params)
    days = _days(touched, workspace.time_zone) if touched.count and not snapshot.is_small else ()
    before = _events_of(touched, days, snapshot)
    kept = before.rows.select(*EVENT)
    if admitted.removed.count:
        kept = kept.join(admitted.removed.rows.select(*RECORD_KEY), list(RECORD_KEY), "left_anti")
    events = sessionise(added.unionByName(kept), params=params, time_zone=workspace.time_zone)
    return Resessioned(touched, before, days, events)


def _touched(admitted: Admitted, spans: Counted, snapshot: Snapshot, params: SessionParams) -> Counted:
    """Return the stored sessions within the timeout of an added or removed event of their user, or of their hint.

    Events count by user and day, so that a late one does not touch all sessions between it and the batch. Users are
    compared by hash: another user's session of an equal hash is cut anew with the same result.
    """
    moved = [rows for rows in (admitted.from_earlier, admitted.removed) if rows.count]
    all_spans = union_all([spans.rows, *(spans_of(rows.rows) for rows in moved)])
    ends = (F.min("event_at").alias("_from"), F.max("event_at").alias("_to"))
    first, last = F.min(F.unix_micros("_from")).alias("first"), F.max(F.unix_micros("_to")).alias("last")
    by_day, whole = checkpoint_observing(all_spans.groupBy("user_hash", "event_date").agg(*ends), first, last)
    if whole["first"] is None:
        return no_rows(snapshot.sessions.select(*SESSIONS.names))
    reach, timeout = timedelta(seconds=params.timeout_s), F.expr(f"INTERVAL {params.timeout_s} SECONDS")
    around = snapshot.sessions.where(
        (F.col("ended_at") >= F.lit(instant(whole["first"]) - reach))
        & (F.col("started_at") <= F.lit(instant(whole["last"]) + reach))
    ).select(*SESSIONS.names, user_hash())
    near = around.join(Counted(by_day, spans.count).hinted, "user_hash", "inner").where(
        (F.col("ended_at") >= F.col("_from") - timeout) & (F.col("started_at") <= F.col("_to") + timeout)
    )
    found = [near.select(*SESSIONS.names), *_of_hints(admitted, snapshot)]
    return checkpoint_counted(union_all(found).dropDuplicates(["session_id"]))


def _of_hints(admitted: Admitted, snapshot: Snapshot) -> list[DataFrame]:
    """Return the stored sessions of the source's session ids that events come with or leave; none if they have none."""
    if not admitted.hinted:
        return []
    moved = [admitted.from_batch, admitted.from_earlier.rows, admitted.removed.rows]
    columns = ("source", "user_id", "session_hint")
    hinted = union_all(rows.select(*columns) for rows in moved).where(F.col("session_hint").isNotNull())
    ids = hinted.select(hint_session_id().alias("session_id")).distinct()
    return [snapshot.sessions.join(ids, "session_id", "left_semi").select(*SESSIONS.names)]


def _days(touched: Counted, time_zone: str) -> tuple[date, ...]:
    """Return the days on which the touched sessions have events."""
    last = F.to_date(F.from_utc_timestamp("ended_at", time_zone))
    days = touched.rows.select(F.explode(F.sequence("session_date", last)).alias("day")).distinct()
    return tuple(sorted(row["day"] for row in days.collect()))  # a row per day


def _events_of(touched: Counted, days: tuple[date, ...], snapshot: Snapshot) -> Counted:
    """Checkpoint the stored events of the touched sessions."""
    events = snapshot.events.select(*EVENTS.names)
    if not touched.count:
        return no_rows(events)
    ids = touched.select("session_id").hinted
    on_days = snapshot.on_days(events, "event_date", days)
    return checkpoint_counted(on_days.join(ids, "session_id", "left_semi"))
