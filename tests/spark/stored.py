"""Events and input units as ingest stores them, for tests that write a lake by hand."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F
from pyspark.sql.types import DateType, LongType, StringType, StructField, StructType

from segmentation.tables import EVENTS, INPUT_UNITS
from segmentation.tables.items import ITEM_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pyspark.sql import DataFrame, SparkSession

TYPES = (StringType(), DateType(), StringType(), StringType(), LongType())
ITEM_SCHEMA = StructType([StructField(*column, nullable=False) for column in zip(ITEM_COLUMNS, TYPES, strict=True)])
"""Columns of `count_items`, for item counts that a test writes by hand."""
UNIT_AT = datetime(2024, 5, 1, tzinfo=timezone.utc)


def stored_event(**known: Any) -> dict[str, Any]:
    """Complete a row of `events`, of which user_id, event_name and event_at are given.

    Columns that are not given are null or what an ordinary event has: received at once, and a session of its own.
    """
    user, name, at = known["user_id"], known["event_name"], known["event_at"]
    platform, state = known.get("platform", "web"), known.get("state", name)
    ordinary = {
        "source": "s", "event_id": f"{user}-{name}-{at.isoformat()}", "identifier": user, "state": state,
        "received_at": at, "event_date": at.date(), "platform": platform, "properties": "{}",
        "session_id": f"{user}-{at.isoformat()}", "session_started_at": at, "session_date": at.date(),
        "session_platform": platform, "entry_state": state, "ends_session": True, "identity_hash": 0, "unit_id": "b",
        "is_conversion": name == "purchase", "repeated_order": False,
        "record_no": 0,
    }  # fmt: skip
    return {**dict.fromkeys(EVENTS.names), **ordinary, **known}


def stored_events(spark: SparkSession, rows: Iterable[dict[str, Any]]) -> DataFrame:
    """Make a frame of rows of `events`; the hash of the identity is computed."""
    events = spark.createDataFrame([tuple(row[name] for name in EVENTS.names) for row in rows], EVENTS.schema)
    return events.withColumn("identity_hash", F.xxhash64("source", "event_id"))


def stored_units(spark: SparkSession, *names: str) -> DataFrame:
    """Make rows of `input_units`: files of a shop, each of which has its name as id."""
    known = {"source": "shop", "format": "csv", "bytes": 1, "modified_at": UNIT_AT, "run_id": "run"}
    rows = [{"unit_id": name, "path": f"{name}.csv", **known} for name in names]
    return spark.createDataFrame([tuple(map(row.get, INPUT_UNITS.names)) for row in rows], INPUT_UNITS.schema)
