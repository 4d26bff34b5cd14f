"""Change stored events for a reason outside of the records: replaced input, merged or parted persons, erasure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segmentation.ingest.resession import resessionise
from segmentation.ingest.revision import revise
from segmentation.ingest.state import Increment

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from segmentation.ingest.state import State
    from segmentation.parameters import WorkspaceParams
    from segmentation.sessions.params import SessionParams


def restate(
    removed: DataFrame,
    added: DataFrame,
    state: State,
    *,
    sessions: SessionParams,
    workspace: WorkspaceParams,
) -> Increment:
    """Plan that some stored events leave and others come; everything derived follows, at the cost of what they touch.

    An event that goes to another person, or gets another time, leaves as it was and comes as it is to be. Verdicts
    are not judged again: which records are events is the caller's to say, and so are `quarantine`, `duplicates` and
    the ledger.

    Args:
        removed: rows of `events` that leave, each once, as stored.
        added: events that come (columns of `events` without what the engine assigns), each once.
        state: the published tables; not empty.
        sessions: session parameters.
        workspace: reporting zone, currency and conversion events.

    Returns:
        The increment: what to take back from and add to `events`, `sessions`, `user_days`, `user_day_counts` and
        `transitions`. It has no ledger.
    """
    moved = resessionise(added, removed, state, workspace=workspace, params=sessions)
    plan = Increment()
    revise(plan, moved, removed, state, workspace=workspace, params=sessions)
    return plan
