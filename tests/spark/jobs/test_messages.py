"""Sources with a topic, the broker played by a frame: what is read of a message, and how a topic is followed."""

from __future__ import annotations

from datetime import date, datetime, timezone
from functools import reduce
from typing import TYPE_CHECKING, Any

import pytest
from pyspark.sql import functions as F

from jobs import check_source, ingest_events, maintain_tables
from segmentation.parameters import validated
from segmentation.runtime.main import open_context
from segmentation.sources.kafka import KafkaParams, OffsetLimits, OffsetRange
from segmentation.sources.mapping import SourceMapping
from segmentation.sources.parse import RAW_CORRUPT, RAW_RECORD_NO, RAW_TEXT
from segmentation.sources.readers import kafka
from segmentation.sources.readers.messages import LANDED, place_messages

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import DataFrame, SparkSession

    from tests.spark.jobs.conftest import Workspace

pytestmark = pytest.mark.spark

SENT = datetime(2024, 5, 1, 12, tzinfo=timezone.utc)
MAPPING = """
format: json
kafka: {bootstrap_servers: "nowhere:1", topic: clicks, range_messages: 10}
columns: "id STRING, user STRING, name STRING, at STRING"
fields:
  event_id: id
  user_id: {expr: "coalesce(user, kafka_key)"}
  event_name: name
  event_at: at
properties: {trace: {expr: "kafka_headers['trace']"}, at: {column: kafka_offset}}
"""


def message(
    partition: int, offset: int, value: str | bytes | None, key: str | None = None, *traces: str
) -> tuple[Any, ...]:
    raw = value.encode() if isinstance(value, str) else value
    headers = [("trace", trace.encode()) for trace in traces] or None
    return "clicks", partition, offset, SENT, key.encode() if key else None, raw, headers


def click(number: int, **fields: str) -> str:
    given = {"id": f"e{number}", "user": "ana", "name": "view", "at": "2024-05-01 10:00:00", **fields}
    return "{" + ",".join(f'"{name}":"{value}"' for name, value in given.items()) + "}"


class Topic:
    """Plays the broker: what it holds, and up to where."""

    def __init__(self, spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> None:
        self.spark, self.reads = spark, 0
        self.messages: list[tuple[Any, ...]] = []
        self.limits: dict[int, OffsetLimits] = {}
        monkeypatch.setattr(kafka, "read_limits", lambda *_: self.limits)
        monkeypatch.setattr(kafka, "read_ranges", self.read)

    def read(self, _spark: SparkSession, _params: KafkaParams, ranges: Sequence[OffsetRange]) -> DataFrame:
        self.reads += 1
        parts = ((F.col("partition") == r.partition) & F.col("offset").between(r.first, r.until - 1) for r in ranges)
        held = self.spark.createDataFrame(self.messages, LANDED).coalesce(1)
        return held.where(reduce(lambda a, b: a | b, parts))


@pytest.fixture
def topic(spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> Topic:
    return Topic(spark, monkeypatch)


@pytest.mark.faults  # five ingests: most of a minute
def test_a_topic_is_followed(topic: Topic, workspace: Workspace) -> None:
    def run(*options: str) -> Any:
        return workspace.run(ingest_events, "--source", "shop", *options)

    workspace.source("shop", MAPPING)
    outcome = run("--input", str(workspace.folder))
    assert (outcome.code, "leave --input out" in outcome.stderr) == (2, True)

    # Messages with gaps between them, a partition that holds nothing but a gap, and one whose range a dead run landed.
    topic.messages = [
        message(0, 4, click(1), None, "first", "t1"),
        message(0, 5, click(1), None, "t1"),  # another offset: another payload of the same event
        message(0, 8, '{"id":"e2","name":"buy","at":"2024-05-01 11:00:00"}', "ben"),
        *(message(1, n, value) for n, value in enumerate([None, "{oops", "", " "])),
    ]
    folder, left = kafka.raw_folder(str(workspace.lake), "shop"), [OffsetRange("clicks", 1, 0, 4)]
    kafka.land(topic.read(topic.spark, None, left), left, folder, f"{folder}/_landing/killed")
    topic.messages[3:] = []
    topic.limits = {0: OffsetLimits(0, 9), 1: OffsetLimits(4, 4), 2: OffsetLimits(0, 10)}
    outcome = run()
    assert outcome.code == 0, outcome.stderr  # more bad than good: too few to stop a topic
    quality = outcome.result["quality"]
    assert (quality["read"], quality["accepted"], quality["quarantined"], quality["unparsable"]) == (7, 2, 1, 4)
    events = {row["event_id"]: row for row in workspace.table("events").collect()}
    assert events["e1"]["properties"] == '{"at":4,"trace":"t1"}'
    assert events["e2"]["user_id"] == "ben"
    assert events["e2"]["received_at"].astimezone(timezone.utc) == SENT
    rows = {
        row["location"]: row["raw"] for row in workspace.table("quarantine").where("reason = 'malformed'").collect()
    }
    assert rows == {f"clicks-1 offset {n}": raw for n, raw in enumerate([None, "{oops", "", " "])}
    names = {row["path"].split("/clicks/", 1)[1] for row in workspace.table("input_units").collect()}
    assert names == {"0/0-9.parquet", "1/0-4.parquet", "2/0-10.parquet"}

    outcome = run()
    assert (outcome.code, outcome.result["notes"]) == (0, ["no new message: unchanged"])

    topic.limits[1] = OffsetLimits(6, 6)
    outcome = run()
    assert outcome.code == 3
    assert "clicks-1: offsets 4 to 5 were deleted" in outcome.stderr

    for days, dropped in ((365_000, 0), (1, 3)):
        ctx = open_context(
            conf_dir=workspace.folder / "conf",
            lake=str(workspace.lake),
            as_of=date(2999, 1, 1),
            overrides=[f"maintenance.landed_days={days}"],
            spark=topic.spark,
        )
        assert maintain_tables._drop_landed(ctx) == dropped
    published = workspace.pointer()
    outcome = run("--rebuild")
    assert (outcome.code, "0-10.parquet" in outcome.stderr, workspace.pointer()) == (2, True, published)


def test_check_source_looks_at_the_newest_messages(topic: Topic, workspace: Workspace) -> None:
    workspace.source("shop", MAPPING)
    topic.limits = {0: OffsetLimits(0, 100), 1: OffsetLimits(0, 3)}
    topic.messages = [message(0, 5, click(1)), message(0, 98, click(2)), message(0, 99, None), message(1, 2, click(3))]
    outcome = workspace.run(check_source, "--source", "shop", "--records", "10")
    assert outcome.code == 0, outcome.stderr
    quality = outcome.result["quality"]
    assert (quality["records"], quality["accepted"]) == (3, 2)
    assert quality["examples"] == {"malformed": "clicks-0 offset 99"}
    assert not (workspace.lake / "_raw").exists()


def parsed(spark: SparkSession, values: list[str | bytes | None], **mapping: Any) -> list[Any]:
    """Text, corrupt and the value's columns of every message."""
    given = {"name": "shop", "kafka": {"bootstrap_servers": "b:1", "topic": "clicks"}, **mapping}
    fields = {"event_id": "id", "user_id": "user", "event_name": "kafka_key", "event_at": "kafka_timestamp"}
    source = validated(SourceMapping, {"fields": fields, **given}, "shop.yaml")
    frame = spark.createDataFrame([message(0, n, value, "k") for n, value in enumerate(values)], LANDED)
    rows = place_messages(frame, source).orderBy(RAW_RECORD_NO)
    assert rows.where("kafka_key = 'k' AND kafka_topic = 'clicks' AND kafka_partition = 0").count() == len(values)
    return [
        (row[RAW_TEXT], row[RAW_CORRUPT], None if row[RAW_CORRUPT] else (row["id"], row["user"]))
        for row in rows.collect()
    ]


def test_json_values(spark: SparkSession) -> None:
    good = '{"id": "1",\n "user": "ana", "kafka_key": "mine"}'
    assert parsed(spark, [good, None, "", " ", "{}{}", "[]", "null", b"\xff\xfe", '{"id": 1'], format="json") == [
        (good, False, ("1", "ana")),
        (None, True, None),
        ("", True, None),
        (" ", True, None),
        ("{}{}", True, None),
        ("[]", True, None),
        ("null", True, None),
        ("\ufffd\ufffd", True, None),
        ('{"id": 1', True, None),
    ]


def test_csv_values(spark: SparkSession) -> None:
    rows = parsed(spark, ["1,ana", "2,ben\r\n", "3,cy\n4,dan", None, "", "5"], format="csv", header=["id", "user"])
    assert [(corrupt, sent) for _, corrupt, sent in rows] == [
        (False, ("1", "ana")),
        (False, ("2", "ben")),
        (True, None),
        (True, None),
        (True, None),
        (True, None),
    ]
