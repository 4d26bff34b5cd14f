"""Judge the orders that a batch touches: which purchase of an order counts, and the revenue of its refunds.

An event may change which other one of its order counts, whatever their batches. Stored events whose judgement changes
are therefore removed and added again, and with them their sessions and users' days.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import reduce
from operator import and_
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from segmentation.checkpoints import Counted, checkpoint, checkpoint_counted, no_rows
from segmentation.frames import conform, union_all
from segmentation.ingest.changes import Deletion, TableChange, list_days
from segmentation.ingest.user_day_cap import REMOVED
from segmentation.sessions.orders import ORDER_KEY, is_of_order, judge_alone, judge_orders
from segmentation.tables import EVENT, ORDER_EVENTS, RECORD_KEY
from segmentation.tables.events import JUDGED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import Column, DataFrame

    from segmentation.ingest.snapshot import Snapshot
    from segmentation.ingest.user_day_cap import Admitted

STORED = tuple(f"stored_{name}" for name in JUDGED)
"""The stored judgement of an event, beside the new one."""


@dataclass(frozen=True)
class JudgedTransactions:
    """The events that a batch adds and removes, each judged."""

    admitted: Admitted
    """With stored events whose judgement changes: they leave as they are and come as they are to be."""
    change: TableChange
    """Of `order_events`."""


def judge_transactions(admitted: Admitted, snapshot: Snapshot, *, maps_orders: bool) -> JudgedTransactions:
    """Judge the purchases and refunds of a batch, and the stored ones whose orders it touches.

    Where neither the source nor any earlier one tells orders, every purchase counts, and nothing is looked up.

    Args:
        admitted: events that come and go.
        snapshot: earlier tables.
        maps_orders: the source of the batch tells orders.
    """
    batch, earlier = judge_alone(admitted.from_batch), admitted.from_earlier
    if earlier.count:
        earlier = replace(earlier, rows=judge_alone(earlier.rows))
    alone = replace(admitted, from_batch=batch, from_earlier=earlier)
    if not (maps_orders or snapshot.has_orders):
        return JudgedTransactions(alone, TableChange(ORDER_EVENTS))
    coming = union_all(map(_order_rows, [batch, earlier.rows] if maps_orders else [earlier.rows]))
    new = checkpoint_counted(coming) if maps_orders or earlier.count else no_rows(coming)
    leaving = _leaving(admitted, snapshot)
    if not (new.count or leaving.count):
        return JudgedTransactions(alone, TableChange(ORDER_EVENTS))
    told = checkpoint(judge_orders(_with_stored(new, leaving, snapshot)))
    is_new = F.col(STORED[0]).isNull()
    changed = checkpoint_counted(told.where(~is_new & ~_is_as_stored())) if snapshot.has_orders else no_rows(told)
    unlike = _unlike_alone(told.where(is_new))
    judged = replace(
        alone,
        from_batch=_corrected(batch, unlike),
        from_earlier=replace(earlier, rows=_corrected(earlier.rows, unlike)) if earlier.count else earlier,
    )
    rows = told.where(is_new).unionByName(changed.rows) if changed.count else told.where(is_new)
    change = _change_table(rows, (leaving, changed), snapshot)
    return JudgedTransactions(_with_changed(judged, changed, snapshot), change)


def _order_rows(events: DataFrame) -> DataFrame:
    return events.where(is_of_order()).select(*ORDER_EVENTS.names)


def _leaving(admitted: Admitted, snapshot: Snapshot) -> Counted:
    """Return the stored rows of events that leave."""
    if not (admitted.removed.count and snapshot.has_orders):
        return no_rows(snapshot.order_events)
    keys = admitted.removed.select(*RECORD_KEY).hinted
    return checkpoint_counted(snapshot.order_events.join(keys, list(RECORD_KEY), "left_semi"))


def _with_stored(new: Counted, leaving: Counted, snapshot: Snapshot) -> DataFrame:
    """Return the new events of orders and all stored ones of the same orders, with what is stored of them."""
    types = {field.name: field.dataType for field in new.rows.schema.fields}
    nothing = (F.lit(None).cast(types[name]).alias(kept) for name, kept in zip(JUDGED, STORED, strict=True))
    rows = new.rows.select("*", *nothing)
    if not snapshot.has_orders:
        return rows
    touched = union_all([new.rows.select(*ORDER_KEY), leaving.rows.select(*ORDER_KEY)]).distinct()
    stored = snapshot.order_events.join(
        Counted(touched, new.count + leaving.count).hinted, list(ORDER_KEY), "left_semi"
    )
    if leaving.count:
        stored = stored.join(leaving.select(*RECORD_KEY).hinted, list(RECORD_KEY), "left_anti")
    return rows.unionByName(stored.select("*", *_beside()))


def _beside() -> list[Column]:
    """Return the columns JUDGED under the names STORED, so that both judgements of an event stand in one row."""
    return [F.col(name).alias(kept) for name, kept in zip(JUDGED, STORED, strict=True)]


def _is_as_stored() -> Column:
    """Return whether each of the columns JUDGED equals its twin in STORED."""
    return reduce(and_, (F.col(name).eqNullSafe(F.col(kept)) for name, kept in zip(JUDGED, STORED, strict=True)))


def _unlike_alone(new: DataFrame) -> Counted:
    """Return the new events that are judged otherwise than if they were alone in their order."""
    both = judge_alone(new.drop(*STORED).select("*", *_beside()))
    return checkpoint_counted(both.where(~_is_as_stored()).select(*RECORD_KEY, *STORED))


def _corrected(events: DataFrame, unlike: Counted) -> DataFrame:
    """Put in the judgement of events that differs from the one that they have alone."""
    if not unlike.count:
        return events
    both = events.join(unlike.hinted, list(RECORD_KEY), "left")
    is_other = F.col(STORED[0]).isNotNull()
    judged = {
        name: F.when(is_other, F.col(kept)).otherwise(F.col(name)).alias(name)
        for name, kept in zip(JUDGED, STORED, strict=True)
    }
    return both.select(*(judged.get(name, F.col(name)) for name in events.columns))


def _with_changed(judged: Admitted, changed: Counted, snapshot: Snapshot) -> Admitted:
    """Remove the stored events whose judgement changes, and add them as they are to be."""
    if not changed.count:
        return judged
    on_days = snapshot.on_days(
        snapshot.events, "event_date", () if snapshot.is_small else list_days(changed.rows, "event_date")
    )
    verdicts = Counted(changed.rows.select(*RECORD_KEY, *_beside()), changed.count)
    stored = checkpoint_counted(on_days.join(changed.select(*RECORD_KEY).hinted, list(RECORD_KEY), "left_semi"))
    added, removed = _corrected(stored.rows, verdicts).select(*EVENT), stored.rows.select(*REMOVED)
    return replace(
        judged,
        from_earlier=_more(judged.from_earlier, added, stored.count, EVENT),
        removed=_more(judged.removed, removed, stored.count, REMOVED),
        hinted=True,
    )


def _more(some: Counted, others: DataFrame, count: int, columns: Sequence[str]) -> Counted:
    rows = some.rows.select(*columns).unionByName(others) if some.count else others
    return Counted(rows, some.count + count)


def _change_table(rows: DataFrame, gone: Sequence[Counted], snapshot: Snapshot) -> TableChange:
    keys = [part.rows.select(*RECORD_KEY) for part in gone if part.count]
    deletions = (Deletion(union_all(keys), RECORD_KEY),) if keys else ()
    return TableChange(
        ORDER_EVENTS, deletions, conform(rows, ORDER_EVENTS), stored=snapshot.whole(snapshot.order_events)
    )
