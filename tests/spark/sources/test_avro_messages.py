"""Messages in Avro, framed with the id of a schema in a registry."""

from __future__ import annotations

import base64
import json
from datetime import datetime, timezone
from typing import TYPE_CHECKING

import pytest
from pyspark.sql import functions as F

from segmentation.errors import DataError
from segmentation.parameters import WorkspaceParams, validated
from segmentation.sources.mapping import SourceMapping
from segmentation.sources.parse import parse_records
from segmentation.sources.readers.avro import MAX_SCHEMAS, avro_as_json, keep_schemas, read_schemas, schema_ids
from segmentation.sources.readers.messages import LANDED, place_messages
from tests.avro import FIRST, SECOND, framed, long_of, message
from tests.registry import Registry

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import DataFrame, SparkSession

pytestmark = pytest.mark.spark

AT = 1_714_564_800_000  # 2024-05-01 12:00 UTC
NOON = datetime(2024, 5, 1, 12, tzinfo=timezone.utc)
VALUES = [
    message(1, "a", "ana", 1, AT),
    message(300, "b", "Zo\u00eb", 0, AT + 1, 2.5),
    message(300, "c", "ben", 0, AT, None),
    message(9, "d", "ben", 0, AT),  # the registry has no such schema
    message(1, "e", "ben", 0, AT)[:-4],  # cut off
    b'{"id": "f"}',
    b"\x00\x00",
    None,
]


def mapping_of(registry: str) -> SourceMapping:
    fields = {"event_id": "id", "user_id": "user", "event_name": "name", "event_at": "at", "value": "amount"}
    kafka = {"bootstrap_servers": "localhost:1", "topic": "clicks", "registry": registry}
    return validated(SourceMapping, {"name": "clicks", "format": "avro", "fields": fields, "kafka": kafka}, "f")


def messages(spark: SparkSession) -> DataFrame:
    rows = [("clicks", 0, offset, NOON, None, value, None) for offset, value in enumerate(VALUES)]
    return spark.createDataFrame(rows, LANDED)


def test_messages_of_two_versions_are_read_and_others_kept_as_malformed(spark: SparkSession) -> None:
    with Registry({1: {"schema": FIRST}, 300: {"schema": SECOND}}) as registry:
        mapping = mapping_of(registry.url)
        raw = place_messages(messages(spark), mapping)
    parsed = parse_records(
        raw, mapping=mapping, allowed_lateness_days=7, clock_skew_hours=24, workspace=WorkspaceParams()
    )
    rows = parsed.orderBy("row_key").withColumn("us", F.unix_micros("event_at")).collect()
    events = [(row["event_id"], row["user_id"], row["event_name"], row["us"], row["value"]) for row in rows[:3]]
    assert events == [
        ("a", "ana", "purchase", AT * 1000, None),
        ("b", "Zo\u00eb", "view", (AT + 1) * 1000, 2.5),
        ("c", "ben", "view", AT * 1000, None),
    ]
    assert [row["reasons"] for row in rows[3:]] == [["malformed"]] * 5
    sent = [None if value is None else base64.b64encode(value).decode() for value in VALUES[3:]]
    assert [row["raw"] for row in rows[3:]] == sent


def test_keep_schemas__each_once_beside_the_messages(spark: SparkSession, tmp_path: Path) -> None:
    folder = str(tmp_path / "_raw" / "clicks")
    with Registry({1: {"schema": FIRST}, 300: {"schema": SECOND}}) as registry:
        params = mapping_of(registry.url).topic
        for _ in range(2):
            keep_schemas(messages(spark), params, folder)
        assert (registry.asked.count(1), registry.asked.count(300)) == (1, 1)
        broken = tmp_path / "_raw" / "clicks" / "_schemas" / "1.json"
        broken.write_text(FIRST[:9])  # a run was killed while it wrote
        assert read_schemas(spark, folder) == {300: SECOND}
        keep_schemas(messages(spark), params, folder)
    assert read_schemas(spark, folder) == {1: FIRST, 300: SECOND}


def test_keep_schemas__a_schema_that_spark_cannot_read(spark: SparkSession, tmp_path: Path) -> None:
    endless = '{"type": "record", "name": "Node", "fields": [{"name": "next", "type": ["null", "Node"]}]}'
    with (
        Registry({1: {"schema": FIRST}, 300: {"schema": endless}}) as registry,
        pytest.raises(DataError, match=r"schema 300 of the registry cannot be read by Spark: .*ecursi"),
    ):
        keep_schemas(messages(spark), mapping_of(registry.url).topic, str(tmp_path))


def test_schema_ids__messages_of_another_format(spark: SparkSession) -> None:
    value = F.unhex(F.concat(F.lit("00"), F.lpad(F.hex("id"), 8, "0"), F.lit("00")))
    numbers = spark.range(MAX_SCHEMAS + 1).select(value.alias("value"), "id")
    assert schema_ids(numbers.where(F.col("id") < MAX_SCHEMAS)) == list(range(MAX_SCHEMAS))
    with pytest.raises(DataError, match="name more than 1,000 schemas"):
        schema_ids(numbers)


def test_avro_as_json__microseconds_are_kept(spark: SparkSession) -> None:
    at = {"name": "at", "type": {"type": "long", "logicalType": "timestamp-micros"}}
    schema = json.dumps({"type": "record", "name": "Click", "fields": [at]})
    value = framed(7, long_of(AT * 1000 + 123_456))
    [row] = (
        spark.createDataFrame([(value,)], "value binary")
        .select(avro_as_json(spark, F.col("value"), {7: schema}).alias("text"))
        .collect()
    )
    assert row["text"] == '{"at":"2024-05-01T12:00:00.123456Z"}'
