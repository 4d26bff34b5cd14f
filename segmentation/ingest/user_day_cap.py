"""Admit events: apply outcomes, and cap the events of an identifier's day, so that one bot cannot fill a day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from pyspark.sql import Window
from pyspark.sql import functions as F

from segmentation.checkpoints import Counted, checkpoint, checkpoint_counted, no_rows
from segmentation.frames import union_all
from segmentation.ingest.earlier_records import ACCEPTED
from segmentation.ingest.payload import restored_events
from segmentation.quality.reasons import Reason
from segmentation.tables.records import EVENT, RECORD_KEY

if TYPE_CHECKING:
    from datetime import date

    from pyspark.sql import Column, DataFrame

    from segmentation.ingest.batches import Batch
    from segmentation.ingest.deduplicate import Outcome
    from segmentation.ingest.index import Index
    from segmentation.ingest.snapshot import Snapshot

IDENTIFIER_DAY = ("identifier", "event_date")
"""Whose events are capped: what the source names, so that the cap does not depend on later identities."""
REMOVED = (*RECORD_KEY, "source", "user_id", "identifier", "event_at", "event_date", "session_hint")
RANKED = (*EVENT, "origin")
BATCH, REINSTATED, STORED, QUARANTINED = "batch", "reinstated", "stored", "quarantined"
"""Where an event comes from: this batch, an earlier copy, `events`, or `quarantine` as over_cap."""


@dataclass(frozen=True)
class Admitted:
    """The events that a batch adds and removes."""

    from_batch: DataFrame
    """Events of the batch, as parsed."""
    from_earlier: Counted
    """Earlier records that are events now: reinstated, or below the cap again (EVENT columns)."""
    removed: Counted
    """Stored events that leave (REMOVED columns)."""
    over_cap: Counted
    """Events of the batch and stored ones beyond the cap (RANKED columns)."""
    restored: Counted
    """Quarantined events that are below the cap again (RANKED columns); they are in from_earlier too."""
    hinted: bool
    """Whether any of these events may carry a session id of the source."""


class Moving(NamedTuple):
    """Events that come and go before the cap is applied."""

    new: DataFrame
    """Of the batch, as parsed."""
    reinstated: DataFrame
    """Earlier copies (EVENT columns)."""
    removed: Counted
    """Stored or quarantined ones that leave (REMOVED columns)."""


def admit_events(batch: Batch, index: Index, outcome: Outcome, snapshot: Snapshot, *, cap: int, zone: str) -> Admitted:
    """Return the events that a batch adds and removes, at most `cap` for an identifier's day.

    The first `cap` events of an identifier's day by (received_at, event_id, source) are kept, over all that was ever
    received: the same events whatever the order of batches. Hardly any day reaches the cap, and the index and the
    stored days tell whether one may.
    """
    not_events = outcome.not_events
    new = batch.records.join(not_events.hinted, "row_key", "left_anti") if not_events.count else batch.records
    reinstated = outcome.reinstated.where(~F.col("late")).select(*EVENT)
    removed = _removed(outcome, snapshot, zone)
    days = _days_near_cap(index, outcome, removed, snapshot, cap)
    if days:
        moving = Moving(new, reinstated, removed)
        heavy = _heavy_days(moving, snapshot, days, cap)
        if heavy.count:
            return _apply_cap(moving, heavy, snapshot, days=days, cap=cap, zone=zone)
    earlier = Counted(reinstated, outcome.reinstated.count)
    nothing = no_rows(reinstated.select("*", F.lit(BATCH).alias("origin")))
    return Admitted(
        new, earlier, removed, over_cap=nothing, restored=nothing, hinted=_is_hinted(index, outcome, removed)
    )


def _removed(outcome: Outcome, snapshot: Snapshot, zone: str) -> Counted:
    """Return events, stored or held as over_cap, that are copies now or whose unit is superseded."""
    over_cap = Reason.OVER_CAP.value
    was_event = F.col("stored_as").isin(ACCEPTED, over_cap) & (F.col("outcome") != F.col("stored_outcome"))
    now_copies = restored_events(outcome.changed.where(was_event), "payload", zone).select(*REMOVED)
    if not snapshot.superseded:
        return checkpoint_counted(now_copies) if outcome.changed.count else no_rows(now_copies)
    held = snapshot.quarantine.where((F.col("reason") == over_cap) & snapshot.superseded.of_unit())
    parts = (now_copies, snapshot.superseded_events(), restored_events(held, "raw", zone))
    return checkpoint_counted(union_all(part.select(*REMOVED) for part in parts))


def _days_near_cap(index: Index, outcome: Outcome, removed: Counted, snapshot: Snapshot, cap: int) -> tuple[date, ...]:
    """Return days on which an identifier may reach the cap, or may have fallen below it."""
    counts = index.admissible.groupBy("user_hash", "event_date").agg(F.count(F.lit(1)).alias("n"))
    most, dates = index.records, []
    if index.records > cap // 10:
        crowded = counts.where(F.col("n") > cap).select("event_date").distinct()
        row = counts.agg(F.max("n").alias("most")).head()
        most = (row and row["most"]) or 0
        dates += [crowded] if most > cap else []
    if not snapshot.is_empty and index.first_date is not None:
        between = F.col("event_date").between(F.lit(index.first_date), F.lit(index.last_date))
        dates.append(_counted(snapshot, between).where(F.col("events") > cap - most).select("event_date"))
    if outcome.reinstated.count:
        dates.append(outcome.reinstated.where(~F.col("late")).select("event_date"))
    if removed.count:
        held = snapshot.quarantine.where(F.col("reason") == Reason.OVER_CAP.value)
        dates.append(
            held.select("event_date").join(removed.rows.select("event_date").distinct(), "event_date", "left_semi")
        )
    rows = union_all(dates).distinct().collect() if dates else []  # a row per day
    return tuple(sorted(row["event_date"] for row in rows))


def _counted(snapshot: Snapshot, on_days: Column) -> DataFrame:
    """Count the stored events of each identifier's day, which is a user's day until identities are applied."""
    if not snapshot.has_persons:
        return snapshot.user_days.where(on_days)
    return snapshot.events.where(on_days).groupBy(*IDENTIFIER_DAY).agg(F.count(F.lit(1)).alias("events"))


def _heavy_days(moving: Moving, snapshot: Snapshot, days: tuple[date, ...], cap: int) -> Counted:
    """Return the identifiers' days whose events, with what arrives, exceed the cap.

    A day from which events are removed counts one more, since events beyond the cap may come back.
    """
    on_days = F.col("event_date").isin(*days)
    arrived = moving.new.select(*IDENTIFIER_DAY).unionByName(moving.reinstated.select(*IDENTIFIER_DAY)).where(on_days)
    left = moving.removed.where(on_days).select(*IDENTIFIER_DAY).distinct()
    changed = arrived.unionByName(left).groupBy(*IDENTIFIER_DAY).agg(F.count(F.lit(1)).alias("n"))
    if snapshot.is_empty:
        return checkpoint_counted(changed.where(F.col("n") > cap).select(*IDENTIFIER_DAY))
    stored = snapshot.events.where(on_days).groupBy(*IDENTIFIER_DAY).agg(F.count(F.lit(1)).alias("stored"))
    total = F.col("n") + F.coalesce("stored", F.lit(0))
    heavy = changed.join(stored, list(IDENTIFIER_DAY), "left").where(total > cap)
    return checkpoint_counted(heavy.select(*IDENTIFIER_DAY))


def _apply_cap(
    moving: Moving, heavy: Counted, snapshot: Snapshot, *, days: tuple[date, ...], cap: int, zone: str
) -> Admitted:
    few = F.broadcast(heavy.rows)  # at most one for every `cap` events
    contenders = _contenders(moving, snapshot, days, zone).join(few, list(IDENTIFIER_DAY), "left_semi")
    order = Window.partitionBy(*IDENTIFIER_DAY).orderBy("received_at", "event_id", "source")
    ranked = checkpoint(contenders.select("*", F.row_number().over(order).alias("rank")))
    over, origin = F.col("rank") > cap, F.col("origin")
    light = moving.reinstated.join(few, list(IDENTIFIER_DAY), "left_anti")
    kept = ranked.where(~over & (origin == REINSTATED)).select(*EVENT)
    restored = checkpoint_counted(ranked.where(~over & (origin == QUARANTINED)).select(*RANKED))
    beyond = checkpoint_counted(ranked.where(over & (origin != QUARANTINED)).select(*RANKED))
    leaving = beyond.where(origin == STORED).select(*REMOVED).unionByName(moving.removed.rows)
    keys = F.broadcast(beyond.where(origin == BATCH).select(*RECORD_KEY))
    return Admitted(
        from_batch=moving.new.join(keys, list(RECORD_KEY), "left_anti"),
        from_earlier=checkpoint_counted(union_all([light, kept, restored.rows.select(*EVENT)])),
        removed=checkpoint_counted(leaving),
        over_cap=beyond,
        restored=restored,
        hinted=True,
    )


def _is_hinted(index: Index, outcome: Outcome, removed: Counted) -> bool:
    return bool(index.hinted or outcome.reinstated.count or removed.count)


def _contenders(moving: Moving, snapshot: Snapshot, days: tuple[date, ...], zone: str) -> DataFrame:
    """Return the events of these days that compete for the cap, with their origin (RANKED columns)."""
    on_days = F.col("event_date").isin(*days)
    held = snapshot.quarantine.where(on_days & (F.col("reason") == Reason.OVER_CAP.value))
    earlier = union_all(
        [
            snapshot.events.where(on_days).select(*EVENT, F.lit(STORED).alias("origin")),
            restored_events(held, "raw", zone).select(*EVENT, F.lit(QUARANTINED).alias("origin")),
        ]
    )
    removed = moving.removed
    standing = (
        earlier.join(removed.rows.select(*RECORD_KEY), list(RECORD_KEY), "left_anti") if removed.count else earlier
    )
    arriving = moving.new.where(on_days).select(*EVENT, F.lit(BATCH).alias("origin"))
    back = moving.reinstated.where(on_days).select(*EVENT, F.lit(REINSTATED).alias("origin"))
    return union_all([standing, arriving, back])
