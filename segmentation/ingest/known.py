"""Records judged earlier that share an identity with new ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from segmentation.events.deduplicate import CONFLICT, DUPLICATE, HEAD, IDENTITY
from segmentation.events.payload import payload_json, restore_payload
from segmentation.ingest.routes import ROUTE, identity_hash
from segmentation.quality.reasons import VERDICTS

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

    from segmentation.ingest.routes import Suspects
    from segmentation.ingest.state import State

ACCEPTED = "accepted"
RECORD = ("source", "event_id", "received_at", "event_at", "payload_hash", "unit_id", "record_no")
KNOWN = (*RECORD, "row_key", "known_as", "known_verdict", "known_head_hash", "user_id", "payload")
"""known_as: accepted, duplicate, conflict, too_late or over_cap; null for records of the slice, which alone have a
row_key. user_id: the person of an accepted event as stored, else null. payload: canonical JSON, null for duplicates."""


def new_records(suspected: DataFrame) -> DataFrame:
    """Lay suspected records of the slice out beside known ones."""
    texts = ("known_as", "known_verdict", "known_head_hash", "user_id")
    return suspected.select(
        *(name for name in RECORD if name != "payload_hash"),
        "row_key",
        payload_json().alias("payload"),
        *(F.lit(None).cast("string").alias(name) for name in texts),
    ).select(*_hashed("payload"))


def known_records(state: State, suspects: Suspects) -> DataFrame:
    """Read what was judged earlier of the suspected routes and received within the horizon.

    Grain: a record. Identities whose hash alone is equal come along; they are judged as they were.
    """
    since = F.col("received_at") >= F.lit(suspects.received_since)
    few = state.broadcast(suspects.routes)

    def of_routes(df: DataFrame) -> DataFrame:
        return df.where(since).join(few, ROUTE, "left_semi").drop(ROUTE)

    stored = state.events.where(F.col("event_date").isin(*suspects.known_days))
    accepted = of_routes(stored).select("*", payload_json().alias("payload"))
    held = of_routes(state.quarantine.where(F.col("reason").isin(*VERDICTS)).select("*", identity_hash()))
    nobody = F.lit(None).cast("string").alias("user_id")
    held = held.select("*", F.col("raw").alias("payload"), nobody, *restore_payload("raw", "event_at"))
    held_verdict = F.when(F.col("reason") == CONFLICT, CONFLICT).otherwise(HEAD)
    return (
        _known(accepted, F.lit(ACCEPTED), F.lit(HEAD), F.sha2("payload", 256))
        .unionByName(_known(held, F.col("reason"), held_verdict, F.coalesce("survivor_hash", F.sha2("payload", 256))))
        .unionByName(_known_duplicates(of_routes(state.duplicates.select("*", identity_hash()))))
    )


def earlier_payloads(records: DataFrame, state: State) -> DataFrame:
    """Read the payloads of the identities of few records, however long ago they came.

    The head of a run of copies may lie far before the horizon of a record that leaves the run; it alone has the payload
    of its duplicates. Hardly ever needed: all events are looked through.

    Grain: IDENTITY, payload_hash, payload.
    """
    routes = state.broadcast(records.select(identity_hash()).distinct())
    quarantine = state.quarantine.select("*", identity_hash())
    return stored_payloads(*(rows.join(routes, ROUTE, "left_semi") for rows in (state.events, quarantine)))


def stored_payloads(events: DataFrame, quarantine: DataFrame) -> DataFrame:
    """Read the payloads of accepted events and of records that a verdict holds in quarantine.

    Grain: a row in, IDENTITY, payload_hash, payload out.
    """
    held = quarantine.where(F.col("reason").isin(*VERDICTS)).select(*IDENTITY, F.col("raw").alias("payload"))
    payloads = events.select(*IDENTITY, payload_json().alias("payload")).unionByName(held)
    return payloads.select("*", F.sha2("payload", 256).alias("payload_hash"))


def _known(df: DataFrame, known_as: Column, verdict: Column, head_hash: Column) -> DataFrame:
    return df.select(
        *(name for name in RECORD if name != "payload_hash"),
        F.lit(None).cast("bigint").alias("row_key"),
        known_as.alias("known_as"),
        verdict.alias("known_verdict"),
        head_hash.alias("known_head_hash"),
        "user_id",
        "payload",
    ).select(*_hashed("payload"))


def _known_duplicates(duplicates: DataFrame) -> DataFrame:
    return duplicates.select(
        *RECORD,
        F.lit(None).cast("bigint").alias("row_key"),
        F.lit(DUPLICATE).alias("known_as"),
        F.lit(DUPLICATE).alias("known_verdict"),
        F.col("payload_hash").alias("known_head_hash"),
        F.lit(None).cast("string").alias("user_id"),
        F.lit(None).cast("string").alias("payload"),
    ).select(*KNOWN)


def _hashed(payload: str) -> list[Column]:
    return [F.sha2(payload, 256).alias(name) if name == "payload_hash" else F.col(name) for name in KNOWN]
