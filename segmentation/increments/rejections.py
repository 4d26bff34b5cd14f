"""Rows of `quarantine`, `duplicates` and `ingest_ledger` from verdicts."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from segmentation.events.deduplicate import CONFLICT, DUPLICATE
from segmentation.events.payload import payload_json, restore_payload
from segmentation.frames import conform
from segmentation.increments.known import ACCEPTED as KNOWN_ACCEPTED
from segmentation.sources.location import record_location
from segmentation.tables import ingest_ledger as ledger
from segmentation.tables.duplicates import DUPLICATES
from segmentation.tables.ingest_ledger import INGEST_LEDGER
from segmentation.tables.quarantine import QUARANTINE

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

LEDGER_OF = ("batch_id", "source", "event_date", "event_name")


def rejected_rows(parsed: DataFrame) -> DataFrame:
    """Quarantine what was rejected for itself, with its raw text."""
    rejected = parsed.where(F.size("reasons") > 0)
    return conform(
        rejected.select("*", F.col("reasons")[0].alias("reason"), F.lit(None).cast("string").alias("survivor_hash")),
        QUARANTINE,
    )


def verdict_rows(events: DataFrame, reason: str, units: DataFrame) -> DataFrame:
    """Quarantine events under a verdict; the payload is kept as canonical JSON, from which it can be restored."""
    hash_ = F.col("head_hash") if "head_hash" in events.columns else F.lit(None).cast("string")
    rows = events.select(
        *(name for name in QUARANTINE.names if name in events.columns and name not in ("location", "raw", "reasons")),
        F.lit(reason).alias("reason"),
        F.array(F.lit(reason)).alias("reasons"),
        payload_json().alias("raw"),
        hash_.alias("survivor_hash"),
    )
    return conform(_located(rows, units), QUARANTINE)


def changed_to_conflict(changed: DataFrame, units: DataFrame, time_zone: str) -> DataFrame:
    """Quarantine known records that became conflicts."""
    rows = changed.where(F.col("verdict") == CONFLICT).select(
        "batch_id",
        "record_no",
        "source",
        "event_id",
        "received_at",
        F.lit(CONFLICT).alias("reason"),
        F.array(F.lit(CONFLICT)).alias("reasons"),
        F.col("payload").alias("raw"),
        F.col("head_hash").alias("survivor_hash"),
        *restore_payload("payload", "event_name"),
        _day(time_zone),
    )
    return conform(_located(rows, units), QUARANTINE)


def duplicate_rows(copies: DataFrame) -> DataFrame:
    """Remember redeliveries of this slice."""
    return conform(copies.where(F.col("verdict") == DUPLICATE), DUPLICATES)


def changed_to_duplicate(changed: DataFrame, time_zone: str) -> DataFrame:
    """Remember known records that became plain redeliveries."""
    rows = changed.where(F.col("verdict") == DUPLICATE)
    return conform(rows.select("*", *restore_payload("payload", "event_name"), _day(time_zone)), DUPLICATES)


def ledger_entries(rows: DataFrame, stage: str, reason: Column | None = None, sign: int = 1) -> DataFrame:
    """Count rows into a stage of the ledger; sign -1 takes them out again."""
    why = F.lit(None).cast("string") if reason is None else reason
    keyed = rows.select(*LEDGER_OF, F.lit(stage).alias("stage"), why.alias("reason"))
    return keyed.groupBy(*keyed.columns).agg((F.count(F.lit(1)) * sign).alias("records"))


def parsing_entries(parsed: DataFrame) -> list[DataFrame]:
    """Count what was read, parsed and rejected while parsing, in one pass over the records."""
    first = F.try_element_at("reasons", F.lit(1)).alias("first")
    counts = parsed.groupBy(*LEDGER_OF, "unparsable", first).agg(F.count(F.lit(1)).alias("n"))
    stages = F.array(
        _stage(F.lit(True), ledger.READ),
        _stage(F.col("unparsable"), ledger.UNPARSABLE, F.col("first")),
        _stage(~F.col("unparsable"), ledger.PARSED),
        _stage(~F.col("unparsable") & F.col("first").isNotNull(), ledger.QUARANTINED, F.col("first")),
    )
    entries = counts.select(*LEDGER_OF, "n", F.explode(F.array_compact(stages)).alias("of"))
    return [entries.select(*LEDGER_OF, "of.stage", "of.reason", F.col("n").alias("records"))]


def _stage(applies: Column, stage: str, reason: Column | None = None) -> Column:
    why = F.lit(None).cast("string") if reason is None else reason
    return F.when(applies, F.struct(F.lit(stage).alias("stage"), why.alias("reason")))


def changed_entries(changed: DataFrame, time_zone: str) -> list[DataFrame]:
    """Move known records from their old stage to their new one, in their own batch's rows."""
    dated = changed.select("*", *restore_payload("payload", "event_name"), _day(time_zone))
    was_held = ~F.col("known_as").isin(KNOWN_ACCEPTED, DUPLICATE)
    to_other_stage = F.col("known_as") != F.col("verdict")
    moved = dated.where(to_other_stage)
    return [
        ledger_entries(moved.where(F.col("known_as") == KNOWN_ACCEPTED), ledger.ACCEPTED, sign=-1),
        ledger_entries(moved.where(F.col("known_as") == DUPLICATE), ledger.DUPLICATE, sign=-1),
        ledger_entries(moved.where(was_held), ledger.QUARANTINED, F.col("known_as"), sign=-1),
        ledger_entries(moved.where(F.col("verdict") == DUPLICATE), ledger.DUPLICATE),
        ledger_entries(moved.where(F.col("verdict") == CONFLICT), ledger.QUARANTINED, F.lit(CONFLICT)),
    ]


def sum_entries(entries: list[DataFrame]) -> DataFrame:
    """Sum ledger entries by key; what cancels out disappears."""
    whole = reduce(lambda left, right: left.unionByName(right), entries)
    summed = whole.groupBy(*INGEST_LEDGER.key).agg(F.sum("records").alias("records"))
    return conform(summed.where(F.col("records") != 0), INGEST_LEDGER)


def _located(rows: DataFrame, units: DataFrame) -> DataFrame:
    where = F.broadcast(units.select("batch_id", "path", "format"))
    location = record_location(F.col("path"), F.col("record_no"), F.col("format"))
    return rows.join(where, "batch_id", "left").select(*rows.columns, location.alias("location"))


def _day(time_zone: str) -> Column:
    return F.to_date(F.from_utc_timestamp("event_at", time_zone)).alias("event_date")
