"""Rows of `quarantine` and `duplicates` of a batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from segmentation.frames import conform, union_all
from segmentation.ingest.changes import Deletion, TableChange
from segmentation.ingest.copies import CONFLICT, DUPLICATE
from segmentation.ingest.earlier_records import ACCEPTED
from segmentation.ingest.payload import payload_json, restore_payload
from segmentation.lake.lake import NO_ROW
from segmentation.local_time import local_day
from segmentation.quality.reasons import Reason
from segmentation.sources.location import record_location
from segmentation.tables import DUPLICATES, QUARANTINE
from segmentation.tables.records import EVENT, RECORD_KEY

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from segmentation.ingest.deduplicate import Outcome
    from segmentation.ingest.snapshot import Snapshot
    from segmentation.ingest.user_day_cap import Admitted

UNLOCATED = tuple(name for name in QUARANTINE.names if name != "location")


def change_quarantine(outcome: Outcome, admitted: Admitted, snapshot: Snapshot, zone: str) -> TableChange:
    """Quarantine records that are rejected, late, conflicts or over the cap, and delete those that are events again."""
    parts = []
    if outcome.rejected.count:
        own = F.col("reasons")[0].alias("reason"), F.lit(None).cast("string").alias("survivor_hash")
        parts.append(conform(outcome.rejected.rows.select("*", *own), QUARANTINE))
    judged = [
        (outcome.conflicts.rows, CONFLICT, outcome.conflicts.count),
        (outcome.late.rows, Reason.TOO_LATE.value, outcome.late.count),
        (outcome.reinstated.where("late"), Reason.TOO_LATE.value, outcome.reinstated.count),
        (admitted.over_cap.rows, Reason.OVER_CAP.value, admitted.over_cap.count),
    ]
    unlocated = [_judged_rows(rows, reason) for rows, reason, count in judged if count]
    if outcome.changed.count:
        unlocated.append(_changed_to_conflict(outcome.changed.rows, zone))
    if unlocated:
        parts.append(_located(union_all(unlocated), snapshot.input_units))
    leaving = []
    if outcome.changed.count:
        leaving.append(outcome.changed.where(~F.col("stored_as").isin(ACCEPTED, DUPLICATE)))
    if admitted.restored.count:
        leaving.append(admitted.restored.rows)
    deletions = (*(_deletion(rows) for rows in leaving), *superseded_rows(snapshot))
    return TableChange(QUARANTINE, deletions, union_all(parts) if parts else None)


def change_duplicates(outcome: Outcome, snapshot: Snapshot, zone: str) -> TableChange:
    """Add the duplicates of the batch and earlier records that are duplicates now; delete those that no longer are."""
    parts, deletions = [], [*superseded_rows(snapshot)]
    if outcome.duplicates.count:
        parts.append(conform(outcome.duplicates.rows, DUPLICATES))
    if outcome.changed.count:
        rows = outcome.changed.where(F.col("outcome") == DUPLICATE)
        day = local_day("event_at", zone).alias("event_date")
        parts.append(conform(rows.select("*", *restore_payload("payload", "event_name"), day), DUPLICATES))
        deletions.append(_deletion(outcome.changed.where(F.col("stored_as") == DUPLICATE)))
    return TableChange(DUPLICATES, tuple(deletions), union_all(parts) if parts else None)


def _judged_rows(events: DataFrame, reason: str) -> DataFrame:
    """Quarantine events under a reason; the payload is kept as canonical JSON, from which it can be restored."""
    survivor = F.col("survivor_hash") if reason == CONFLICT else F.lit(None).cast("string")
    rows = events.select(*EVENT, F.lit(reason).alias("reason"), survivor.alias("survivor_hash"))
    return rows.select("*", F.array("reason").alias("reasons"), payload_json().alias("raw")).select(*UNLOCATED)


def _changed_to_conflict(changed: DataFrame, zone: str) -> DataFrame:
    rows = changed.where(F.col("outcome") == CONFLICT).select(
        *RECORD_KEY,
        "source",
        "event_id",
        "received_at",
        F.lit(CONFLICT).alias("reason"),
        F.array(F.lit(CONFLICT)).alias("reasons"),
        F.col("payload").alias("raw"),
        "survivor_hash",
        *restore_payload("payload", "event_name"),
        local_day("event_at", zone).alias("event_date"),
    )
    return rows.select(*UNLOCATED)


def _located(rows: DataFrame, units: DataFrame) -> DataFrame:
    where = F.broadcast(units.select("unit_id", "path", "format"))
    location = record_location(F.col("path"), F.col("record_no"), F.col("format"))
    return conform(rows.join(where, "unit_id", "left").select(*rows.columns, location.alias("location")), QUARANTINE)


def superseded_rows(snapshot: Snapshot) -> tuple[Deletion, ...]:
    """Delete the rows of superseded units, or of erased records."""
    if not snapshot.superseded:
        return ()
    if snapshot.superseded.erased is not None:
        return (Deletion(snapshot.superseded.erased.keys(), RECORD_KEY),)
    units = snapshot.input_units.where(snapshot.superseded.of_unit()).select("unit_id")
    return (Deletion(units, ("unit_id",)),)


def _deletion(rows: DataFrame) -> Deletion:
    """Delete records by their key; the span of their receipt prunes the files."""
    # As text, in the session's UTC: a collected instant is a naive one of this machine's zone.
    first_and_last = (bound("received_at").cast("string") for bound in (F.min, F.max))
    first, last = rows.agg(*first_and_last).head() or (None, None)
    between = NO_ROW if first is None else f"t.received_at BETWEEN TIMESTAMP'{first}' AND TIMESTAMP'{last}'"
    return Deletion(rows.select(*RECORD_KEY), RECORD_KEY, between)
