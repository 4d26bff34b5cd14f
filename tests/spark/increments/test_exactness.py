"""The law: any order, any batching, any repetition of batches give the tables of the oracle."""

from __future__ import annotations

import json
import random
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from pyspark.sql import functions as F

from jobs import ingest_events
from segmentation.runtime.main import open_context
from segmentation.tables.duplicates import DUPLICATES
from segmentation.tables.events import EVENTS
from segmentation.tables.ingest_ledger import INGEST_LEDGER
from segmentation.tables.quarantine import QUARANTINE
from segmentation.tables.sessions import SESSIONS
from segmentation.tables.transitions import TRANSITIONS
from segmentation.tables.user_days import USER_DAYS
from tests.spark.increments.oracle import DAY, SECOND, Limits, Record, tables

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import SparkSession

    from segmentation.storage.lake import Lake

BASE = 1_704_067_200 * SECOND  # 2024-01-01
LIMITS = Limits(cap=6)
MAPPING = """
format: json
columns: "id STRING, user STRING, name STRING, at BIGINT, received BIGINT, value STRING, platform STRING, hint STRING"
fields:
  event_id: id
  user_id: user
  event_name: name
  event_at: {column: at, unit: us}
  received_at: {column: received, unit: us}
  value: value
  platform: platform
  session_hint: hint
"""


def make_records(seed: int, users: int) -> list[Record]:
    """Make deliveries that hurt: exact timeouts, ties, midnights, copies, late ones, over the cap, hints."""
    rng = random.Random(seed)
    records = []
    for user in range(users):
        at = BASE + rng.randrange(3 * DAY)
        for n in range(rng.randrange(1, 14)):
            at += rng.choice([0, 1, 60 * SECOND, 1800 * SECOND, 1800 * SECOND + 1, 7200 * SECOND, 20 * 3600 * SECOND])
            record = Record(
                event_id=f"{user}-{n}",
                user=f"u{user}",
                name=rng.choice(["view", "cart", "purchase"]),
                event_at=at,
                received_at=at + rng.choice([0, 0, 5 * SECOND, 2 * DAY, 7 * DAY, 7 * DAY + 1]),
                value=rng.choice([None, 3, 10]),
                platform=rng.choice(["web", "ios"]),
                hint=rng.choice([None, None, None, "h1"]),
            )
            records.append(record)
            records += make_copies(rng, record)
    return records


def make_copies(rng: random.Random, record: Record) -> list[Record]:
    """Redeliver some events, unchanged or not, sooner or later, within the horizon or beyond."""
    copies = []
    for _ in range(rng.choice([0, 0, 0, 1, 1, 2])):
        changes = rng.choice([{}, {}, {"value": 99}, {"event_at": record.event_at + 90 * SECOND}, {"user": "u0"}])
        shift = rng.choice([0, 1, 3600 * SECOND, DAY, 29 * DAY])
        copies.append(Record(**{**record.__dict__, **changes, "received_at": record.received_at + shift}))
    return copies


def ingest(spark: SparkSession, folder: Path, batches: list[list[Record]], name: str) -> Lake:
    """Take in each batch by a run of its own, as a scheduler would; returns the lake."""
    sources = folder / "conf" / "sources"
    sources.mkdir(parents=True, exist_ok=True)
    (sources / "case.yaml").write_text(MAPPING)
    for file in ("base.yaml", "local.yaml"):
        (folder / "conf" / file).write_text("")
    context = None
    for number, batch in enumerate(batches):
        path = folder / name / f"{number:03d}.jsonl"
        path.parent.mkdir(exist_ok=True)
        path.write_text("".join(json.dumps(as_json(record)) + "\n" for record in batch))
        context = open_context(
            conf_dir=folder / "conf",
            lake=str(folder / f"lake-{name}"),
            overrides=[f"ingest.user_day_cap={LIMITS.cap}"],
            options={"source": "case", "input": [str(path)]},
            spark=spark,
        )
        context.lake.recover()
        ingest_events.run(context)
    assert context is not None
    return context.lake


def as_json(record: Record) -> dict:
    return {
        "id": record.event_id,
        "user": record.user,
        "name": record.name,
        "at": record.event_at,
        "received": record.received_at,
        "value": None if record.value is None else str(record.value),
        "platform": record.platform,
        "hint": record.hint,
    }


def read(lake: Lake) -> dict:
    """Read the tables in the oracle's form."""

    def rows(table, *columns) -> list[tuple]:
        return [tuple(row) for row in lake.read(table).select(*columns).collect()]

    micros = F.unix_micros
    ledger = lake.read(INGEST_LEDGER).where(F.col("stage").isin("accepted", "duplicate", "quarantined"))
    counts = ledger.groupBy(F.coalesce("reason", "stage").alias("what")).agg(F.sum("records").alias("n")).collect()
    return {
        "events": rows(EVENTS, "event_id", micros("received_at"), micros("event_at"), "session_id"),
        "quarantine": rows(QUARANTINE, "event_id", micros("received_at"), "reason"),
        "duplicates": rows(DUPLICATES, "event_id", micros("received_at")),
        "sessions": rows(
            SESSIONS,
            "session_id",
            "user_id",
            micros("started_at"),
            micros("ended_at"),
            "events",
            "entry_state",
            "exit_state",
            "platform",
        ),
        "transitions": rows(
            TRANSITIONS,
            F.col("session_date").cast("string"),
            "platform",
            "from_state",
            "to_state",
            "transitions",
            "users",
        ),
        "user_days": rows(
            USER_DAYS,
            "user_id",
            F.col("event_date").cast("string"),
            "events",
            "sessions",
            "purchases",
            F.col("value").cast("int"),
            "gap_s_sum",
        ),
        "ledger": Counter({row["what"]: row["n"] for row in counts if row["n"]}),
    }


def check(lake: Lake, records: list[Record]) -> None:
    expected, found = tables(records, LIMITS), read(lake)
    for name, rows in expected.items():
        assert Counter(found[name]) == Counter(rows), f"{name} differs from the oracle"


@pytest.mark.spark
def test_any_order_batching_and_repetition_give_the_oracles_tables(spark: SparkSession, tmp_path: Path) -> None:
    records = make_records(1, users=60)
    rng = random.Random(1)
    shuffled = rng.sample(records, len(records))
    again = rng.sample(records, 40)
    cut = rng.randrange(len(records) // 3, 2 * len(records) // 3)
    batches = [shuffled[:cut], [*shuffled[cut:], *again[:20]], again[20:]]
    check(ingest(spark, tmp_path, batches, "split"), [*records, *again])
