"""List landed ranges of a Kafka topic as input units, and parse the values of their messages."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pyspark.sql import functions as F
from pyspark.sql.types import (
    ArrayType,
    BinaryType,
    IntegerType,
    LongType,
    StringType,
    StructField,
    StructType,
    TimestampType,
)

from segmentation.errors import ConfigurationError
from segmentation.sources import kafka
from segmentation.sources.parse import RAW_CORRUPT, RAW_LOCATION, RAW_RECORD_NO, RAW_TEXT, RAW_UNIT, RAW_UNIT_NO
from segmentation.sources.readers.avro import avro_as_json, fetch_schemas
from segmentation.sources.readers.units import list_units
from segmentation.sources.readers.values import decode_text, parse_csv, parse_json, parse_plain, quoted_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import DataFrame, SparkSession

    from segmentation.sources.mapping import SourceMapping
    from segmentation.sources.readers.avro import Schemas
    from segmentation.sources.readers.units import InputUnit

MESSAGES = "kafka"
"""Format of the units of landed messages."""
LANDED = StructType(
    [
        StructField("topic", StringType()),
        StructField("partition", IntegerType()),
        StructField("offset", LongType()),
        StructField("timestamp", TimestampType()),
        StructField("key", BinaryType()),
        StructField("value", BinaryType()),
        StructField("headers", ArrayType(StructType().add("key", StringType()).add("value", BinaryType()))),
    ]
)
"""Columns of a landed file: those of Spark's Kafka source."""


def list_landed(spark: SparkSession, mapping: SourceMapping, paths: Sequence[str]) -> list[InputUnit]:
    """List landed ranges as input units, by first offset and partition.

    Raises:
        ConfigurationError: one of them is not there (any more), or is no landed range.
    """
    units = {}
    for unit in list_units(spark, mapping, paths):
        found = kafka.landed_range(unit.path)
        if found is None:
            raise ConfigurationError(
                f"source '{mapping.name}' reads from Kafka, and {unit.path} was not read from there"
            )
        units[found] = replace(unit, unit_id=found.unit_id(mapping.name), format=MESSAGES)
    return [units[one] for one in sorted(units, key=lambda one: (one.first, one.partition, one.topic))]


def parse_messages(
    messages: DataFrame, mapping: SourceMapping, *position: str, schemas: Schemas | None = None
) -> DataFrame:
    """Read messages by the mapping: raw columns beside `position`, text and whether they are corrupt.

    Grain: a message in, the same message out. Without a value (a tombstone), with a blank one, or with several lines
    of CSV it is corrupt, never left out.

    Args:
        messages: frame of LANDED and of the columns of `position`.
        mapping: the source's mapping.
        position: columns that are kept.
        schemas: those of messages in Avro.
    """
    own = {
        kafka.KEY: F.col("key").cast("string"),
        kafka.HEADERS: F.map_from_entries(
            F.transform("headers", lambda h: F.struct(h["key"].alias("key"), h["value"].cast("string").alias("value")))
        ),
        kafka.TOPIC: F.col("topic"),
        kafka.PARTITION: F.col("partition"),
        kafka.OFFSET: F.col("offset"),
        kafka.TIMESTAMP: F.col("timestamp"),
    }
    # A field that the value has under the name of a message's own column is the message's.
    if mapping.is_avro:
        read = avro_as_json(messages.sparkSession, F.col("value"), schemas or {})
        text, undecodable = F.coalesce(read, F.base64("value")), read.isNull()
    else:
        text, undecodable = decode_text(F.col("value").cast("string"), mapping.java_encoding)
    if mapping.format[0] == "csv":  # a line, as one of a file: how it ends is no part of it
        text = F.rtrim(text, F.lit("\r\n"))
    texts = messages.select(
        *position,
        text.alias(RAW_TEXT),
        F.coalesce(undecodable, F.lit(True)).alias(RAW_CORRUPT),
        F.struct(*(column.alias(name) for name, column in own.items())).alias("_message"),
    )
    parsed = _parse(texts, mapping)
    sent = [F.col(quoted_name(name)) for name in parsed.columns if name not in (*texts.columns, *own)]
    empty = F.coalesce(F.trim(RAW_TEXT), F.lit("")) == ""
    corrupt = F.col(RAW_CORRUPT) | empty
    if mapping.format[0] == "csv":
        corrupt = corrupt | F.col(RAW_TEXT).rlike(r"[\r\n]")
    return parsed.select(*position, RAW_TEXT, corrupt.alias(RAW_CORRUPT), *sent, "_message.*")


def place_messages(messages: DataFrame, mapping: SourceMapping) -> DataFrame:
    """Read messages that have not landed, in the columns of :func:`segmentation.sources.readers.files.read_records`."""
    offset, partition = F.col("offset"), F.col("partition").cast("bigint")
    location = F.concat("topic", F.lit("-"), "partition", F.lit(" offset "), "offset")
    position = {RAW_UNIT: F.lit("sample"), RAW_UNIT_NO: partition, RAW_RECORD_NO: offset, RAW_LOCATION: location}
    placed = messages.select("*", *(column.alias(name) for name, column in position.items()))
    schemas = fetch_schemas(messages, mapping.topic) if mapping.is_avro else None
    return parse_messages(placed, mapping, *position, schemas=schemas)


def _parse(texts: DataFrame, mapping: SourceMapping) -> DataFrame:
    if mapping.format[0] in ("json", "avro"):
        return parse_json(texts, mapping)
    if mapping.format[0] == "text":
        return parse_plain(texts)
    header = mapping.header or ()
    missing = sorted(set(mapping.raw_columns) - set(header))
    if missing:
        raise ConfigurationError(f"source '{mapping.name}': its header has no column {', '.join(missing)}")
    return parse_csv(texts, mapping, header)
