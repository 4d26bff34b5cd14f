"""What a crashed run leaves behind does not stand in the way of the next."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from segmentation.errors import ConfigurationError, RetryableError
from segmentation.frames import empty_frame
from segmentation.lake.lake import Lake
from segmentation.tables import EVENTS, INPUT_UNITS
from tests.spark.lake.file_systems import files_of
from tests.spark.stored import stored_units

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import SparkSession

pytestmark = pytest.mark.spark


@pytest.fixture(autouse=True)
def _unsigned(spark: SparkSession) -> None:
    """Take back the run id with which another test's lake signs all commits of the session."""
    spark.conf.unset("spark.databricks.delta.commitInfo.userMetadata")


def test_a_first_run_that_died_with_its_tables_made_and_empty(spark: SparkSession, tmp_path: Path) -> None:
    Lake(spark, str(tmp_path), "dead").set_parameters(INPUT_UNITS, {"ingest": "a"})
    (tmp_path / "events" / "_delta_log").mkdir(parents=True)  # died between the folder and its first commit
    lake = Lake(spark, str(tmp_path), "next")
    lake.recover()
    lake.append(INPUT_UNITS, stored_units(spark, "b1"))
    lake.append(EVENTS, empty_frame(spark, EVENTS.schema))
    lake.publish({})
    assert lake.read(EVENTS).count() == 0
    assert Lake(spark, str(tmp_path), "reader").read(INPUT_UNITS).count() == 1


def test_recover__a_foreign_table_is_left_as_it_is_and_noted(spark: SparkSession, tmp_path: Path) -> None:
    for number in range(2):
        spark.range(number + 1).write.format("delta").mode("append").save(f"{tmp_path}/forecast")
    before = files_of(tmp_path / "forecast")
    lake = Lake(spark, str(tmp_path), "next")
    lake.recover()
    assert files_of(tmp_path / "forecast") == before
    assert lake.notes == [f"{tmp_path}/forecast is a Delta table that no run of this project created: left as it is"]


def test_recover__a_foreign_folder_without_a_commit_is_left_as_it_is(spark: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "forecast" / "_delta_log" / "_staged_commits").mkdir(parents=True)
    (tmp_path / "forecast" / "_delta_log" / "_staged_commits" / "0.json").write_text("{}")
    before = files_of(tmp_path)
    Lake(spark, str(tmp_path), "next").recover()
    assert files_of(tmp_path) == before


@pytest.mark.parametrize("name", ["events", "publications"])
def test_recover__a_foreign_table_with_the_name_of_ours(spark: SparkSession, tmp_path: Path, name: str) -> None:
    for number in range(2):
        spark.range(number + 1).write.format("delta").mode("append").save(f"{tmp_path}/{name}")
    before = files_of(tmp_path)
    with pytest.raises(ConfigurationError, match=f"{name} is a Delta table that no run of this project created"):
        Lake(spark, str(tmp_path), "next").recover()
    assert files_of(tmp_path) == before


def test_recover__an_unpublished_table_of_an_earlier_version_is_ours(spark: SparkSession, tmp_path: Path) -> None:
    run_id, name = "0123456789abcdef" * 2, f"{tmp_path}/input_units"
    for _ in range(2):
        frame = empty_frame(spark, INPUT_UNITS.schema)
        frame.write.format("delta").option("userMetadata", run_id).mode("append").save(name)
    lake = Lake(spark, str(tmp_path), "next")
    lake.recover()
    assert lake.notes == []
    lake.append(INPUT_UNITS, empty_frame(spark, INPUT_UNITS.schema))
    lake.publish({})


def test_recover__a_log_that_cannot_be_listed_is_an_error(spark: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "events").mkdir()
    (tmp_path / "events" / "_delta_log").symlink_to("_delta_log")
    with pytest.raises(RetryableError, match="events/_delta_log: the file system failed"):
        Lake(spark, str(tmp_path), "next").recover()


def test_recover__commits_that_were_published_are_gone(spark: SparkSession, tmp_path: Path) -> None:
    lake = Lake(spark, str(tmp_path), "first")
    lake.append(INPUT_UNITS, empty_frame(spark, INPUT_UNITS.schema))
    lake.publish({})
    for commit in (tmp_path / "input_units" / "_delta_log").glob("*.json"):
        commit.unlink()
    before = files_of(tmp_path / "input_units")
    with pytest.raises(ConfigurationError, match="its log is incomplete"):
        Lake(spark, str(tmp_path), "next").recover()
    assert files_of(tmp_path / "input_units") == before
