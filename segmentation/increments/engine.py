"""One slice of newly received records: what it takes back from and adds to every table.

A full build is the fold of this over slices of history; there is no other way in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from segmentation.events.deduplicate import CONFLICT, DUPLICATE
from segmentation.frames import conform
from segmentation.increments import rejections
from segmentation.increments.cap import STORED, Capped, apply_cap, restored_events
from segmentation.increments.known import ACCEPTED
from segmentation.increments.resession import Resessioned, resessionise
from segmentation.increments.state import Addition, Correction, Increment, Retraction, State, hold
from segmentation.increments.verdicts import RECORD_KEY, Verdicts, judge_slice
from segmentation.quality.reasons import Reason
from segmentation.sessions.build import build_sessions
from segmentation.sessions.user_days import build_user_day_counts, build_user_days, negate, sum_by_key
from segmentation.tables import ingest_ledger as ledger
from segmentation.tables.duplicates import DUPLICATES
from segmentation.tables.events import EVENTS
from segmentation.tables.ingest_ledger import INGEST_LEDGER
from segmentation.tables.quarantine import QUARANTINE
from segmentation.tables.sessions import SESSIONS
from segmentation.tables.user_day_counts import USER_DAY_COUNTS
from segmentation.tables.user_days import USER_DAYS

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from segmentation.increments.params import IngestParams
    from segmentation.parameters import WorkspaceParams
    from segmentation.sessions.params import SessionParams


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
        parsed: all records of the slice (PARSED_RECORDS), each once; held in memory or cheap to read again.
        state: the tables as published before the slice, its own units already in `input_units`.
        ingest: horizon and cap.
        sessions: session parameters.
        workspace: reporting zone, currency and conversion events.

    Returns:
        The increment: the frames to write.
    """
    plan = Increment()
    zone = workspace.time_zone
    candidates = parsed.where(F.size("reasons") == 0).drop("reasons", "raw", "unparsable", "location")
    verdicts = judge_slice(candidates, state, horizon_days=ingest.horizon_days)
    copied = _retracted_copies(verdicts, state, zone)
    punctual = verdicts.heads.where(~F.col("late"))
    capped = apply_cap(punctual, copied, state, cap=ingest.user_day_cap, time_zone=zone)
    removed = _removed(copied, capped, state)
    added = capped.kept.drop("late")
    if capped.restored is not None:
        added = added.select(*capped.restored.columns).unionByName(capped.restored)
    moved = resessionise(added, removed, state, workspace=workspace, params=sessions)
    _change_events(plan, moved)
    _change_derived(plan, moved, workspace, sessions)
    _change_rejections(plan, parsed, verdicts, capped, state, zone)
    return plan


def _retracted_copies(verdicts: Verdicts, state: State, zone: str) -> DataFrame | None:
    """Stored events, and events held as over_cap, that became copies; with their user's day."""
    if verdicts.changed is None:
        return None
    columns = (*RECORD_KEY, "source", "user_id", "event_date", "event_at", "session_hint")
    stored = verdicts.changed.where(F.col("known_as") == ACCEPTED).select(*RECORD_KEY)
    held = verdicts.changed.where(F.col("known_as") == Reason.OVER_CAP.value)
    return hold(
        state.events.join(stored, list(RECORD_KEY), "left_semi")
        .select(*columns)
        .unionByName(restored_events(held, "payload", zone).select(*columns))
    )


def _removed(copied: DataFrame | None, capped: Capped, state: State) -> DataFrame | None:
    """Stored events that leave `events`: those that became copies or fell beyond the cap."""
    columns = (*RECORD_KEY, "source", "user_id", "event_at", "session_hint")
    parts = [] if copied is None else [copied.select(*columns)]
    if capped.over is not None and not state.is_empty:
        parts.append(capped.over.where(F.col("origin") == STORED).select(*columns))
    if not parts:
        return None
    return hold(parts[0] if len(parts) == 1 else parts[0].unionByName(parts[1]))


def _change_events(plan: Increment, moved: Resessioned) -> None:
    if moved.touched is not None:
        keys, between = (
            moved.touched.select("session_id"),
            f"BETWEEN DATE'{moved.first_day}' AND DATE'{moved.last_day}'",
        )
        plan.retractions.append(Retraction(EVENTS, keys, ("session_id",), f"t.event_date {between}"))
        plan.retractions.append(Retraction(SESSIONS, keys, ("session_id",), f"t.session_date {between}"))
    plan.additions.append(Addition(EVENTS, conform(moved.after, EVENTS)))


def _change_derived(plan: Increment, moved: Resessioned, workspace: WorkspaceParams, sessions: SessionParams) -> None:
    built = hold(build_sessions(moved.after, workspace=workspace, params=sessions))
    plan.additions.append(Addition(SESSIONS, built))
    days = build_user_days(moved.after, built, workspace=workspace)
    counts = build_user_day_counts(moved.after, time_zone=workspace.time_zone)
    changed_days = built.select("session_date")
    if moved.before is not None and moved.touched is not None:
        old_days = build_user_days(moved.before, moved.touched, workspace=workspace)
        old_counts = build_user_day_counts(moved.before, time_zone=workspace.time_zone)
        days = sum_by_key([days, negate(old_days, USER_DAYS)], USER_DAYS)
        counts = sum_by_key([counts, negate(old_counts, USER_DAY_COUNTS)], USER_DAY_COUNTS)
        changed_days = changed_days.unionByName(moved.touched.select("session_date"))
    prune = _day_range(moved)
    plan.corrections.append(Correction(USER_DAYS, days, prune))
    plan.corrections.append(Correction(USER_DAY_COUNTS, counts.where(F.col("n") != 0), prune))
    plan.transition_days = changed_days.distinct()


def _day_range(moved: Resessioned) -> str:
    """Say between which days the sessions before and after lie, as a condition that prunes files."""
    if moved.touched is None:
        return "true"
    span = moved.after.agg(
        F.least(F.min("event_date"), F.min("session_date")).alias("first"), F.max("event_date").alias("last")
    ).head()
    first, last = span or (None, None)
    firsts = [day for day in (first, moved.first_day) if day is not None]
    lasts = [day for day in (last, moved.last_day) if day is not None]
    return f"t.event_date BETWEEN DATE'{min(firsts)}' AND DATE'{max(lasts)}'"


def _change_rejections(
    plan: Increment, parsed: DataFrame, verdicts: Verdicts, capped: Capped, state: State, zone: str
) -> None:
    units = state.input_units
    late = verdicts.heads.where(F.col("late"))
    conflicts = verdicts.copies.where(F.col("verdict") == CONFLICT)
    duplicates = verdicts.copies.where(F.col("verdict") == DUPLICATE)
    quarantined = [
        rejections.rejected_rows(parsed),
        rejections.verdict_rows(conflicts, CONFLICT, units),
        rejections.verdict_rows(late, Reason.TOO_LATE.value, units),
    ]
    remembered = [rejections.duplicate_rows(duplicates)]
    entries = [
        *rejections.parsing_entries(parsed),
        rejections.ledger_entries(duplicates, ledger.DUPLICATE),
        rejections.ledger_entries(conflicts, ledger.QUARANTINED, F.lit(CONFLICT)),
        rejections.ledger_entries(late, ledger.QUARANTINED, F.lit(Reason.TOO_LATE.value)),
        rejections.ledger_entries(capped.kept, ledger.ACCEPTED),
    ]
    if capped.over is not None and capped.restored is not None:
        over_cap = F.lit(Reason.OVER_CAP.value)
        quarantined.append(rejections.verdict_rows(capped.over, Reason.OVER_CAP.value, units))
        stored = capped.over.where(F.col("origin") == STORED)
        entries += [
            rejections.ledger_entries(capped.over, ledger.QUARANTINED, over_cap),
            rejections.ledger_entries(stored, ledger.ACCEPTED, sign=-1),
            rejections.ledger_entries(capped.restored, ledger.ACCEPTED),
            rejections.ledger_entries(capped.restored, ledger.QUARANTINED, over_cap, sign=-1),
        ]
        plan.retractions.append(Retraction(QUARANTINE, capped.restored.select(*RECORD_KEY), RECORD_KEY))
    if verdicts.changed is not None:
        changed = verdicts.changed
        quarantined.append(rejections.changed_to_conflict(changed, units, zone))
        remembered.append(rejections.changed_to_duplicate(changed, zone))
        entries += rejections.changed_entries(changed, zone)
        was_held = ~F.col("known_as").isin(ACCEPTED, DUPLICATE)
        plan.retractions.append(Retraction(QUARANTINE, changed.where(was_held).select(*RECORD_KEY), RECORD_KEY))
        was_copy = F.col("known_as") == DUPLICATE
        plan.retractions.append(Retraction(DUPLICATES, changed.where(was_copy).select(*RECORD_KEY), RECORD_KEY))
    plan.additions += [Addition(QUARANTINE, rows) for rows in quarantined]
    plan.additions += [Addition(DUPLICATES, rows) for rows in remembered]
    plan.corrections.append(Correction(INGEST_LEDGER, rejections.sum_entries(entries)))
