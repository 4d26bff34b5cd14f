"""After an erasure, the tables are those of the records that are left, whatever was received before or after it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from jobs import erase_person, ingest_events
from segmentation.runtime.main import open_context
from tests.spark.ingest.cases import BASE, as_lines, choose_seed, differences, draw_cases, ingest
from tests.spark.ingest.oracle import DAY, Limits, Record, is_excluded, tables

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from types import ModuleType

    from pyspark.sql import SparkSession

    from segmentation.lake.lake import Lake

pytestmark = pytest.mark.spark

LIMITS = Limits(cap=6)
ANNA = "anna"
UNITS = ("unit_0_v1", "second", "third", "unit_0_v2")
"""Files; the last one supersedes the first."""


def draw_units(seed: int) -> dict[str, list[Record]]:
    """Draw records; Anna sends the events of a third of the cases, and the copies by another user of another third."""
    units: dict[str, list[Record]] = {name: [] for name in UNITS}
    for number, case in enumerate(draw_cases(60, seed)):
        role = {0: f"u{number}", 1: f"v{number}"}.get(number % 3)
        for record, batch, again in case:
            sent = replace(record, user=ANNA) if record.user == role else record
            units[UNITS[batch]].append(sent)
            if again is not None:
                units[UNITS[again]].append(sent)
    return units


def kept(records: Iterable[Record]) -> list[Record]:
    """Return the records that are left after an erasure; excluded ones have no row that Anna could be found in."""
    return [record for record in records if record.user != ANNA or is_excluded(record)]


def run(spark: SparkSession, folder: Path, job: ModuleType, **options: object) -> Lake:
    context = open_context(
        conf_dir=folder / "conf",
        lake=str(folder / "lake"),
        overrides=[f"ingest.max_events_per_user_day={LIMITS.cap}"],
        options=options,
        spark=spark,
    )
    context.lake.recover()
    job.run(context)
    return context.lake


def take_in(spark: SparkSession, folder: Path, units: dict[str, list[Record]], *names: str) -> Lake:
    return ingest(spark, folder, [units[name] for name in names], LIMITS, names)


def test_tables_after_an_erasure__ingested_before_and_after_it(spark: SparkSession, tmp_path: Path) -> None:
    units = draw_units(choose_seed())
    first, second, third, newer = UNITS
    take_in(spark, tmp_path, units, first, second)
    lake = run(spark, tmp_path, erase_person, person=ANNA)
    assert differences(lake, tables(kept(units[first] + units[second]), LIMITS)) == {}

    lake = take_in(spark, tmp_path, units, third)
    assert differences(lake, tables(kept(units[first] + units[second]) + units[third], LIMITS)) == {}

    lake = take_in(spark, tmp_path, units, newer)
    left = kept(units[second]) + units[third] + units[newer]
    assert differences(lake, tables(left, LIMITS)) == {}


def test_tables_after_an_erasure__another_order_and_rebuilt(spark: SparkSession, tmp_path: Path) -> None:
    units = draw_units(choose_seed())
    _, second, third, newer = UNITS
    take_in(spark, tmp_path, units, third)
    run(spark, tmp_path, erase_person, person=ANNA)
    take_in(spark, tmp_path, units, newer, second)
    lake = run(spark, tmp_path, erase_person, person=ANNA)
    left = kept(units[second] + units[third] + units[newer])
    assert differences(lake, tables(left, LIMITS)) == {}

    for name in (second, third, newer):
        (tmp_path / "input" / f"{name}.jsonl").write_text(as_lines(kept(units[name])))
    lake = run(spark, tmp_path, ingest_events, source="case", rebuild=True)
    assert differences(lake, tables(left, LIMITS)) == {}


def test_tables_after_an_erasure__no_event_is_erased(spark: SparkSession, tmp_path: Path) -> None:
    """The erased survivor came too late, so no session changes but that of the event that takes its place."""
    late = Record("1", ANNA, "view", BASE, BASE + 10 * DAY, 3, "web")
    conflict = replace(late, user="ben", event_at=BASE + 11 * DAY, received_at=BASE + 11 * DAY)
    units = {"only": [late, conflict, Record("2", "cay", "view", BASE, BASE, 3, "web")]}
    take_in(spark, tmp_path, units, "only")
    lake = run(spark, tmp_path, erase_person, person=ANNA)
    assert differences(lake, tables(kept(units["only"]), LIMITS)) == {}
