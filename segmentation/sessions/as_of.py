"""Recompute the tables as they would have been at an earlier cut."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pyspark.sql import functions as F

from segmentation.checkpoints import checkpoint
from segmentation.local_time import local_midnight
from segmentation.sessions.build import build_sessions
from segmentation.sessions.item_counts import count_items
from segmentation.sessions.orders import judge_all
from segmentation.sessions.sessionise import sessionise
from segmentation.sessions.user_days import build_user_days
from segmentation.tables import ASSIGNED, EVENTS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from pyspark.sql import Column, DataFrame

    from segmentation.parameters import WorkspaceParams
    from segmentation.sessions.params import SessionParams


class CutTables(NamedTuple):
    """The accepted events of a cut, and the tables derived from them."""

    events: DataFrame
    """With session ids: as stored, or assigned by `sessionise` if the tables are recomputed."""
    sessions: DataFrame
    user_days: DataFrame
    item_counts: DataFrame
    """Of `segmentation.sessions.item_counts`, not computed yet."""


def before_cut(as_of: date, time_zone: str) -> Column:
    """Return whether an event had happened and was received before midnight of `as_of` in the reporting zone."""
    midnight = local_midnight(as_of, time_zone)
    return (F.col("event_at") < midnight) & (F.col("received_at") < midnight)


def find_known_cuts(events: DataFrame, *, cuts: Sequence[date], time_zone: str) -> dict[date, bool]:
    """Return the cuts before which any event is known, in the given order, and whether all events are known there."""
    known = [before_cut(cut, time_zone) for cut in cuts]
    row = events.agg(*map(F.bool_or, known), *map(F.bool_and, known)).head() or ()
    some, everything = row[: len(cuts)], row[len(cuts) :]
    return {cut: is_all for cut, is_some, is_all in zip(cuts, some, everything, strict=True) if is_some}


def choose_tables(stored: CutTables, *, as_of: date, workspace: WorkspaceParams, sessions: SessionParams) -> CutTables:
    """Return the stored tables if they hold nothing after the cut, else recompute them from its events."""
    if stored.events.where(~before_cut(as_of, workspace.time_zone)).isEmpty():
        return stored
    return tables_at_cut(stored.events, as_of=as_of, workspace=workspace, sessions=sessions)


def tables_at_cut(events: DataFrame, *, as_of: date, workspace: WorkspaceParams, sessions: SessionParams) -> CutTables:
    """Recompute the tables from the events of a cut.

    A session that is open at the cut ends with its last event. An order is judged by its events known at the cut.
    """
    known = events.where(before_cut(as_of, workspace.time_zone))
    return tables_of(judge_all(known), workspace=workspace, sessions=sessions)


def tables_of(
    events: DataFrame, *, workspace: WorkspaceParams, sessions: SessionParams, owner: str | None = None
) -> CutTables:
    """Build sessions and user days from the events of complete sessions, and assign new session ids.

    Args:
        events: rows of `events`; `user_id` tells sessions apart.
        workspace: zone and currency.
        sessions: the timeout and other limits.
        owner: column of the events that takes the place of `user_id` once sessions are assigned; None: none does.
    """
    kept = (name for name in EVENTS.names if name not in ASSIGNED)
    unassigned = events.select(*kept, *((owner,) if owner else ()))
    assigned = sessionise(unassigned, params=sessions, time_zone=workspace.time_zone)
    placed = checkpoint(assigned.withColumn("user_id", F.col(owner)).drop(owner) if owner else assigned)
    built = build_sessions(placed, workspace=workspace, params=sessions)
    user_days = build_user_days(placed, built, workspace=workspace)
    return CutTables(placed, built, user_days, count_items(placed, built, time_zone=workspace.time_zone))
