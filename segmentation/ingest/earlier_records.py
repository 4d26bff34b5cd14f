"""Earlier records with the identity of a duplicate candidate, and the payloads they were stored with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from segmentation.frames import union_all
from segmentation.ingest.copies import CONFLICT, DUPLICATE, IDENTITY, SURVIVOR
from segmentation.ingest.index import IDENTITY_HASH, identity_hash
from segmentation.ingest.payload import payload_json, restore_payload
from segmentation.quality.reasons import VERDICTS
from segmentation.sources.location import record_position

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

    from segmentation.ingest.candidates import Candidates
    from segmentation.ingest.snapshot import Snapshot

ACCEPTED = "accepted"
RECORD = ("source", "event_id", "received_at", "event_at", "payload_hash", "unit_id", "record_no")
PLACES = ("position", "stored_position")
COMPARED = (*RECORD, *PLACES, "row_key", "stored_as", "stored_outcome", "stored_survivor_hash", "user_id", "payload")
"""Columns that deduplication compares.

stored_as: accepted, duplicate, conflict, too_late or over_cap; null for records of the batch, which alone have a
row_key. position: that of the record itself; stored_position: that of an accepted event, which is the least of its
copies. user_id: the person of an accepted event as stored, else null. payload: canonical JSON; null for stored
duplicates.
"""


def new_records(candidates: DataFrame) -> DataFrame:
    """Return candidates of the batch (as parsed) in the columns that deduplication compares."""
    nothing = ("stored_position", "stored_as", "stored_outcome", "stored_survivor_hash", "user_id")
    return candidates.select(
        *(name for name in RECORD if name != "payload_hash"),
        "position",
        "row_key",
        payload_json().alias("payload"),
        *(F.lit(None).cast("string").alias(name) for name in nothing),
    ).select(*_hashed("payload"))


def earlier_records(snapshot: Snapshot, candidates: Candidates, *, has_positions: bool = False) -> DataFrame:
    """Read earlier records of the candidates' hashes that were received within the deduplication window.

    Without `received_since`, all earlier records are read. Their positions are found only where they break ties.

    Grain: a record. Identities that only share the hash are returned too; their outcome does not change.
    """
    since = candidates.received_since
    recent = F.lit(True) if since is None else F.col("received_at") >= F.lit(since)

    def of_hashes(df: DataFrame) -> DataFrame:
        return df.where(recent).join(candidates.hashes.hinted, IDENTITY_HASH, "left_semi").drop(IDENTITY_HASH)

    kept = snapshot.kept_events
    stored = kept if since is None else snapshot.on_days(kept, "event_date", candidates.earlier_days)
    accepted = of_hashes(stored).select("*", payload_json().alias("payload"))
    judged = snapshot.quarantine.where(F.col("reason").isin(*VERDICTS)).select("*", identity_hash())
    payload, user = F.col("raw").alias("payload"), F.lit(None).cast("string").alias("user_id")
    quarantined = of_hashes(judged).select("*", payload, user, *restore_payload("raw", "event_at"))
    outcome = F.when(F.col("reason") == CONFLICT, CONFLICT).otherwise(SURVIVOR)
    own_hash = F.sha2("payload", 256)
    records = union_all(
        [
            _compared(accepted, F.lit(ACCEPTED), F.lit(SURVIVOR), own_hash, F.col("position")),
            _compared(quarantined, F.col("reason"), outcome, F.coalesce("survivor_hash", own_hash)),
            _compared_duplicates(of_hashes(snapshot.duplicates.select("*", identity_hash()))),
        ]
    )
    return _with_positions(records, snapshot.input_units) if has_positions else records


def _with_positions(records: DataFrame, units: DataFrame) -> DataFrame:
    where = F.broadcast(units.select("unit_id", "path", "format"))
    own = record_position(F.col("path"), F.col("record_no"), F.col("format"))
    placed = records.drop("position").join(where, "unit_id", "left").withColumn("position", own)
    return placed.select(*COMPARED)


def earlier_payloads(records: DataFrame, snapshot: Snapshot) -> DataFrame:
    """Read all payloads of the identities of few records, however long ago they were received.

    The survivor of a run of duplicates may lie far before the window of a record that leaves the run, and it alone has
    the payload of its duplicates. This reads all events and is hardly ever needed.

    Grain: IDENTITY, payload_hash, payload.
    """
    hashes = F.broadcast(records.select(identity_hash()).distinct())
    stored = (snapshot.kept_events, snapshot.quarantine.select("*", identity_hash()))
    return stored_payloads(*(rows.join(hashes, IDENTITY_HASH, "left_semi") for rows in stored))


def stored_payloads(events: DataFrame, quarantine: DataFrame) -> DataFrame:
    """Return the payloads of accepted events and of records that deduplication or a cap put into quarantine.

    Grain: a row in; IDENTITY, payload_hash, payload out.
    """
    judged = quarantine.where(F.col("reason").isin(*VERDICTS)).select(*IDENTITY, F.col("raw").alias("payload"))
    payloads = events.select(*IDENTITY, payload_json().alias("payload")).unionByName(judged)
    return payloads.select("*", F.sha2("payload", 256).alias("payload_hash"))


def _compared(
    df: DataFrame, stored_as: Column, outcome: Column, survivor_hash: Column, position: Column | None = None
) -> DataFrame:
    nothing = F.lit(None).cast("string")
    return df.select(
        *(name for name in RECORD if name != "payload_hash"),
        nothing.alias("position"),
        (nothing if position is None else position).alias("stored_position"),
        F.lit(None).cast("bigint").alias("row_key"),
        stored_as.alias("stored_as"),
        outcome.alias("stored_outcome"),
        survivor_hash.alias("stored_survivor_hash"),
        "user_id",
        "payload",
    ).select(*_hashed("payload"))


def _compared_duplicates(duplicates: DataFrame) -> DataFrame:
    return duplicates.select(
        *RECORD,
        *(F.lit(None).cast("string").alias(name) for name in PLACES),
        F.lit(None).cast("bigint").alias("row_key"),
        F.lit(DUPLICATE).alias("stored_as"),
        F.lit(DUPLICATE).alias("stored_outcome"),
        F.col("payload_hash").alias("stored_survivor_hash"),
        F.lit(None).cast("string").alias("user_id"),
        F.lit(None).cast("string").alias("payload"),
    ).select(*COMPARED)


def _hashed(payload: str) -> list[Column]:
    return [F.sha2(payload, 256).alias(name) if name == "payload_hash" else F.col(name) for name in COMPARED]
