"""Persons are updated by the events that changed: equal to a comparison of all events, without reading the others."""

from __future__ import annotations

import json
import random
import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from jobs import apply_identities, build_identities, erase_person, ingest_events, maintain_tables
from segmentation.identities.evidence import OUTDATED
from segmentation.lake.lake import Lake
from segmentation.runtime.main import open_context
from segmentation.tables import EVENTS, IDENTITIES, IDENTITY_EVIDENCE, SESSIONS, TRANSITIONS, USER_DAYS
from tests.digest import digest
from tests.spark.identities.oracle import LOOKBACK_DAYS, MOST_PERSONS, PLACES
from tests.spark.identities.test_apply_identities import MAPPING, Sent, draw

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from pyspark.sql import SparkSession

    from segmentation.runtime.context import Context, RunReport

pytestmark = pytest.mark.spark

COMPARED = (EVENTS, SESSIONS, USER_DAYS, TRANSITIONS, IDENTITIES)
SUPERSEDE = "supersede: {key: 'part(\\d+)_', version: '_v(\\d+)'}\n"
LARGE_LAKE = ("ingest.small_lake_mb=0", "ingest.max_events_per_user_day=6")
ALL, FEW, SAME = "compared all events", "compared the events that", "no event changed since the last run"


@dataclass
class Case:
    """A lake that is changed step by step, its configuration, and the records that its files hold."""

    spark: SparkSession
    folder: Path
    apart: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        (self.folder / "conf" / "sources").mkdir(parents=True)
        (self.folder / "conf" / "sources" / "case.yaml").write_text(MAPPING + SUPERSEDE)
        for file in ("base.yaml", "local.yaml"):
            (self.folder / "conf" / file).write_text("")
        self.declare()

    def declare(self) -> None:
        declared = {
            "persons": ["login", "email"],
            "sources": {"case": PLACES},
            "lookback_days": LOOKBACK_DAYS,
            "max_persons_per_device": MOST_PERSONS,
            "apart": [list(pair) for pair in self.apart],
        }
        (self.folder / "conf" / "identities.yaml").write_text(json.dumps(declared))

    def context(self, lake: str = "lake", **options: Any) -> Context:
        opened = open_context(
            conf_dir=self.folder / "conf",
            lake=str(self.folder / lake),
            overrides=LARGE_LAKE,
            options=options,
            spark=self.spark,
        )
        opened.lake.recover()
        return opened

    def send(self, name: str, sent: Iterable[Sent]) -> None:
        path = self.folder / f"{name}.jsonl"
        path.write_text("".join(one.line() for one in sent))
        ingest_events.run(self.context(source="case", input=[str(path)]))

    def apply(self) -> RunReport:
        return apply_identities.run(self.context())

    def check(self) -> RunReport:
        """Apply persons by what changed, and compare with a copy of the lake in which all events are compared."""
        shutil.rmtree(self.folder / "copy", ignore_errors=True)
        shutil.copytree(self.folder / "lake", self.folder / "copy")
        report = self.apply()
        assert report.notes[0].startswith(FEW)
        copy = Lake(self.spark, str(self.folder / "copy"), "outdated")
        copy.replace(IDENTITY_EVIDENCE, copy.read(IDENTITY_EVIDENCE))
        copy.publish(OUTDATED)
        full = apply_identities.run(self.context("copy"))
        assert full.notes == [ALL]
        assert full.quality == report.quality
        assert digest(self.spark, self.folder / "lake", COMPARED) == digest(self.spark, self.folder / "copy", COMPARED)
        return report


def parts(sent: list[Sent], number: int, seed: int) -> list[list[Sent]]:
    """Divide records among batches at random, a third of them in the first."""
    pick = random.Random(seed)
    found: list[list[Sent]] = [[] for _ in range(number)]
    for one in sent:
        found[max(0, pick.randint(-number // 2, number - 1))].append(one)
    return found


@pytest.mark.endurance
def test_apply_identities__batches_supersession_and_copies(spark: SparkSession, tmp_path: Path) -> None:
    case = Case(spark, tmp_path)
    first, second, third, fourth = parts(draw(30, seed=3), 4, seed=5)
    case.send("part1_v1", first)
    assert case.apply().notes == [ALL]
    case.send("part2_v1", second)
    assert case.check().quality["events_moved"] > 0
    case.send("part3_v1", third)
    case.send("part4_v1", fourth[::2])
    case.send("part2_v2", random.Random(1).sample(second, len(second) // 2) + fourth[1::2])  # some leave, others come
    case.check()
    case.send("part3_v2", third[:1])
    maintain_tables.run(case.context())  # moves rows to other files
    case.check()


@pytest.mark.faults
def test_apply_identities__pairs_apart(spark: SparkSession, tmp_path: Path) -> None:
    case = Case(spark, tmp_path, [(f"login:{case}-a", f"email:{case}-x") for case in range(30)])
    first, second = parts(draw(30, seed=6), 2, seed=7)
    case.send("part1_v1", first)
    assert case.apply().notes == [ALL]
    case.send("part2_v1", second)
    assert case.check().quality["events_moved"] > 0


@pytest.mark.faults
def test_apply_identities__nothing_changed(spark: SparkSession, tmp_path: Path) -> None:
    case = Case(spark, tmp_path)
    case.send("part1_v1", draw(10, seed=3))
    case.apply()
    for file in (tmp_path / "lake" / "events").glob("*.parquet"):
        file.write_bytes(b"whoever reads this fails")
    report = case.apply()
    assert (report.notes, report.quality) == ([SAME], {"events_moved": 0, "persons_touched": 0})


@pytest.mark.endurance
def test_apply_identities__the_log_does_not_tell(spark: SparkSession, tmp_path: Path) -> None:
    case = Case(spark, tmp_path)
    sent = draw(12, seed=4)
    case.send("part1_v1", sent[::2])
    assert case.apply().notes == [ALL]
    case.apart = [("login:0-a", "email:0-x")]
    case.declare()
    assert case.apply().notes == [ALL]
    case.send("part2_v1", sent[1::2])
    maintain_tables.run(case.context(purge=True))  # marks of deleted rows are gone
    assert case.apply().notes == [ALL]
    build_identities.run(case.context())  # writes other rows than the events are stored under
    assert case.apply().notes == [ALL]
    ingest_events.run(case.context(source="case", rebuild=True))
    report = case.apply()
    assert report.notes == [ALL]
    assert report.quality["events_moved"] > 0  # a rebuild stores what the source sent
    person = min(row["user_id"] for row in case.context().lake.read(EVENTS).select("user_id").collect())
    erase_person.run(case.context(person=person))
    evidence = case.context().lake.read(IDENTITY_EVIDENCE)
    assert evidence.where(evidence.identifier.eqNullSafe(person) | evidence.beside.eqNullSafe(person)).isEmpty()
    assert case.apply().notes == [ALL]
