"""The law: any order, any batching, any repetition, any newer export of records give the tables of the oracle."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from pyspark.sql import functions as F

from segmentation.tables import EVENTS, INGEST_LEDGER, INPUT_UNITS, QUARANTINE
from segmentation.tables.ingest_ledger import PARSED, READ
from tests.spark.ingest.cases import ALWAYS_SHIPPED, BASE, WAYS, Way, choose_seed, differences, draw_cases, ingest
from tests.spark.ingest.oracle import DAY, FIRST, LAST, LINES, Limits, Record, tables

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from pyspark.sql import SparkSession

    from segmentation.lake.lake import Lake

LIMITS = Limits(cap=6)
HOUR = 3600 * 1_000_000
RULES = (FIRST, LAST, LINES)
EXPORT, SECOND, THIRD, NEWER, OUTDATED = "unit_0_v1", "second", "third", "unit_0_v2", "unit_0_v0"
"""Files; three of them are exports of the same, of which the newest alone counts, whenever it comes."""


def draw_units(seed: int) -> dict[str, list[Record]]:
    names = (EXPORT, SECOND, THIRD, NEWER)
    units: dict[str, list[Record]] = {name: [] for name in names}
    for case in draw_cases(60, seed):
        for record, batch, again in case:
            units[names[batch]].append(record)
            if again is not None:
                units[names[again]].append(record)
    return units


def take_in(
    spark: SparkSession,
    folder: Path,
    units: dict[str, list[Record]],
    names: list[str],
    ways: Iterable[Way] = ALWAYS_SHIPPED,
    limits: Limits = LIMITS,
) -> Lake:
    return ingest(spark, folder, [units[name] for name in names], limits, names, ways)


def draw_ways(seed: int) -> Iterator[Way]:
    """Draw how each batch is ingested: each way once in the first four."""
    rng = random.Random(seed)
    while True:
        yield from rng.sample(WAYS, len(WAYS))


@pytest.mark.spark
def test_any_order_batching_and_repetition_give_the_oracles_tables(spark: SparkSession, tmp_path: Path) -> None:
    seed = choose_seed()
    units, ways, limits = draw_units(seed), draw_ways(seed), replace(LIMITS, rule=RULES[seed % len(RULES)])
    lake = take_in(spark, tmp_path, units, [EXPORT, SECOND, THIRD], ways, limits)
    assert differences(lake, tables(units[EXPORT] + units[SECOND] + units[THIRD], limits)) == {}

    lake = take_in(spark, tmp_path, units | {OUTDATED: units[EXPORT]}, [NEWER, OUTDATED], ways, limits)
    standing = units[SECOND] + units[THIRD] + units[NEWER]
    assert differences(lake, tables(standing, limits)) == {}
    stages = lake.read(INGEST_LEDGER).groupBy("stage").agg(F.sum("records").alias("n"))
    counts = {row["stage"]: row["n"] for row in stages.collect()}
    assert (counts[READ], counts[PARSED]) == (len(standing), len(standing))
    gone = lake.read(INPUT_UNITS).where(F.col("superseded_by").isNotNull()).select("path").collect()
    assert sorted(row["path"].rsplit("/", 1)[1] for row in gone) == [f"{OUTDATED}.jsonl", f"{EXPORT}.jsonl"]


@pytest.mark.spark
def test_any_order_of_the_same_files__ties_in_the_order_of_the_files(spark: SparkSession, tmp_path: Path) -> None:
    """An exact copy with a lesser position moves its event, whenever it comes and though it leaves again."""
    seed = choose_seed()
    drawn = draw_units(seed)
    units = {name: in_places(name, list(map(on_whole_hours, records))) for name, records in drawn.items()}
    limits, ways = replace(LIMITS, rule=RULES[seed % len(RULES)], ties="position"), draw_ways(seed)
    first = random.Random(seed).sample((EXPORT, SECOND, THIRD), 3)
    lake = take_in(spark, tmp_path, units, first, ways, limits)
    assert differences(lake, tables(units[EXPORT] + units[SECOND] + units[THIRD], limits)) == {}

    lake = take_in(spark, tmp_path, units, [NEWER], ways, limits)
    assert differences(lake, tables(units[SECOND] + units[THIRD] + units[NEWER], limits)) == {}


def in_places(name: str, records: list[Record]) -> list[Record]:
    return [replace(record, position=f"{name}.jsonl {number:013d}") for number, record in enumerate(records)]


def on_whole_hours(record: Record) -> Record:
    """Return the record as a source of coarse times sends it: many events of a user have one instant."""
    beyond = record.event_at % HOUR
    return replace(record, event_at=record.event_at - beyond, received_at=record.received_at - beyond)


@pytest.mark.spark
def test_positions_of_a_run_longer_than_the_window(spark: SparkSession, tmp_path: Path) -> None:
    """The event was received before all records that the copies at the end of its run are compared with."""
    head = Record("1", "u", "view", BASE, BASE, 3, "web")
    tied = Record("2", "u", "cart", BASE, BASE, 3, "web")
    units = {
        "m": [tied, head],
        "n": [replace(head, received_at=BASE + 25 * DAY)],
        "a": [replace(head, received_at=BASE + 50 * DAY)],
    }
    placed = {name: in_places(name, records) for name, records in units.items()}
    limits = replace(LIMITS, ties="position")
    lake = take_in(spark, tmp_path, placed, list(placed), WAYS, limits)
    assert differences(lake, tables([record for records in placed.values() for record in records], limits)) == {}
    assert {row["event_id"]: row["position"] for row in lake.read(EVENTS).collect()}["1"].startswith("a.jsonl")


@pytest.mark.spark
def test_what_leaves_a_run_that_began_long_before_it_leaves_nothing_without_payload(
    spark: SparkSession, tmp_path: Path
) -> None:
    """The record after the gap stands for itself; if it was a conflict, duplicates of the old head conflict with it."""
    first_of = dict(zip((EXPORT, SECOND, THIRD, NEWER), (56, 0, 28, 56), strict=True))
    units = {
        unit: [Record(unit, "u", "view", BASE + n * DAY, BASE + n * DAY, 3, "web")] for unit, n in first_of.items()
    }
    for name, other in (("same", 3), ("other", 7)):
        head = Record(name, name, "view", BASE, BASE, 3, "web")
        far, leaving, alone, last = (replace(head, received_at=BASE + days * DAY) for days in (28, 56, 84, 85))
        units[SECOND].append(head)
        units[EXPORT].append(leaving)
        units[THIRD] += [far, replace(alone, value=other), last]
    lake = take_in(spark, tmp_path, units, list(units))
    assert differences(lake, tables(units[SECOND] + units[THIRD] + units[NEWER], LIMITS)) == {}
    assert lake.read(QUARANTINE).where(F.col("raw").isNull()).count() == 0
