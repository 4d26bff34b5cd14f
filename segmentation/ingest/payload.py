"""The payload of an event: all mapped fields but the times of receipt, as canonical JSON and as a hash."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F
from pyspark.sql.types import StructField, StructType

from segmentation.local_time import local_day
from segmentation.tables import ASSIGNED, EVENTS
from segmentation.tables.events import JUDGED
from segmentation.tables.table import COUNT, INSTANT, STRING

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

RECEIPT = ("received_at", "position", "unit_id", "record_no")
"""Columns of a delivery, not of the event."""
MAPPED = (*JUDGED, "activity")
"""Columns that follow from the payloads of an order's events, or from the mapping."""
PERSON = ("user_id",)
"""May change with identities; the payload keeps `identifier`."""

PAYLOAD = tuple(c for c in EVENTS.columns if c.name not in (*RECEIPT, *MAPPED, *ASSIGNED, *PERSON))
_DERIVED = ("event_date",)
_STORED = tuple(c for c in PAYLOAD if c.name not in _DERIVED)
_JSON_SCHEMA = StructType([StructField(c.name, COUNT if c.type == INSTANT else STRING) for c in _STORED])


def payload_json() -> Column:
    """Write the payload columns at hand as canonical JSON: fixed order, instants in micros, nulls left out."""
    parts = [
        (F.unix_micros(c.name) if c.type == INSTANT else F.col(c.name).cast("string")).alias(c.name) for c in _STORED
    ]
    return F.to_json(F.struct(*parts))


def restore_payload(json: str, *names: str) -> list[Column]:
    """Read columns of a payload back from the canonical JSON in column `json` (all but event_date by default)."""
    record = F.from_json(F.col(json), _JSON_SCHEMA)
    return [
        (F.timestamp_micros(record[c.name]) if c.type == INSTANT else record[c.name].cast(c.type)).alias(c.name)
        for c in _STORED
        if not names or c.name in names
    ]


def restored_events(held: DataFrame, payload: str, time_zone: str, *kept: str) -> DataFrame:
    """Read events back from the payload JSON in a column, with the columns `kept`.

    The person is that of the column user_id where the frame has one and it is not null, else the identifier. The
    position is that of the column `position`, where it is among `kept`, else null.
    """
    known = F.col("user_id") if "user_id" in held.columns else F.lit(None).cast("string")
    columns = ("unit_id", "record_no", "received_at", known.alias("_person"))
    read = held.select(*columns, *restore_payload(payload), *kept)
    person = F.coalesce("_person", "identifier").alias("user_id")
    types = {column.name: column.type for column in EVENTS.columns}
    nothing = (F.lit(None).cast(types[name]).alias(name) for name in (*{"position"}.difference(kept), *MAPPED))
    return read.select("*", person, local_day("event_at", time_zone).alias("event_date"), *nothing).drop("_person")
