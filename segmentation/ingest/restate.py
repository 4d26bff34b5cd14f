"""Change stored events for a reason outside of the records: merged or separated persons."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segmentation.checkpoints import Counted, no_rows
from segmentation.frames import union_all
from segmentation.ingest.derived import store_and_derive
from segmentation.ingest.resessionise import resessionise, spans_of
from segmentation.ingest.user_day_cap import REMOVED, Admitted
from segmentation.tables import EVENT

if TYPE_CHECKING:
    from segmentation.ingest.changes import Store, TableChange
    from segmentation.ingest.snapshot import Snapshot
    from segmentation.parameters import WorkspaceParams
    from segmentation.sessions.params import SessionParams


def restate(
    removed: Counted,
    added: Counted,
    snapshot: Snapshot,
    store: Store,
    *,
    sessions: SessionParams,
    workspace: WorkspaceParams,
) -> tuple[TableChange, ...]:
    """Remove some stored events and add others, at the cost of what they touch.

    An event that moves to another person leaves under the old one and comes under the new one. Outcomes are not judged
    again: the caller decides which records are events, and changes `quarantine`, `duplicates` and the ledger.

    Args:
        removed: rows of `events` that leave, each once, as stored.
        added: events that come (EVENT columns), each once.
        snapshot: the published tables; not empty.
        store: writes a change of `events` or `sessions` and returns the rows.
        sessions: session parameters.
        workspace: reporting zone, currency and conversion events.

    Returns:
        The changes of `user_days` and `transitions`; `events` and `sessions` are stored already.
    """
    nothing = no_rows(added.rows)
    admitted = Admitted(
        from_batch=added.rows.select(*EVENT),
        from_earlier=no_rows(added.rows.select(*EVENT)),
        removed=Counted(removed.rows.select(*REMOVED), removed.count),
        over_cap=nothing,
        restored=nothing,
        hinted=True,
    )
    moved = union_all([spans_of(added.rows), spans_of(removed.rows)])
    resessioned = resessionise(
        admitted, moved, snapshot, records=added.count + removed.count, workspace=workspace, params=sessions
    )
    return store_and_derive(resessioned, snapshot, store, workspace=workspace, params=sessions).changes
