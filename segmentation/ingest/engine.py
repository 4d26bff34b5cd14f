"""One slice of newly received records: what it takes back from and adds to every table.

A full build is the fold of this over slices of history; there is no other way in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from segmentation.checkpoints import checkpoint
from segmentation.events.payload import restored_events
from segmentation.frames import union_all
from segmentation.ingest.cap import EVENT, STORED, Capped, apply_cap, heavy_user_days
from segmentation.ingest.known import ACCEPTED
from segmentation.ingest.reconcile import change_rejections
from segmentation.ingest.resession import Resessioned, is_new, resessionise
from segmentation.ingest.revision import revise
from segmentation.ingest.routes import may_reach_cap
from segmentation.ingest.state import RECORD_KEY, Batch, Increment, State
from segmentation.ingest.verdicts import Verdicts, judge_slice
from segmentation.quality.reasons import Reason

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from segmentation.ingest.params import IngestParams
    from segmentation.parameters import WorkspaceParams
    from segmentation.sessions.params import SessionParams

REMOVED = (*RECORD_KEY, "source", "user_id", "event_at", "event_date", "session_hint")


def plan_increment(
    received: Batch,
    state: State,
    *,
    ingest: IngestParams,
    sessions: SessionParams,
    workspace: WorkspaceParams,
) -> Increment:
    """Work out everything that a slice changes.

    Args:
        received: the slice's records.
        state: the tables as published before the slice, its own units already in `input_units`.
        ingest: horizon and cap.
        sessions: session parameters.
        workspace: reporting zone, currency and conversion events.

    Returns:
        The increment: the frames to write.
    """
    zone = workspace.time_zone
    verdicts = judge_slice(received, state, dedup_window_days=ingest.dedup_window_days, zone=zone)
    arrived = _arrived(verdicts)
    gone = _gone(verdicts, state, zone)
    everything = Capped(kept=arrived)

    def within_cap() -> Capped:
        heavy = heavy_user_days(arrived, gone, state, ingest.max_events_per_user_day)
        if heavy.isEmpty():
            return everything
        return apply_cap(arrived, gone, heavy, state, cap=ingest.max_events_per_user_day, time_zone=zone)

    def plan_for(capped: Capped) -> tuple[Increment, Resessioned]:
        removed = _removed(gone, capped)
        moved = resessionise(capped.kept, removed, state, workspace=workspace, params=sessions)
        plan = Increment(records=verdicts.narrow.records)
        revise(plan, moved, removed, state, workspace=workspace, params=sessions)
        return plan, moved

    # Hardly any user's day reaches the cap. One that does by this slice alone is seen in the index; one that does with
    # what is stored is seen from the result, and the slice is planned once more.
    capped = within_cap() if may_reach_cap(verdicts.narrow, ingest.max_events_per_user_day) else everything
    plan, moved = plan_for(capped)
    if capped is everything and (gone is not None or plan.most_events > ingest.max_events_per_user_day):
        capped = within_cap()
        if capped is not everything:
            plan, moved = plan_for(capped)
    change_rejections(plan, moved.after.where(is_new()), verdicts, capped, state, zone)
    return plan


def _arrived(verdicts: Verdicts) -> DataFrame:
    """Events of the slice, and known copies that became events with it."""
    heads = verdicts.heads.select(*EVENT)
    if verdicts.revived is None:
        return heads
    return heads.unionByName(verdicts.revived.where(~F.col("late")).select(*EVENT))


def _gone(verdicts: Verdicts, state: State, zone: str) -> DataFrame | None:
    """Stored events, and events held as over_cap, that became copies or whose unit leaves; with their user's day."""
    over_cap, parts = Reason.OVER_CAP.value, []
    if verdicts.changed is not None:
        was_event = F.col("known_as").isin(ACCEPTED, over_cap) & (F.col("verdict") != F.col("known_verdict"))
        parts.append(restored_events(verdicts.changed.where(was_event), "payload", zone).select(*REMOVED))
    if state.withdrawal.unit_ids:
        stored = state.events.where(F.col("event_date").isin(*state.withdrawal.event_dates))
        held = state.quarantine.where(F.col("reason") == over_cap)
        parts.append(state.leaving(stored).select(*REMOVED))
        parts.append(restored_events(state.leaving(held), "raw", zone).select(*REMOVED))
    return checkpoint(union_all(parts)) if parts else None


def _removed(gone: DataFrame | None, capped: Capped) -> DataFrame | None:
    """Events that leave `events`: those that became copies, whose unit leaves, or that fell beyond the cap."""
    parts = [] if gone is None else [gone.select(*REMOVED)]
    if capped.over is not None:
        parts.append(capped.over.where(F.col("origin") == STORED).select(*REMOVED))
    if not parts:
        return None
    return checkpoint(parts[0] if len(parts) == 1 else parts[0].unionByName(parts[1]))
