"""Read stored events, sessions and user days, today's or those known at the cut of a job."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segmentation.runtime.stored import require_events
from segmentation.sessions.as_of import CutTables, choose_tables
from segmentation.sessions.item_counts import count_items
from segmentation.tables import SESSIONS, USER_DAYS

if TYPE_CHECKING:
    from segmentation.runtime.context import Context


def read_stored(ctx: Context) -> CutTables:
    """Read the published events and the tables made of them, of whatever is known by now.

    Raises:
        ConfigurationError: a table is missing, or was made under other parameters; names the job that writes it.
    """
    sessions, user_days = (ctx.lake.require(table, "ingest_events") for table in (SESSIONS, USER_DAYS))
    events = require_events(ctx)
    counts = count_items(events, sessions, time_zone=ctx.config.workspace.time_zone)
    return CutTables(events, sessions, user_days, counts)


def read_cut(ctx: Context) -> CutTables:
    """Read the tables as known at the job's cut: the stored ones if they know nothing beyond it, else recomputed.

    Raises:
        ConfigurationError: a table is missing; names the job that writes it.
    """
    config = ctx.config
    return choose_tables(read_stored(ctx), as_of=ctx.as_of, workspace=config.workspace, sessions=config.sessions)
