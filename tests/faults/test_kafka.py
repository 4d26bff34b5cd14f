"""A real topic, its broker killed, the job killed: every event once, every message accounted for."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
from pyspark.sql import functions as F

from jobs import ingest_events
from jobs.ingest_events import WRITES
from segmentation.lake.lake import Lake
from segmentation.tables import EVENTS, INPUT_UNITS, QUARANTINE
from tests.avro import FIRST, SECOND, message
from tests.conftest import PROJECT
from tests.digest import digest
from tests.faults.broker import Broker
from tests.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pyspark.sql import DataFrame, SparkSession

pytestmark = [pytest.mark.faults, pytest.mark.spark]

TOPIC = "clicks"
SENT, AGAIN = 100_000, 5_000
MAPPING = """
format: json
kafka: {bootstrap_servers: "${TEST_BROKER}", topic: clicks}
fields:
  event_id: id
  user_id: user
  event_name: name
  event_at: {column: at, unit: ms}
"""


AVRO = """
format: avro
kafka: {{bootstrap_servers: "${{TEST_BROKER}}", topic: clicks, registry: "{registry}"}}
fields: {{event_id: id, user_id: user, event_name: name, event_at: at, value: amount}}
"""


class Topic:
    """A broker with one topic, and runs of `jobs/ingest_events.py` on it."""

    def __init__(self, folder: Path, spark: SparkSession) -> None:
        """Start the broker."""
        self.folder, self.spark = folder, spark
        self.broker = Broker(folder / "broker")
        self.broker.start()
        self.began_ms = int(time.time() * 1000)
        self.conf = folder / "conf"
        (self.conf / "sources").mkdir(parents=True)
        for name in ("base.yaml", "local.yaml"):
            shutil.copy(PROJECT / "conf" / name, self.conf / name)
        (self.conf / "sources" / "clicks.yaml").write_text(MAPPING)

    def send(self, first: int, until: int) -> None:
        """Send events by number; one that was sent before is the same again."""
        number = F.col("id")
        value = F.struct(
            number.cast("string").alias("id"),
            F.concat(F.lit("u"), number % 200).alias("user"),
            F.when(number % 7 == 0, "purchase").otherwise("view").alias("name"),
            (F.lit(self.began_ms) - number * 1_000).alias("at"),
        )
        events = self.spark.range(first, until, 1, 2)
        self.write(events.select(number.cast("string").alias("key"), F.to_json(value).cast("binary").alias("value")))

    def write(self, messages: DataFrame) -> None:
        sink = messages.write.format("kafka").option("kafka.bootstrap.servers", self.broker.servers)
        sink.option("topic", TOPIC).save()

    def start(self, lake: str, *options: str) -> subprocess.Popen[str]:
        """Start a run in a process group of its own."""
        command = [sys.executable, str(PROJECT / "jobs" / "ingest_events.py"), "--conf-dir", str(self.conf), *options]
        command += ["--lake", str(self.folder / lake), "--source", "clicks"]
        log = (self.folder / f"{lake}.log").open("a")
        environment = {**os.environ, "TEST_BROKER": self.broker.servers}
        return subprocess.Popen(
            command, cwd=self.folder, stdout=subprocess.PIPE, stderr=log, text=True, start_new_session=True,
            env=environment,
        )  # fmt: skip

    def finish(self, lake: str, run: subprocess.Popen[str]) -> tuple[int, dict[str, Any]]:
        out, _ = run.communicate(timeout=300)
        assert run.returncode in (0, 3, 4), (self.folder / f"{lake}.log").read_text()[-4000:]
        return run.returncode, json.loads(out.strip().splitlines()[-1])

    def wait_for(self, run: subprocess.Popen[str], lake: str, pattern: str) -> None:
        """Wait until a run has made a file of such a name."""
        while not list((self.folder / lake).glob(pattern)):
            assert run.poll() is None, (self.folder / f"{lake}.log").read_text()[-4000:]
            time.sleep(0.01)


@pytest.fixture
def topic(tmp_path: Path, spark: SparkSession) -> Iterator[Topic]:
    made = Topic(tmp_path, spark)
    yield made
    made.broker.kill()


def test_every_event_once_whatever_is_killed(
    topic: Topic, spark: SparkSession, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    topic.send(0, 60_000)

    killed = topic.start("lake")  # in the middle of the first batch: its messages have landed, nothing is published
    topic.wait_for(killed, "lake", "events/*.parquet")
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait()
    left = sorted((topic.folder / "lake").glob("_raw/clicks/clicks/*/*.parquet"))
    assert len(left) == 3
    assert Lake(spark, str(topic.folder / "lake"), "reader").version(EVENTS) is None

    topic.send(60_000, SENT)
    topic.send(SENT - 40_000 - AGAIN, SENT - 40_000)  # redelivered: of what has landed
    topic.write(spark.sql("SELECT CAST(NULL AS BINARY) AS value UNION ALL SELECT CAST('{oops' AS BINARY)"))

    hurt = topic.start("lake")  # takes in what has landed; the broker goes down before the next range, and comes back
    topic.wait_for(hurt, "lake", "publications/_delta_log/*0.json")
    topic.broker.kill()
    time.sleep(2)
    topic.broker.start()
    code, result = topic.finish("lake", hurt)
    if code == 4:  # it gave up while there was no broker
        code, result = topic.finish("lake", topic.start("lake"))
    assert code == 0
    expected = {"read": SENT + AGAIN + 2, "parsed": SENT + AGAIN, "accepted": SENT, "duplicate": AGAIN}
    assert result["quality"] == {**expected, "unparsable": 2, "reasons": {"malformed": 2}}
    lake = Lake(spark, str(topic.folder / "lake"), "reader")
    events = lake.read(EVENTS)
    assert (events.count(), events.select("event_id").distinct().count()) == (SENT, SENT)
    bad = {row["raw"]: row["location"] for row in lake.read(QUARANTINE).collect()}
    assert set(bad) == {None, "{oops"}
    assert all(location.startswith("clicks-") and " offset " in location for location in bad.values())
    landed = {path.name for path in left}
    assert landed <= {row["path"].rsplit("/", 1)[1] for row in lake.read(INPUT_UNITS).collect()}

    before = digest(spark, topic.folder / "lake", WRITES)
    code, _ = topic.finish("lake", topic.start("lake", "--rebuild"))  # undisturbed, in one batch
    assert code == 0
    assert digest(spark, topic.folder / "lake", WRITES) == before

    lose_messages(topic, partition=0, more=10)
    monkeypatch.setenv("TEST_BROKER", topic.broker.servers)
    options = ["--conf-dir", str(topic.conf), "--lake", str(topic.folder / "lake"), "--source", "clicks"]
    assert ingest_events.main(options) == 3
    error = capsys.readouterr().err
    assert "clicks-0: offsets" in error
    assert "were deleted before they were ingested" in error


def test_avro_of_two_schemas__a_rebuild_needs_no_registry(topic: Topic, spark: SparkSession) -> None:
    old = [message(1, f"a{n}", f"u{n % 9}", 0, topic.began_ms - n) for n in range(300)]
    new = [message(2, f"b{n}", f"u{n % 9}", 1, topic.began_ms - n, n / 4) for n in range(300)]
    values = [*old, *new, b"not Avro", None]
    with Registry({1: {"schema": FIRST}, 2: {"schema": SECOND}}) as registry:
        (topic.conf / "sources" / "clicks.yaml").write_text(AVRO.format(registry=registry.url))
        topic.write(spark.createDataFrame([(value,) for value in values], "value binary"))
        code, result = topic.finish("lake", topic.start("lake"))
    assert (code, result["quality"]["accepted"], result["quality"]["reasons"]) == (0, 600, {"malformed": 2})
    events = Lake(spark, str(topic.folder / "lake"), "reader").read(EVENTS)
    [row] = events.agg(F.sum("revenue").alias("revenue"), F.count_if("is_conversion").alias("purchases")).collect()
    assert (float(row["revenue"]), row["purchases"]) == (sum(n / 4 for n in range(300)), 300)
    before = digest(spark, topic.folder / "lake", WRITES)
    code, _ = topic.finish("lake", topic.start("lake", "--rebuild"))
    assert (code, digest(spark, topic.folder / "lake", WRITES)) == (0, before)


def lose_messages(topic: Topic, *, partition: int, more: int) -> None:
    """Send more messages to a partition, and let the broker delete them."""
    number = F.lit(partition).alias("partition")
    topic.write(topic.spark.range(more).select(number, F.lit("{}").cast("binary").alias("value")))
    gateway, jvm = topic.spark.sparkContext._gateway, topic.spark._jvm
    admin = jvm.org.apache.kafka.clients.admin
    properties = jvm.java.util.Properties()
    properties.setProperty("bootstrap.servers", topic.broker.servers)
    client = admin.AdminClient.create(properties)
    # Two methods have this name, and py4j sees the one that is not static.
    types, values = gateway.new_array(jvm.java.lang.Class, 1), gateway.new_array(jvm.java.lang.Object, 1)
    types[0], values[0] = jvm.java.lang.Long.TYPE, jvm.java.lang.Long.valueOf("-1")
    loader = jvm.java.lang.Thread.currentThread().getContextClassLoader()
    deletion = loader.loadClass("org.apache.kafka.clients.admin.RecordsToDelete")
    everything = deletion.getMethod("beforeOffset", types).invoke(None, values)
    what = jvm.java.util.HashMap()
    what.put(jvm.org.apache.kafka.common.TopicPartition(TOPIC, partition), everything)
    client.deleteRecords(what).all().get()
    client.close()
