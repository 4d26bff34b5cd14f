"""Records judged earlier that share an identity with new ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from segmentation.events.deduplicate import CONFLICT, DUPLICATE, HEAD, IDENTITY
from segmentation.events.payload import payload_json, restore_payload
from segmentation.quality.reasons import VERDICTS

if TYPE_CHECKING:
    from datetime import datetime

    from pyspark.sql import Column, DataFrame

    from segmentation.increments.state import State

ACCEPTED = "accepted"
RECORD = ("source", "event_id", "received_at", "event_at", "payload_hash", "batch_id", "record_no")
KNOWN = (*RECORD, "known_as", "known_verdict", "known_head_hash", "payload")
"""known_as: accepted, duplicate, conflict, too_late or over_cap. payload: canonical JSON, null for duplicates."""


def new_records(candidates: DataFrame) -> DataFrame:
    """Lay new records out beside known ones."""
    return candidates.select(
        *(name for name in RECORD if name != "payload_hash"),
        F.sha2(payload_json(), 256).alias("payload_hash"),
        *(
            F.lit(None).cast("string").alias(name)
            for name in ("known_as", "known_verdict", "known_head_hash", "payload")
        ),
    ).select(*KNOWN)


def known_records(state: State, identities: DataFrame, *, received_since: datetime) -> DataFrame:
    """Find what was judged earlier of the given identities, received at or after an instant.

    Grain: a record. The horizon bounds how far back a predecessor matters, so files are pruned by received_at.
    """
    since = F.col("received_at") >= F.lit(received_since)

    def of_identities(df: DataFrame) -> DataFrame:
        return df.where(since).join(identities, list(IDENTITY), "left_semi")

    accepted = of_identities(state.events).select("*", payload_json().alias("payload"))
    held = of_identities(state.quarantine.where(F.col("reason").isin(*VERDICTS)))
    held = held.select("*", F.col("raw").alias("payload"), *restore_payload("raw", "event_at"))
    return (
        _known(accepted, F.lit(ACCEPTED), F.lit(HEAD), F.sha2("payload", 256))
        .unionByName(
            _known(
                held,
                F.col("reason"),
                F.when(F.col("reason") == CONFLICT, CONFLICT).otherwise(HEAD),
                F.coalesce(F.col("survivor_hash"), F.sha2("payload", 256)),
            )
        )
        .unionByName(_known_duplicates(of_identities(state.duplicates)))
    )


def _known(df: DataFrame, known_as: Column, verdict: Column, head_hash: Column) -> DataFrame:
    return df.select(
        *(name for name in RECORD if name != "payload_hash"),
        F.sha2("payload", 256).alias("payload_hash"),
        known_as.alias("known_as"),
        verdict.alias("known_verdict"),
        head_hash.alias("known_head_hash"),
        "payload",
    ).select(*KNOWN)


def _known_duplicates(duplicates: DataFrame) -> DataFrame:
    return duplicates.select(
        *RECORD,
        F.lit(DUPLICATE).alias("known_as"),
        F.lit(DUPLICATE).alias("known_verdict"),
        F.col("payload_hash").alias("known_head_hash"),
        F.lit(None).cast("string").alias("payload"),
    )
