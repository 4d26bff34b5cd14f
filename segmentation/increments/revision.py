"""The one primitive: retract and add on the touched users' days.

Late events, earlier copies, replaced input, merged persons and erasure are all the same to it: some stored events
leave, others come, and every derived row of the users' days that they touch is taken back and written anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from segmentation.frames import conform
from segmentation.increments.resession import Resessioned, is_moved, is_new
from segmentation.increments.routes import identity_hash
from segmentation.increments.state import (
    RECORD_KEY,
    USER_DAY,
    Addition,
    Increment,
    Retraction,
    State,
    broadcast_few,
    hold,
    on_days,
)
from segmentation.sessions.build import build_sessions
from segmentation.sessions.sessionise import SIGN
from segmentation.sessions.user_days import (
    Complete,
    build_user_day_counts,
    build_user_days,
    sum_by_key,
    sum_contexts,
)
from segmentation.tables.events import EVENTS
from segmentation.tables.sessions import SESSIONS
from segmentation.tables.user_day_counts import USER_DAY_COUNTS
from segmentation.tables.user_days import USER_DAYS

if TYPE_CHECKING:
    from datetime import date

    from pyspark.sql import DataFrame

    from segmentation.parameters import WorkspaceParams
    from segmentation.sessions.params import SessionParams


def revise(
    plan: Increment,
    moved: Resessioned,
    removed: DataFrame | None,
    state: State,
    *,
    workspace: WorkspaceParams,
    params: SessionParams,
) -> None:
    """Plan the changes of `events`, `sessions`, `user_days`, `user_day_counts` and `transitions`.

    Args:
        plan: the increment, to which they are added.
        moved: complete sessions before and after, of `resessionise`.
        removed: stored events that leave, with batch_id, record_no, event_date.
        state: earlier tables.
        workspace: reporting zone, currency and conversion events.
        params: session parameters.
    """
    _change_events(plan, moved, removed)
    _change_derived(plan, moved, state, workspace, params)


def _change_events(plan: Increment, moved: Resessioned, removed: DataFrame | None) -> None:
    """Store new events; store those anew whose session is another one now."""
    changed = moved.after.where(is_new() | is_moved())
    plan.additions.append(Addition(EVENTS, conform(changed.select("*", identity_hash()), EVENTS)))
    if moved.touched is None:
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
    contexts = hold(sum_contexts(moved.events, workspace=workspace))
    built = hold(build_sessions(moved.events, workspace=workspace, params=sessions))
    change = Complete(moved.events, contexts, built)
    plan.additions.append(Addition(SESSIONS, conform(built.where(F.col(SIGN) > 0), SESSIONS)))
    if moved.touched is not None:
        started = _list_days(moved.touched, "session_date")
        ids = moved.touched.select("session_id")
        plan.retractions.append(Retraction(SESSIONS, ids, ("session_id",), on_days(started, "t.session_date")))
    deltas = hold(build_user_days(change))
    plan.transition_days = _list_days(deltas)
    stale = None if state.is_empty else _stored_user_days(deltas, state, plan.transition_days)
    present, counts = deltas, [build_user_day_counts(change)]
    if stale is not None:
        few, listed = broadcast_few(stale.select(*USER_DAY)), _list_days(stale)
        for table in (USER_DAYS, USER_DAY_COUNTS):
            plan.retractions.append(Retraction(table, few, USER_DAY, on_days(listed)))
        present = hold(sum_by_key([stale, deltas], USER_DAYS).where(F.col("events") != 0))
        counts = _renewed_counts(change, few, _of_users_days(state.user_day_counts, few, listed))
    most = present.agg(F.max("events").alias("events")).head()
    plan.most_events = (most and most["events"]) or 0
    plan.additions.append(Addition(USER_DAYS, present))
    plan.additions += [Addition(USER_DAY_COUNTS, rows) for rows in counts]


def _renewed_counts(change: Complete, stale: DataFrame, stored: DataFrame) -> list[DataFrame]:
    """Count fresh days of users as they are; add the changes of stale ones to what is stored."""
    fresh = build_user_day_counts(change, days=stale, how="left_anti")
    changed = sum_by_key([stored, build_user_day_counts(change, days=stale)], USER_DAY_COUNTS)
    return [changed.where(F.col("n") != 0), fresh]


def _of_users_days(df: DataFrame, stale: DataFrame, days: list[date]) -> DataFrame:
    on_those = df.where(F.col("event_date").isin(*days))
    return on_those.join(stale, list(USER_DAY), "left_semi")


def _stored_user_days(deltas: DataFrame, state: State, days: list[date]) -> DataFrame | None:
    """Return the changed users' days that are stored already; None where there are none."""
    stale = hold(_of_users_days(state.user_days, broadcast_few(deltas.select(*USER_DAY)), days))
    return None if stale.isEmpty() else stale


def _list_days(df: DataFrame, column: str = "event_date") -> list[date]:
    return sorted(row[column] for row in df.select(column).distinct().collect())  # a row per day
