"""One slice of newly received records: what it takes back from and adds to every table.

A full build is the fold of this over slices of history; there is no other way in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from segmentation.frames import conform
from segmentation.increments.cap import EVENT, STORED, Capped, apply_cap, heavy_user_days, restored_events
from segmentation.increments.known import ACCEPTED
from segmentation.increments.reconcile import change_rejections
from segmentation.increments.resession import Resessioned, is_moved, is_new, resessionise
from segmentation.increments.state import Addition, Increment, Retraction, State, hold, on_days
from segmentation.increments.verdicts import RECORD_KEY, Verdicts, judge_slice
from segmentation.quality.reasons import Reason
from segmentation.sessions.build import build_sessions
from segmentation.sessions.user_days import build_user_day_counts, build_user_days, negate, sum_by_key
from segmentation.tables.events import EVENTS
from segmentation.tables.sessions import SESSIONS
from segmentation.tables.user_day_counts import USER_DAY_COUNTS
from segmentation.tables.user_days import USER_DAYS

if TYPE_CHECKING:
    from datetime import date

    from pyspark.sql import DataFrame

    from segmentation.increments.params import IngestParams
    from segmentation.parameters import WorkspaceParams
    from segmentation.sessions.params import SessionParams

USER_DAY = ("user_id", "event_date")
REMOVED = (*RECORD_KEY, "source", "user_id", "event_at", "event_date", "session_hint")


def plan_increment(
    parsed: DataFrame,
    state: State,
    *,
    ingest: IngestParams,
    sessions: SessionParams,
    workspace: WorkspaceParams,
) -> Increment:
    """Work out everything that a slice changes.

    Args:
        parsed: all records of the slice (PARSED_RECORDS), each once; cheap to read again.
        state: the tables as published before the slice, its own units already in `input_units`.
        ingest: horizon and cap.
        sessions: session parameters.
        workspace: reporting zone, currency and conversion events.

    Returns:
        The increment: the frames to write.
    """
    zone = workspace.time_zone
    verdicts = judge_slice(parsed, state, horizon_days=ingest.horizon_days)
    copied = _retracted_copies(verdicts, zone)

    def change(capped: Capped) -> tuple[Resessioned, DataFrame | None]:
        removed = _removed(copied, capped)
        return resessionise(capped.kept, removed, state, workspace=workspace, params=sessions), removed

    # Hardly any user's day reaches the cap: that is seen from the result, and only then looked at before it.
    capped = Capped(kept=verdicts.heads.select(*EVENT))
    moved, removed = change(capped)
    if copied is not None or _may_reach_cap(moved, state, ingest.user_day_cap):
        heavy = heavy_user_days(verdicts.heads, copied, state, ingest.user_day_cap)
        if not heavy.isEmpty():
            capped = apply_cap(verdicts.heads, copied, heavy, state, cap=ingest.user_day_cap, time_zone=zone)
            moved, removed = change(capped)
    plan = Increment()
    _change_events(plan, moved, removed)
    _change_derived(plan, moved, state, workspace, sessions)
    change_rejections(plan, moved.after.where(is_new()), verdicts, capped, state, zone)
    return plan


def _retracted_copies(verdicts: Verdicts, zone: str) -> DataFrame | None:
    """Stored events, and events held as over_cap, that became copies; with their user's day."""
    if verdicts.changed is None:
        return None
    was_event = F.col("known_as").isin(ACCEPTED, Reason.OVER_CAP.value) & (F.col("verdict") != F.col("known_verdict"))
    return hold(restored_events(verdicts.changed.where(was_event), "payload", zone).select(*REMOVED))


def _removed(copied: DataFrame | None, capped: Capped) -> DataFrame | None:
    """Events that leave `events`: those that became copies or fell beyond the cap."""
    parts = [] if copied is None else [copied.select(*REMOVED)]
    if capped.over is not None:
        parts.append(capped.over.where(F.col("origin") == STORED).select(*REMOVED))
    if not parts:
        return None
    return hold(parts[0] if len(parts) == 1 else parts[0].unionByName(parts[1]))


def _may_reach_cap(moved: Resessioned, state: State, cap: int) -> bool:
    """Tell whether any user's day may hold more than the cap: the most that arrived with the most that was there."""
    counts = moved.after.groupBy(*USER_DAY).agg(F.count(F.lit(1)).alias("n"))
    found = counts.agg(F.max("n").alias("n"), F.min("event_date").alias("first"), F.max("event_date").alias("last"))
    most = found.head()
    if most is None or most["n"] is None:
        return False
    stored = state.user_days.where(F.col("event_date").between(F.lit(most["first"]), F.lit(most["last"])))
    there = None if state.is_empty else stored.agg(F.max("events").alias("n")).head()
    return bool(most["n"] + ((there["n"] or 0) if there else 0) > cap)


def _change_events(plan: Increment, moved: Resessioned, removed: DataFrame | None) -> None:
    """Store new events; store those anew whose session is another one now."""
    changed = moved.after.where(is_new() | is_moved())
    plan.additions.append(Addition(EVENTS, conform(changed, EVENTS)))
    if moved.before is None:
        return
    keys = (*RECORD_KEY, "event_date")
    stale = moved.after.where(is_moved()).select(*keys)
    stale = hold(stale if removed is None else stale.unionByName(removed.select(*keys)))
    days = _list_days(stale)
    if days:
        plan.retractions.append(Retraction(EVENTS, stale.select(*RECORD_KEY), RECORD_KEY, on_days(days)))


def _change_derived(
    plan: Increment, moved: Resessioned, state: State, workspace: WorkspaceParams, sessions: SessionParams
) -> None:
    built = hold(build_sessions(moved.after, workspace=workspace, params=sessions))
    plan.additions.append(Addition(SESSIONS, built))
    days = [build_user_days(moved.after, built, workspace=workspace)]
    counts = [build_user_day_counts(moved.after, time_zone=workspace.time_zone)]
    if moved.before is not None and moved.touched is not None:
        started = _list_days(moved.touched, "session_date")
        ids = moved.touched.select("session_id")
        plan.retractions.append(Retraction(SESSIONS, ids, ("session_id",), on_days(started, "session_date")))
        days.append(negate(build_user_days(moved.before, moved.touched, workspace=workspace), USER_DAYS))
        counts.append(negate(build_user_day_counts(moved.before, time_zone=workspace.time_zone), USER_DAY_COUNTS))
    deltas = hold(sum_by_key(days, USER_DAYS))
    plan.transition_days = _list_days(deltas)
    stale = None if state.is_empty else _stored_user_days(deltas, state, plan.transition_days)
    if stale is None:
        plan.additions.append(Addition(USER_DAYS, deltas))
        plan.additions.append(Addition(USER_DAY_COUNTS, sum_by_key(counts, USER_DAY_COUNTS)))
        return
    where = F.col("event_date").isin(*_list_days(stale))
    stored_days = state.user_days.where(where).join(F.broadcast(stale), list(USER_DAY), "left_semi")
    stored_counts = state.user_day_counts.where(where).join(F.broadcast(stale), list(USER_DAY), "left_semi")
    for table, parts in ((USER_DAYS, [stored_days, deltas]), (USER_DAY_COUNTS, [stored_counts, *counts])):
        plan.retractions.append(Retraction(table, stale, USER_DAY, on_days(_list_days(stale))))
        present = sum_by_key(parts, table).where(F.col(table.measures[0]) != 0)
        plan.additions.append(Addition(table, hold(present)))


def _stored_user_days(deltas: DataFrame, state: State, days: list[date]) -> DataFrame | None:
    """Return the changed users' days that are stored already; None where there are none."""
    stored = state.user_days.where(F.col("event_date").isin(*days)).select(*USER_DAY)
    stale = hold(deltas.select(*USER_DAY).join(stored, list(USER_DAY), "left_semi"))
    return None if stale.isEmpty() else stale


def _list_days(df: DataFrame, column: str = "event_date") -> list[date]:
    return sorted(row[column] for row in df.select(column).distinct().collect())  # a row per day
