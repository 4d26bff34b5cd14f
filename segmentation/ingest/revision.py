"""The one primitive: retract and add on the touched users' days.

Late events, earlier copies, replaced input, merged persons and erasure are all the same to it: some stored events
leave, others come, and every derived row of the users' days that they touch is taken back and written anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from segmentation.checkpoints import checkpoint, checkpoint_observing
from segmentation.frames import conform, union_all
from segmentation.ingest.resession import Resessioned, is_moved, is_new
from segmentation.ingest.routes import identity_hash
from segmentation.ingest.state import RECORD_KEY, USER_DAY, Addition, Increment, Retraction, State, on_days
from segmentation.sessions.build import build_sessions
from segmentation.sessions.sessionise import SIGN
from segmentation.sessions.user_days import (
    Complete,
    build_user_day_counts,
    build_user_days,
    sum_by_key,
    sum_contexts,
)
from segmentation.tables import EVENTS, SESSIONS, USER_DAY_COUNTS, USER_DAYS

if TYPE_CHECKING:
    from datetime import date

    from pyspark.sql import Column, DataFrame

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
        removed: stored events that leave, with unit_id, record_no, event_date.
        state: earlier tables.
        workspace: reporting zone, currency and conversion events.
        params: session parameters.
    """
    stale = _change_events(plan, moved, removed, state)
    contexts = checkpoint(sum_contexts(moved.events, workspace=workspace))
    built = checkpoint(build_sessions(moved.events, workspace=workspace, params=params))
    change = Complete(moved.events, contexts, built)
    plan.additions.append(Addition(SESSIONS, conform(built.where(F.col(SIGN) > 0), SESSIONS)))
    deltas, noted = checkpoint_observing(build_user_days(change), _most_events(), F.sum("no_rate").alias("no_rate"))
    plan.values_without_rate = noted["no_rate"] or 0
    days = _list_days(
        user_days=deltas.select("event_date"),
        **({} if stale is None else {"events": stale.select("event_date")}),
        **({} if moved.touched is None else {"sessions": moved.touched.select("session_date")}),
    )
    plan.transition_days = days["user_days"]
    if stale is not None and days["events"]:
        plan.retractions.append(Retraction(EVENTS, stale.select(*RECORD_KEY), RECORD_KEY, on_days(days["events"])))
    if moved.touched is not None:
        ids, started = moved.touched.select("session_id"), on_days(days["sessions"], "t.session_date")
        plan.retractions.append(Retraction(SESSIONS, ids, ("session_id",), started))
    if state.is_empty or not _add_to_stored(plan, change, deltas, state):
        plan.additions += [Addition(USER_DAYS, deltas), Addition(USER_DAY_COUNTS, build_user_day_counts(change))]
        plan.most_events = noted["most"] or 0


def _change_events(plan: Increment, moved: Resessioned, removed: DataFrame | None, state: State) -> DataFrame | None:
    """Store new events, and anew those whose session is another one now; return the stored rows that go."""
    changed = moved.after.where(is_new() | is_moved())
    plan.additions.append(Addition(EVENTS, conform(changed.select("*", identity_hash()), EVENTS)))
    if moved.touched is None:
        return None
    keys = (*RECORD_KEY, "event_date")
    stale = moved.after.where(is_moved()).select(*keys)
    return state.hold_few(stale if removed is None else stale.unionByName(removed.select(*keys)))


def _add_to_stored(plan: Increment, change: Complete, deltas: DataFrame, state: State) -> bool:
    """Plan the users' days where some are stored already; tell whether there are any."""
    days = plan.transition_days
    stored = _of_users_days(state.user_days, state.broadcast(deltas.select(*USER_DAY)), days)
    stale, count = checkpoint_observing(stored, F.count(F.lit(1)).alias("rows"))
    if not count["rows"]:
        return False
    stale = state.together(stale)
    few = state.broadcast(stale.select(*USER_DAY))
    for table in (USER_DAYS, USER_DAY_COUNTS):
        plan.retractions.append(Retraction(table, few, USER_DAY, on_days(days)))
    summed = sum_by_key([stale, deltas], USER_DAYS).where(F.col("events") != 0)
    present, noted = checkpoint_observing(summed, _most_events())
    plan.most_events = noted["most"] or 0
    plan.additions.append(Addition(USER_DAYS, present))
    counts = _renewed_counts(change, few, _of_users_days(state.user_day_counts, few, days))
    plan.additions += [Addition(USER_DAY_COUNTS, rows) for rows in counts]
    return True


def _renewed_counts(change: Complete, stale: DataFrame, stored: DataFrame) -> list[DataFrame]:
    """Count fresh days of users as they are; add the changes of stale ones to what is stored."""
    fresh = build_user_day_counts(change, days=stale, how="left_anti")
    changed = sum_by_key([stored, build_user_day_counts(change, days=stale)], USER_DAY_COUNTS)
    return [changed.where(F.col("n") != 0), fresh]


def _of_users_days(df: DataFrame, stale: DataFrame, days: list[date]) -> DataFrame:
    on_those = df.where(F.col("event_date").isin(*days))
    return on_those.join(stale, list(USER_DAY), "left_semi")


def _most_events() -> Column:
    return F.max("events").alias("most")


def _list_days(**dates: DataFrame) -> dict[str, list[date]]:
    """List the distinct days of frames of one column, in one look at all of them."""
    named = [df.toDF("day").select(F.lit(name).alias("of"), "day").distinct() for name, df in dates.items()]
    rows = union_all(named).collect()  # a row per day
    return {name: sorted(row["day"] for row in rows if row["of"] == name) for name in dates}
