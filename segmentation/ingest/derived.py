"""Derive sessions, user days and transitions from the events that a batch stores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from segmentation.checkpoints import Counted, checkpoint, checkpoint_counted
from segmentation.frames import conform
from segmentation.ingest.changes import ALL, Deletion, TableChange, list_days, on_days
from segmentation.sessions.build import build_sessions
from segmentation.sessions.transitions import build_transitions
from segmentation.sessions.user_days import SIGN, build_user_days, sum_user_days
from segmentation.tables import EVENTS, SESSIONS, TRANSITIONS, USER_DAYS

if TYPE_CHECKING:
    from datetime import date

    from pyspark.sql import DataFrame

    from segmentation.ingest.changes import Store
    from segmentation.ingest.resessionise import Resessioned
    from segmentation.ingest.snapshot import Snapshot
    from segmentation.parameters import WorkspaceParams
    from segmentation.sessions.params import SessionParams

DERIVED = (SESSIONS, USER_DAYS, TRANSITIONS)
"""Tables that are derived from `events` with every batch. They are published with its version as their basis."""


@dataclass(frozen=True)
class Derived:
    """The events of a batch as stored, and all changes that are still to be written."""

    events: DataFrame
    """Events of new and touched sessions."""
    changes: tuple[TableChange, ...]


def store_and_derive(
    resessioned: Resessioned, snapshot: Snapshot, store: Store, *, workspace: WorkspaceParams, params: SessionParams
) -> Derived:
    """Store events and sessions, and derive the rest from what was stored.

    The wide rows are written once, straight from the windows, and only the columns that sums need are read back: this
    costs less than checkpointing wide rows.

    Args:
        resessioned: complete sessions before and after the batch.
        snapshot: earlier tables.
        store: writes a change and returns its rows.
        workspace: reporting zone, currency and conversion events.
        params: session parameters.
    """
    touched, is_small = resessioned.sessions, snapshot.is_small
    events = store(
        TableChange(
            EVENTS,
            _whole_sessions(touched, ALL if is_small else on_days(resessioned.days, "t.event_date")),
            conform(resessioned.events, EVENTS),
            stored=snapshot.whole(snapshot.events),
        )
    )
    started = list_days(touched.rows, "session_date") if touched.count and not is_small else ()
    sessions = store(
        TableChange(
            SESSIONS,
            _whole_sessions(touched, ALL if is_small else on_days(started, "t.session_date")),
            build_sessions(events.rows, workspace=workspace, params=params),
            stored=snapshot.whole(snapshot.sessions),
        )
    )
    changes = (
        *events.to_write,
        *sessions.to_write,
        _change_user_days(events.rows, sessions.rows, resessioned, snapshot, workspace),
        _change_transitions(events.rows, sessions.rows, touched, started, snapshot),
    )
    return Derived(events.rows, changes)


def _whole_sessions(touched: Counted, prune: str) -> tuple[Deletion, ...]:
    """Delete all rows of the touched sessions."""
    if not touched.count:
        return ()
    return (Deletion(touched.rows.select("session_id"), ("session_id",), prune),)


def _change_user_days(
    events: DataFrame, sessions: DataFrame, resessioned: Resessioned, snapshot: Snapshot, workspace: WorkspaceParams
) -> TableChange:
    """Add what the stored events and sessions add to users' days, less what the sessions they replace had added."""
    if snapshot.is_empty:
        return TableChange(USER_DAYS, rows=build_user_days(events, sessions, workspace=workspace))
    after_less_before = build_user_days(
        _signed(events, resessioned.before), _signed(sessions, resessioned.sessions), workspace=workspace
    )
    if snapshot.is_small:
        whole = sum_user_days([snapshot.user_days, after_less_before]).where(F.col("events") != 0)
        return TableChange(USER_DAYS, rows=whole, replaces=ALL)
    change = checkpoint(after_less_before)
    days = list_days(change, "event_date")
    on_those = snapshot.user_days.where(F.col("event_date").isin(*days))
    stale = checkpoint_counted(on_those.join(change.select(*USER_DAYS.key), list(USER_DAYS.key), "left_semi"))
    if not stale.count:
        return TableChange(USER_DAYS, rows=change)
    summed = sum_user_days([stale.rows, change]).where(F.col("events") != 0)
    deletion = Deletion(stale.rows.select(*USER_DAYS.key), USER_DAYS.key, on_days(days, "t.event_date"))
    return TableChange(USER_DAYS, (deletion,), summed)


def _signed(after: DataFrame, before: Counted) -> DataFrame:
    if not before.count:
        return after
    return after.select("*", F.lit(1).alias(SIGN)).unionByName(before.rows.select("*", F.lit(-1).alias(SIGN)))


def _change_transitions(
    events: DataFrame, sessions: DataFrame, touched: Counted, started: tuple[date, ...], snapshot: Snapshot
) -> TableChange:
    """Count the transitions of all days on which a session of the batch starts, or one started that it replaces."""
    if snapshot.is_empty:
        return TableChange(TRANSITIONS, rows=build_transitions(events, sessions))
    days = () if snapshot.is_small else tuple(sorted({*list_days(sessions, "session_date"), *started}))

    def of_days(stored: DataFrame, new: DataFrame) -> DataFrame:
        kept = snapshot.on_days(stored, "session_date", days)
        if touched.count:
            kept = kept.join(touched.select("session_id").hinted, "session_id", "left_anti")
        return kept.unionByName(new)

    counted = build_transitions(of_days(snapshot.events, events), of_days(snapshot.sessions, sessions))
    return TableChange(TRANSITIONS, rows=counted, replaces=ALL if snapshot.is_small else on_days(days, "session_date"))
