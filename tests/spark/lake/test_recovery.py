"""What a crashed run leaves behind does not stand in the way of the next."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING

import pytest

from segmentation.frames import empty_frame
from segmentation.lake.lake import Lake
from segmentation.tables import EVENTS, INPUT_UNITS

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import SparkSession

pytestmark = pytest.mark.spark


def test_a_first_run_that_died_with_its_tables_made_and_empty(spark: SparkSession, tmp_path: Path) -> None:
    Lake(spark, str(tmp_path), "dead").set_parameters(INPUT_UNITS, {"ingest": "a"})
    (tmp_path / "events" / "_delta_log").mkdir(parents=True)  # died between the folder and its first commit
    lake = Lake(spark, str(tmp_path), "next")
    lake.recover()
    at = datetime(2024, 5, 1, tzinfo=timezone.utc)
    row = ("b1", "shop", "clicks.csv", "csv", 1, at, "next", None)
    lake.append(INPUT_UNITS, spark.createDataFrame([row], INPUT_UNITS.schema))
    lake.append(EVENTS, empty_frame(spark, EVENTS.schema))
    lake.publish({})
    assert lake.read(EVENTS).count() == 0
    assert Lake(spark, str(tmp_path), "reader").read(INPUT_UNITS).count() == 1
