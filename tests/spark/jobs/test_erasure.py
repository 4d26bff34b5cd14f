"""A person is erased: nothing of them is in any file, all others are as they were, and a rebuild brings nobody back."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import pytest
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from jobs import apply_identities, erase_person, export_person, ingest_events, maintain_tables
from segmentation.frames import small_frame
from segmentation.identities.erasure import name_pattern
from segmentation.lake.lake import Lake
from segmentation.sources.identifiers import compose_identifier
from segmentation.sources.kafka import OffsetLimits, OffsetRange
from segmentation.sources.readers import kafka
from segmentation.sources.readers.messages import LANDED
from segmentation.tables import SEGMENT_CHANGES
from tests.spark.jobs.test_messages import Topic, click, message

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import SparkSession

    from tests.spark.jobs.conftest import Workspace

pytestmark = pytest.mark.spark

MAPPING = """
format: json
kafka: {bootstrap_servers: "nowhere:1", topic: clicks}
fields:
  event_id: id
  user_id: user
  event_name: name
  event_at: at
properties: [login]
"""
IDENTITIES = """
persons: [login]
sources: {shop: {cookie: identifier, login: properties.login}}
"""
PERSON, NEEDLES = "login:canary-login", (b"canary-login", b"canary-cookie")
NAMESAKE = "canary-cookie-2"
"""Somebody else, whose name begins like the person's."""
HERS = {"user": "canary-cookie", "login": "canary-login"}
SENT = [
    click(1, **HERS),
    click(1, **HERS),  # a duplicate
    click(1, **{**HERS, "name": "cart"}),  # a conflict
    click(2, user="canary-cookie", at="2024-05-01 10:40:00"),  # a session of its own, by the cookie alone
    click(3, user="ben"),
    click(4, **{**HERS, "name": ""}),  # rejected with its text
    '{"user":"canary-cookie", oops',
    click(5, user=NAMESAKE),
    click(6, **{**HERS, "at": "2024-04-01 10:00:00"}),  # too late
    "{oops",
]
TEXT = StructType().add("text", "string")
EXPORTED = {
    "events": 2,
    "sessions": 2,
    "user_days": 1,
    "quarantine": 4,
    "duplicates": 1,
    "segment_changes": 1,
    "identities": 2,
    "identity_evidence": 1,
}
STAGES = ("read", "parsed", "unparsable", "accepted", "duplicate", "quarantined")


def stored(workspace: Workspace) -> bytes:
    return b"".join(path.read_bytes() for path in workspace.lake.rglob("*") if path.is_file())


def add_changes(workspace: Workspace) -> None:
    """Let a table of cuts know both, under a name of before there were persons."""
    at = datetime(2024, 5, 2, tzinfo=timezone.utc).date()
    rows = [("rule:new", user, "new", at, "entered", "behaviour", "{}") for user in ("canary-cookie", NAMESAKE)]
    lake = Lake(workspace.spark, str(workspace.lake), "changes")
    lake.append(SEGMENT_CHANGES, small_frame(workspace.spark, rows, SEGMENT_CHANGES.schema))
    lake.publish({})


def remaining(workspace: Workspace) -> dict[str, Any]:
    """What a rebuild must give again."""

    def rows(table: str, *columns: str) -> Counter:
        return Counter(map(tuple, workspace.table(table).select(*columns).collect()))

    keys = ("stage", "reason", "event_name")
    ledger = workspace.table("ingest_ledger").groupBy(*keys).agg(F.sum("records").alias("records"))
    return {
        "events": rows("events", "event_id", "identifier", "unit_id", "record_no"),
        "quarantine": rows("quarantine", "unit_id", "record_no", "reason", "raw", "location"),
        "duplicates": rows("duplicates", "event_id"),
        "transitions": rows("transitions", "from_state", "to_state", "transitions", "users"),
        "ledger": Counter(map(tuple, ledger.where("records <> 0").collect())),
    }


@pytest.mark.faults  # two ingests and all upkeep: most of a minute
def test_nothing_of_an_erased_person_is_left_and_a_rebuild_brings_nobody_back(
    spark: SparkSession, workspace: Workspace, monkeypatch
) -> None:
    topic = Topic(spark, monkeypatch)
    topic.messages = [message(0, n, value) for n, value in enumerate(SENT)]
    topic.limits = {0: OffsetLimits(0, len(SENT))}
    workspace.source("shop", MAPPING)
    workspace.file("conf/identities.yaml", IDENTITIES)
    before = str(spark.conf.get("spark.sql.parquet.compression.codec"))
    spark.conf.set("spark.sql.parquet.compression.codec", "uncompressed")  # what is stored can be searched as it stands
    try:
        quality = workspace.run(ingest_events, "--source", "shop").result["quality"]
        assert [quality[stage] for stage in STAGES] == [10, 8, 2, 4, 1, 3]
        assert workspace.run(apply_identities).result["quality"]["events_moved"] == 4
        add_changes(workspace)
        counted = workspace.run(erase_person, "--person", PERSON, "--count").result["quality"]
        assert counted == {"names": 4, "events": 2, "duplicates": 1, "quarantined": 4}
        exported = workspace.run(export_person, "--person", PERSON, "--out", str(workspace.folder / "person.json"))
        assert exported.result["quality"] == {"names": 4, "rows": EXPORTED}
        erased = workspace.run(erase_person, "--person", PERSON)
        assert erased.code == 0, erased.stderr
        assert erased.result["quality"] == {**counted, "landed_files": 1}
        assert all(needle in stored(workspace) for needle in NEEDLES)  # in earlier versions
        assert workspace.run(maintain_tables, "--purge").code == 0
    finally:
        spark.conf.set("spark.sql.parquet.compression.codec", before)
    left = stored(workspace)
    assert NAMESAKE.encode() in left
    assert [needle for needle in NEEDLES if needle in left.replace(NAMESAKE.encode(), b"")] == []
    assert {row["user_id"] for row in workspace.table("segment_changes").collect()} == {NAMESAKE}
    after = remaining(workspace)
    assert {row[0] for row in after["events"]} == {"e3", "e5"}
    assert workspace.run(export_person, "--person", PERSON, "--out", str(workspace.folder / "person.json")).code == 2
    again = workspace.run(erase_person, "--person", PERSON).result
    assert "no record of" in again["notes"][0]
    topic.messages = []  # the broker has forgotten; what landed is the raw layer
    assert workspace.run(ingest_events, "--source", "shop", "--rebuild").code == 0
    assert remaining(workspace) == after


def test_messages_leave_the_file_that_they_landed_in(spark: SparkSession, tmp_path: Path) -> None:
    one = OffsetRange("clicks", 0, 40, 50)
    messages = spark.createDataFrame([message(0, 40 + n, f"m{n}") for n in (0, 2, 3)], LANDED).coalesce(1)
    kafka.land(messages, [one], str(tmp_path / "_raw" / "shop"), str(tmp_path / "_raw" / "shop" / "_landing" / "a"))
    path = f"file:{tmp_path}/_raw/shop/{one.path()}"
    gone = spark.createDataFrame([("u", 2), ("other", 3)], "unit_id string, record_no bigint")
    assert kafka.drop_messages(spark, {"u": path, "v": path.replace("/40-", "/30-")}, gone, "b") == 1
    assert sorted(row["offset"] for row in spark.read.schema(LANDED).parquet(path).collect()) == [40, 43]
    assert [p.name for p in (tmp_path / "_raw" / "shop" / "clicks" / "0").glob("*.parquet")] == ["40-50.parquet"]


def test_a_name_is_found_where_it_stands_alone(spark: SparkSession) -> None:
    there = [
        '{"user":"anna"}',
        "anna,view,2024",
        "GET /u/anna/cart",
        r'{"more":"{\"login\":\"anna\"}"}',
        r'{"user":"o\"neil (x)"}',
        "zoe\u0308,view",
        "zo\u00eb,view",
    ]
    elsewhere = ["anna@example.org", "hanna,view", "anna-2", "o'neil (x)", "zoe,view"]
    frame = small_frame(spark, [(text,) for text in (*there, *elsewhere)], TEXT)
    named = frame.where(compose_identifier(F.col("text")).rlike(name_pattern(["anna", 'o"neil (x)', "zoe\u0308"])))
    assert sorted(row["text"] for row in named.collect()) == sorted(there)
