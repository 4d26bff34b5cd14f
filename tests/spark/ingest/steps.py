"""Records of a batch and rows of stored tables, for tests of single steps."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F
from pyspark.sql.types import StringType, StructField, StructType

from segmentation.checkpoints import no_rows
from segmentation.frames import conform
from segmentation.ingest.batches import Batch
from segmentation.ingest.copies import CONFLICT
from segmentation.ingest.deduplicate import Outcome
from segmentation.ingest.earlier_records import COMPARED
from segmentation.ingest.payload import payload_json
from segmentation.ingest.snapshot import Snapshot, Superseded
from segmentation.tables import (
    DUPLICATES,
    EVENT,
    EVENTS,
    INPUT_UNITS,
    ORDER_EVENTS,
    PARSED_RECORDS,
    QUARANTINE,
    SESSIONS,
    USER_DAYS,
)
from segmentation.tables.table import MONEY
from tests.spark.stored import stored_event, stored_events

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from pyspark.sql import DataFrame, SparkSession

    from segmentation.tables import Table

Row = dict[str, Any]
AT = datetime(2024, 5, 1, 12, tzinfo=timezone.utc)
NEW, OLD, LEFT = "new", "old", "left"
"""Input units: of the batch, of earlier batches, and one that the batch supersedes."""


def parsed_record(number: int, **known: Any) -> Row:
    """Complete a row of `parsed_records`; what is not given is that of an ordinary event."""
    user, name, at = known.get("user_id", "u"), known.get("event_name", "view"), known.get("event_at", AT)
    ordinary = {
        "unit_id": NEW, "record_no": number, "row_key": number, "location": f"new:{number}", "rejected": False,
        "excluded": False, "reasons": [], "unparsable": False, "late": False, "source": "s",
        "event_id": str(number), "user_id": user, "identifier": user,
        "event_name": name, "state": name, "event_at": at, "received_at": at,
        "event_date": at.date(), "platform": "web", "properties": "{}",
    }  # fmt: skip
    return {**dict.fromkeys(PARSED_RECORDS.names), **ordinary, **known}


def earlier_event(number: int, **known: Any) -> Row:
    """Complete a row of `events`; what is not given is as of :func:`parsed_record`."""
    ordinary = {"user_id": "u", "event_name": "view", "event_at": AT, "event_id": str(number), "unit_id": OLD}
    return stored_event(**{**ordinary, "record_no": number, **known})


def frame(spark: SparkSession, table: Table, rows: Iterable[Row]) -> DataFrame:
    return spark.createDataFrame([tuple(row[name] for name in table.names) for row in rows], table.schema)


def batch_of(spark: SparkSession, rows: Iterable[Row], allowed_lateness_days: int | None = None) -> Batch:
    records = frame(spark, PARSED_RECORDS, rows)
    return Batch(
        records, lambda keys: records.join(keys, "row_key", "left_semi"), allowed_lateness_days, "s", unit_ids=(NEW,)
    )


def snapshot_of(
    spark: SparkSession,
    *,
    events: Iterable[Row] = (),
    duplicates: Iterable[Row] = (),
    quarantine: Iterable[Row] = (),
    superseded_days: Iterable[date] = (),
    **tables: Any,
) -> Snapshot:
    """Make a snapshot in which the unit LEFT is superseded if days of its events are given.

    Args:
        spark: the session.
        events: rows of `events`.
        duplicates: rows of `events` that are duplicates.
        quarantine: rows of `events` that are quarantined, with `reason` and, of a conflict, `survivor_value`.
        superseded_days: event days of superseded events.
        tables: other fields of the snapshot.
    """
    days = tuple(sorted(set(superseded_days)))
    empty = {"sessions": SESSIONS, "user_days": USER_DAYS, "input_units": INPUT_UNITS, "order_events": ORDER_EVENTS}
    fields = {name: tables.get(name, frame(spark, table, ())) for name, table in empty.items()}
    return Snapshot(
        events=stored_events(spark, events),
        duplicates=_duplicates(stored_events(spark, duplicates)),
        quarantine=_quarantine(spark, quarantine),
        is_empty=False,
        superseded=Superseded((LEFT,), days) if days else Superseded(),
        has_persons=tables.get("has_persons", False),
        **fields,
    )


def _duplicates(events: DataFrame) -> DataFrame:
    return conform(events.select("*", F.sha2(payload_json(), 256).alias("payload_hash")), DUPLICATES)


def _quarantine(spark: SparkSession, rows: Iterable[Row]) -> DataFrame:
    """Quarantine events. The survivor of a conflict is the same event with another value."""
    beside = [StructField("reason", StringType()), StructField("survivor_value", MONEY)]
    schema = StructType([*EVENTS.schema.fields, *beside])
    events = spark.createDataFrame([tuple(row.get(name) for name in schema.names) for row in rows], schema)
    located = events.select(
        "*", payload_json().alias("raw"), F.array("reason").alias("reasons"), F.lit("").alias("location")
    )
    survivor = F.when(F.col("reason") == CONFLICT, F.sha2(payload_json(), 256)).alias("survivor_hash")
    return conform(located.withColumn("value", F.col("survivor_value")).select("*", survivor), QUARANTINE)


def nothing_judged(spark: SparkSession) -> Outcome:
    """Return the outcome of a batch of which every record is an event, and that changes no earlier record."""
    none = no_rows(frame(spark, PARSED_RECORDS, ()).select("*", *_nulls("outcome", "survivor_hash", "payload_hash")))
    events = stored_events(spark, ())
    beside = [name for name in COMPARED if name not in events.columns]
    compared = events.select("*", *_nulls(*beside)).select(*COMPARED, *_nulls("outcome", "survivor_hash"))
    reinstated = events.select(*EVENT, *_nulls("stored_as"), F.lit(False).alias("late"))
    return Outcome(none, none, none, none, none, none, no_rows(compared), no_rows(reinstated))


def _nulls(*names: str) -> list:
    return [F.lit(None).cast("string").alias(name) for name in names]
