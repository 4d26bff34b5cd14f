"""Ingest one batch: the steps that a record passes, in their order.

A full build is the fold of this over the batches of the history; there is no other way into the tables.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from segmentation.checkpoints import checkpoint, checkpoint_observing
from segmentation.ingest.candidates import find_candidates
from segmentation.ingest.changes import TableChange
from segmentation.ingest.checks import check_accepted, check_ledger, check_rejected
from segmentation.ingest.deduplicate import deduplicate
from segmentation.ingest.derived import store_and_derive
from segmentation.ingest.index import index_records
from segmentation.ingest.ledger import count_batch, count_erased, count_moves, sum_signed
from segmentation.ingest.orders import judge_transactions
from segmentation.ingest.positions import place_events
from segmentation.ingest.rejections import change_duplicates, change_quarantine, superseded_rows
from segmentation.ingest.resessionise import resessionise, spans_of_batch
from segmentation.ingest.snapshot import without_erased
from segmentation.ingest.user_day_cap import admit_events
from segmentation.sessions.money import count_without_rate
from segmentation.steps import step
from segmentation.tables import INGEST_LEDGER
from segmentation.tables import ingest_ledger as stages
from segmentation.tables.events import REFUND

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from segmentation.checkpoints import Counted
    from segmentation.ingest.batches import Batch
    from segmentation.ingest.changes import Store
    from segmentation.ingest.deduplicate import Outcome
    from segmentation.ingest.params import IngestParams
    from segmentation.ingest.snapshot import Erased, Snapshot
    from segmentation.ingest.user_day_cap import Admitted
    from segmentation.parameters import WorkspaceParams
    from segmentation.sessions.params import SessionParams


@dataclass(frozen=True)
class Increment:
    """Everything that a batch changes beside `events` and `sessions`, which are stored already."""

    changes: tuple[TableChange, ...]
    values_without_rate: int
    """Events of the batch whose value has no rate to the reporting currency: it is in no sum of money."""
    late: int = 0
    """Records of the batch that were received after the lateness bound."""
    late_purchases: int = 0
    """Those of them that are purchases."""
    records: int = 0
    """All records of the batch."""


def plan_increment(
    batch: Batch,
    snapshot: Snapshot,
    store: Store,
    *,
    ingest: IngestParams,
    sessions: SessionParams,
    workspace: WorkspaceParams,
) -> Increment:
    """Store the events and sessions of a batch, and return all other changes of tables.

    Args:
        batch: the parsed records; none if records are erased.
        snapshot: the tables as published before the batch; its own units already in `input_units`.
        store: writes a change of `events` or `sessions` and returns the rows.
        ingest: deduplication window, cap and thresholds.
        sessions: session parameters.
        workspace: reporting zone, currency and conversion events.

    Raises:
        DataError: the batch has no record, or too many are rejected; nothing is stored then.
        ContractError: a record is unaccounted for; nothing is published then.
    """
    zone, named = workspace.time_zone, partial(step, batch.records.sparkSession)
    # Hashes and flags of every record, in one pass over the input.
    with named("index"):
        index = index_records(batch.records)
    check_rejected(index, batch, max_share=ingest.max_rejected_share)
    # The few hashes that occur more than once, in the batch or in an earlier record.
    with named("candidates"):
        candidates = find_candidates(index, snapshot, window_days=ingest.dedup_window_days)
    # Those are compared in full: survivor, duplicate or conflict; earlier records are judged again.
    with named("deduplicate"):
        outcome = deduplicate(batch, index, candidates, snapshot, window_days=ingest.dedup_window_days, zone=zone)
    # All others are events, up to the cap of a user's day.
    cap = ingest.max_events_per_user_day
    with named("user-day cap"):
        admitted = admit_events(batch, index, outcome, snapshot, cap=cap, zone=zone)
    # Of exact copies the least position counts; stored events that a copy gives another one are stored again.
    placed = admitted
    if batch.has_positions:
        with named("positions"):
            placed = place_events(admitted, outcome, snapshot, window_days=ingest.dedup_window_days, zone=zone)
    # Of each order one purchase counts; the stored events of the orders are judged again.
    with named("orders"):
        judged = judge_transactions(placed, snapshot, maps_orders=batch.maps_orders)
    # Events are cut into sessions, with the stored sessions that they extend or join.
    spans = spans_of_batch(index, outcome.not_events)
    with named("touched sessions"):
        resessioned = resessionise(
            judged.admitted, spans, snapshot, records=index.records, workspace=workspace, params=sessions
        )
    # The wide rows are stored once; sessions, user days and transitions are summed from what was stored.
    with named("user days and transitions"):
        derived = store_and_derive(resessioned, snapshot, store, workspace=workspace, params=sessions)
    # Every record is accounted for.
    with named("ledger"):
        accepted = _of_batch(derived.events, batch, resessioned.before.count + judged.admitted.from_earlier.count)
        ledger, figures = _count(accepted, outcome, admitted, workspace)
        check_ledger(index, figures["read"], batch)
        if snapshot.is_empty:
            check_accepted(figures["accepted"], batch)
        rest = (
            change_quarantine(outcome, admitted, snapshot, zone),
            change_duplicates(outcome, snapshot, zone),
            _change_ledger(ledger, count_moves(outcome, admitted, zone), snapshot),
        )
    changes = (*derived.changes, judged.change, *rest)
    late = outcome.late
    return Increment(changes, figures["no_rate"], late.count, _count_purchases(late), figures["read"])


def _count_purchases(records: Counted) -> int:
    is_purchase = F.col("transaction_kind") != REFUND
    return records.rows.where(is_purchase).count() if records.count else 0


def plan_removal(
    erased: Erased,
    batch: Batch,
    snapshot: Snapshot,
    store: Store,
    *,
    ingest: IngestParams,
    sessions: SessionParams,
    workspace: WorkspaceParams,
) -> tuple[TableChange, ...]:
    """Remove records of one source from all tables of ingest, as if they had never been received.

    Records with the identity of a removed one are judged again: a conflict whose survivor is removed becomes an event,
    and a day that was over the cap gets events back.

    Args:
        erased: the records.
        batch: of their source, without records.
        snapshot: the published tables.
        store: writes a change of `events` or `sessions` and returns the rows.
        ingest: deduplication window and cap.
        sessions: session parameters.
        workspace: reporting zone, currency and conversion events.
    """
    left = without_erased(snapshot, erased)
    return plan_increment(batch, left, store, ingest=ingest, sessions=sessions, workspace=workspace).changes


def _of_batch(events: DataFrame, batch: Batch, of_earlier: int) -> DataFrame:
    """Return the stored events that came in the batch's own units."""
    return events.where(F.col("unit_id").isin(*batch.unit_ids)) if of_earlier else events


def _count(
    accepted: DataFrame, outcome: Outcome, admitted: Admitted, workspace: WorkspaceParams
) -> tuple[DataFrame, dict[str, int]]:
    """Checkpoint the batch's ledger rows; return them, and how many records were read, accepted and lack a rate."""
    sums = {
        "read": F.sum(F.when(F.col("stage") == stages.READ, F.col("records"))),
        "accepted": F.sum(F.when(F.col("stage") == stages.ACCEPTED, F.col("records"))),
    }
    ledger, figures = checkpoint_observing(
        count_batch(accepted, outcome, admitted), *(column.alias(name) for name, column in sums.items())
    )
    no_rate = count_without_rate(accepted, workspace)
    return ledger, {**{name: figures[name] or 0 for name in sums}, "no_rate": no_rate}


def _change_ledger(ledger: DataFrame, moves: list[DataFrame], snapshot: Snapshot) -> TableChange:
    """Append the batch's rows; correct those of earlier units if their records moved, drop those of superseded ones."""
    erased = snapshot.superseded.erased
    deletions = superseded_rows(snapshot) if erased is None else ()
    if erased is not None:
        moves = [*moves, count_erased(erased)]
    if not moves:
        return TableChange(INGEST_LEDGER, deletions, ledger)
    return TableChange(INGEST_LEDGER, deletions, corrections=checkpoint(sum_signed([ledger, *moves])))
