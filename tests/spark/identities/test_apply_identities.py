"""Stored events go to their persons, and back: the tables are those of a build that knew the persons from the start."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest

from jobs import apply_identities, ingest_events
from segmentation.runtime.main import open_context
from segmentation.tables import EVENTS
from tests.spark.identities.oracle import LOOKBACK_DAYS, MOST_PERSONS, PLACES, Visit, persons_of
from tests.spark.ingest.cases import differences
from tests.spark.ingest.oracle import SECOND, Limits, Record, tables

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from pyspark.sql import SparkSession

    from segmentation.runtime.context import Context, RunReport

MAPPING = """
format: json
columns: "id STRING, user STRING, name STRING, at BIGINT, received BIGINT, login STRING, email STRING"
fields:
  event_id: id
  user_id: user
  event_name: name
  event_at: {column: at, unit: us}
  received_at: {column: received, unit: us}
properties: [login, email]
ties: event_id
"""
LIMITS = Limits()
TEN_MINUTES = 1 / 72
"""In half days: three of them are exactly the timeout."""
DERIVED = ("events", "sessions", "transitions", "user_days", "item_counts")


@dataclass(frozen=True)
class Sent:
    """A visit of a case on its way: `shift` seconds after it is when it was received, in `batch`."""

    visit: Visit
    case: int
    number: int
    shift: int
    batch: int

    def record(self, user: str) -> Record:
        at = round(self.visit.time.timestamp()) * SECOND
        name = ("view", "cart", "purchase")[self.number % 3]
        return Record(f"{self.case}-{self.number}", user, name, at, at + self.shift * SECOND, None, "unknown")

    @property
    def identifier(self) -> str:
        return f"{self.case}-{self.visit.device}"

    def line(self) -> str:
        record = self.record(self.identifier)
        names = {n: v and f"{self.case}-{v}" for n, v in (("login", self.visit.login), ("email", self.visit.email))}
        given = {"id": record.event_id, "user": record.user, "name": record.name}
        return json.dumps({**given, "at": record.event_at, "received": record.received_at, **names}) + "\n"


def draw(cases: int, seed: int) -> list[Sent]:
    """Draw visits of two days around each other, in two batches; some come once more, and were received earlier."""
    pick, sent = random.Random(seed), []
    for case in range(cases):
        for number in range(pick.randint(2, 9)):
            login = pick.choice([None, None, None, "a", "a", "b", "c"])
            email = pick.choice([None, None, None, None, "x", "y"])
            at = pick.randint(0, 5) + pick.randint(0, 6) * TEN_MINUTES
            first = Sent(Visit(at, pick.choice("ppq"), login, email), case, number, 60, pick.randint(0, 1))
            sent.append(first)
            if pick.random() < 0.2:
                sent.append(replace(first, shift=30, batch=1))
    return sent


def expected(sent: list[Sent], apart: Collection[tuple[str, str]] | None) -> dict:
    """Make the tables of an input that names persons from the start; None: what the source calls users."""
    records = []
    for case in {one.case for one in sent}:
        own = [one for one in sent if one.case == case]
        found = persons_of([one.visit for one in own], case, apart) if apart is not None else None
        records += [one.record(found[n] if found else one.identifier) for n, one in enumerate(own)]
    made = tables(records, LIMITS)
    return {name: made[name] for name in DERIVED}


def open_run(spark: SparkSession, folder: Path, **options) -> Context:
    return open_context(conf_dir=folder / "conf", lake=str(folder / "lake"), options=options, spark=spark)


def take_in(spark: SparkSession, folder: Path, sent: list[Sent], batch: int) -> None:
    path = folder / f"{batch}.jsonl"
    path.write_text("".join(one.line() for one in sent if one.batch == batch))
    ingest_events.run(open_run(spark, folder, source="case", input=[str(path)]))


def apply(spark: SparkSession, folder: Path, apart: Collection[tuple[str, str]] | None) -> RunReport:
    declared = {
        "persons": ["login", "email"],
        "sources": {"case": PLACES},
        "lookback_days": LOOKBACK_DAYS,
        "max_persons_per_device": MOST_PERSONS,
        "apart": [list(pair) for pair in apart or ()],
    }
    (folder / "conf" / "identities.yaml").write_text(json.dumps(declared) if apart is not None else "")
    return apply_identities.run(open_run(spark, folder))


def prepare(folder: Path) -> None:
    (folder / "conf" / "sources").mkdir(parents=True)
    (folder / "conf" / "sources" / "case.yaml").write_text(MAPPING)
    for file in ("base.yaml", "local.yaml"):
        (folder / "conf" / file).write_text("")


@pytest.mark.spark
@pytest.mark.faults  # two ingests and five restatements: a minute and more
def test_persons_merge_and_part_as_if_they_had_always_been_so(spark: SparkSession, tmp_path: Path) -> None:
    prepare(tmp_path)
    sent = draw(40, seed=7)
    apart = [(f"login:{case}-a", f"email:{case}-x") for case in range(40)]
    take_in(spark, tmp_path, sent, 0)
    apply(spark, tmp_path, [])
    take_in(spark, tmp_path, sent, 1)  # joins persons, and withdraws stored events: earlier copies of theirs
    found = []
    for declared in (apart, [], None):
        report = apply(spark, tmp_path, declared)
        lake = open_run(spark, tmp_path).lake
        assert report.quality["events_moved"] > 0
        assert differences(lake, expected(sent, declared)) == {}
        found.append(lake.read(EVENTS).select("event_id", "user_id", "identifier").collect())
    assert sorted(found[0]) != sorted(found[1])
    assert all(row["user_id"] == row["identifier"] for row in found[2])
    assert apply(spark, tmp_path, None).quality == {"events_moved": 0, "persons_touched": 0}
