"""Rows of `quarantine`, `duplicates` and `ingest_ledger` from verdicts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from segmentation.checkpoints import checkpoint
from segmentation.events.deduplicate import CONFLICT, DUPLICATE
from segmentation.events.payload import payload_json, restore_payload
from segmentation.frames import conform, union_all
from segmentation.ingest.cap import EVENT
from segmentation.ingest.known import ACCEPTED as KNOWN_ACCEPTED
from segmentation.sources.location import record_location
from segmentation.tables import DUPLICATES, INGEST_LEDGER, QUARANTINE
from segmentation.tables import ingest_ledger as ledger

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pyspark.sql import Column, DataFrame

UNLOCATED = tuple(name for name in QUARANTINE.names if name != "location")
LEDGER_OF = ("unit_id", "source", "event_date", "event_name")


def rejected_rows(rejected: DataFrame) -> DataFrame:
    """Quarantine what was rejected for itself, with its raw text."""
    return conform(
        rejected.select("*", F.col("reasons")[0].alias("reason"), F.lit(None).cast("string").alias("survivor_hash")),
        QUARANTINE,
    )


def verdict_rows(judged: Iterable[tuple[DataFrame, str]]) -> DataFrame:
    """Quarantine events under their verdict, not located yet.

    The payload is kept as canonical JSON, from which it can be restored.
    """

    def under(events: DataFrame, reason: str) -> DataFrame:
        hash_ = F.col("head_hash") if "head_hash" in events.columns else F.lit(None).cast("string")
        return events.select(*EVENT, F.lit(reason).alias("reason"), hash_.alias("survivor_hash"))

    # Put together first: every text is written by one and the same projection.
    whole = union_all(under(events, reason) for events, reason in judged)
    return whole.select("*", F.array("reason").alias("reasons"), payload_json().alias("raw")).select(*UNLOCATED)


def changed_to_conflict(changed: DataFrame, time_zone: str) -> DataFrame:
    """Quarantine known records that became conflicts, not located yet."""
    rows = changed.where(F.col("verdict") == CONFLICT).select(
        "unit_id",
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
    return rows.select(*UNLOCATED)


def located(rows: DataFrame, units: DataFrame) -> DataFrame:
    """Say where the records stand, by the path of their unit."""
    where = F.broadcast(units.select("unit_id", "path", "format"))
    location = record_location(F.col("path"), F.col("record_no"), F.col("format"))
    return conform(rows.join(where, "unit_id", "left").select(*rows.columns, location.alias("location")), QUARANTINE)


def duplicate_rows(copies: DataFrame) -> DataFrame:
    """Remember redeliveries of this slice."""
    return conform(copies.where(F.col("verdict") == DUPLICATE), DUPLICATES)


def changed_to_duplicate(changed: DataFrame, time_zone: str) -> DataFrame:
    """Remember known records that became plain redeliveries."""
    rows = changed.where(F.col("verdict") == DUPLICATE)
    return conform(rows.select("*", *restore_payload("payload", "event_name"), _day(time_zone)), DUPLICATES)


def fates(rows: DataFrame, stage: str, reason: str | None = None, sign: int = 1) -> DataFrame:
    """Note rows for a final stage of the ledger; sign -1 takes them out again."""
    return _note(rows, F.lit(stage), F.lit(reason).cast("string"), sign)


def rejected_fates(rejected: DataFrame) -> DataFrame:
    """Note what was rejected for itself; what could not be parsed has a stage of its own."""
    stage = F.when(F.col("unparsable"), ledger.UNPARSABLE).otherwise(ledger.QUARANTINED)
    return _note(rejected, stage, F.col("reasons")[0], 1)


def changed_fates(changed: DataFrame, time_zone: str) -> list[DataFrame]:
    """Move known records from their old stage to their new one, in their own batch's rows."""
    dated = changed.select("*", *restore_payload("payload", "event_name"), _day(time_zone))
    moved = dated.where(F.col("known_as") != F.col("verdict"))
    return [_move(moved, "known_as", -1), _move(moved, "verdict", 1)]


def _move(rows: DataFrame, by: str, sign: int) -> DataFrame:
    fate = F.col(by)
    plain = fate.isin(KNOWN_ACCEPTED, DUPLICATE)
    stage = F.when(fate == KNOWN_ACCEPTED, ledger.ACCEPTED).when(fate == DUPLICATE, ledger.DUPLICATE)
    return _note(rows, stage.otherwise(ledger.QUARANTINED), F.when(~plain, fate), sign)


def _note(rows: DataFrame, stage: Column, reason: Column, sign: int) -> DataFrame:
    return rows.select(*LEDGER_OF, stage.alias("stage"), reason.alias("reason"), F.lit(sign).alias("records"))


def ledger_rows(slice_fates: list[DataFrame], moves: list[DataFrame]) -> DataFrame:
    """Add the ledger up: a record of the slice was read, and parsed unless it is unparsable.

    Args:
        slice_fates: the final stage of every record of the slice.
        moves: records of earlier slices that changed their stage.

    Returns:
        Rows of `ingest_ledger`, signed; what cancels out is left out.
    """
    final = checkpoint(_add_up(union_all(slice_fates)))
    none = F.lit(None).cast("string").alias("reason")
    read = final.select(*LEDGER_OF, F.lit(ledger.READ).alias("stage"), none, "records")
    parsed = final.where(F.col("stage") != ledger.UNPARSABLE)
    parsed = parsed.select(*LEDGER_OF, F.lit(ledger.PARSED).alias("stage"), none, "records")
    return conform(_add_up(union_all([final, read, parsed, *moves])).where(F.col("records") != 0), INGEST_LEDGER)


def _add_up(noted: DataFrame) -> DataFrame:
    return noted.groupBy(*INGEST_LEDGER.key).agg(F.sum("records").alias("records"))


def _day(time_zone: str) -> Column:
    return F.to_date(F.from_utc_timestamp("event_at", time_zone)).alias("event_date")
