"""Upkeep moves files and nothing else: rows, what is current, and what was trained on them stay."""

from __future__ import annotations

import shutil
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from jobs import maintain_tables
from segmentation.ingest.received import unit_rows
from segmentation.lake.lake import Lake
from segmentation.runtime.main import open_context
from segmentation.sources.readers.units import InputUnit
from segmentation.tables import INPUT_UNITS, PUBLICATIONS, SESSIONS

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from segmentation.runtime.context import Context

AT = datetime(2026, 1, 1, tzinfo=timezone.utc)
PIECES = 4


def open_lake(spark: SparkSession, folder: Path) -> Context:
    (folder / "conf").mkdir(exist_ok=True)
    for name in ("base", "local"):
        (folder / "conf" / f"{name}.yaml").write_text("")
    return open_context(conf_dir=folder / "conf", lake=str(folder / "lake"), spark=spark)


def take_in(lake: Lake, name: str) -> None:
    unit = InputUnit(name, f"file:/{name}.json", 1, AT, "json")
    lake.append(INPUT_UNITS, unit_rows(lake.spark, [unit], "web", lake.run_id))
    lake.publish(lake.basis(INPUT_UNITS, (SESSIONS,)))


def names(lake: Lake) -> list[str]:
    return sorted(row["unit_id"] for row in lake.read(INPUT_UNITS).collect())


@pytest.mark.spark
def test_files_are_put_together_and_nothing_else_changes(spark: SparkSession, tmp_path: Path) -> None:
    lake = open_lake(spark, tmp_path).lake
    expected = [f"u{n}" for n in range(PIECES)]
    for name in expected:
        take_in(lake, name)
    before = lake.content_version(INPUT_UNITS)

    report = maintain_tables.run(open_lake(spark, tmp_path))
    kept = open_lake(spark, tmp_path).lake
    assert report.quality == {"files_fewer": {"input_units": PIECES - 1}, "landed_dropped": 0}
    assert len(kept.read(INPUT_UNITS).inputFiles()) == 1
    assert names(kept) == expected
    assert kept.content_version(INPUT_UNITS) == before
    assert kept.reflects(INPUT_UNITS, (SESSIONS,))  # so nothing is built or trained anew

    again = maintain_tables.run(open_lake(spark, tmp_path))
    assert again.quality == {"files_fewer": {"input_units": 0}, "landed_dropped": 0}
    assert open_lake(spark, tmp_path).lake.version(INPUT_UNITS) == kept.version(INPUT_UNITS)


@pytest.mark.spark
def test_a_run_that_dies_before_it_publishes_is_undone(spark: SparkSession, tmp_path: Path) -> None:
    lake = open_lake(spark, tmp_path).lake
    take_in(lake, "a")
    take_in(lake, "b")
    open_lake(spark, tmp_path).lake.compact(INPUT_UNITS)
    rerun = open_lake(spark, tmp_path).lake
    rerun.recover()
    take_in(rerun, "c")
    after = open_lake(spark, tmp_path).lake
    assert names(after) == ["a", "b", "c"]
    assert len(list(Path(after.path(INPUT_UNITS)).glob("*.parquet"))) >= PIECES  # the old files are kept for readers


@pytest.mark.spark
def test_a_lake_of_before_there_was_upkeep_goes_on(spark: SparkSession, tmp_path: Path) -> None:
    lake = open_lake(spark, tmp_path).lake
    take_in(lake, "a")
    log = lake.path(PUBLICATIONS)
    spark.read.format("delta").load(log).drop("contents").write.format("delta").save(f"{log}.old")
    shutil.rmtree(log)
    Path(f"{log}.old").rename(log)
    old = open_lake(spark, tmp_path).lake
    assert old.reflects(INPUT_UNITS, (SESSIONS,))
    take_in(old, "b")
    assert names(open_lake(spark, tmp_path).lake) == ["a", "b"]
