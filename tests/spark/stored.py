"""Events as ingest stores them, for tests that write a lake by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F
from pyspark.sql.types import DateType, LongType, StringType, StructField, StructType

from segmentation.tables import EVENTS
from segmentation.tables.items import ITEM_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pyspark.sql import DataFrame, SparkSession

TYPES = (StringType(), DateType(), StringType(), StringType(), LongType())
ITEM_SCHEMA = StructType([StructField(*column, nullable=False) for column in zip(ITEM_COLUMNS, TYPES, strict=True)])
"""Columns of `count_items`, for item counts that a test writes by hand."""


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
