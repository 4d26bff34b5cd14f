"""What an append added is read back from its own files, and from no others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from segmentation.frames import empty_frame
from segmentation.lake.lake import Lake
from segmentation.tables import INPUT_UNITS
from tests.spark.stored import stored_units

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import SparkSession

pytestmark = pytest.mark.spark


def test_read_added__nothing_after_rows_were_deleted(spark: SparkSession, tmp_path: Path) -> None:
    """Delta commits nothing for no rows, so the newest commit may be an earlier one, which deleted rows."""
    lake = Lake(spark, str(tmp_path), "run")
    lake.append(INPUT_UNITS, stored_units(spark, "a", "b"))
    assert {row["unit_id"] for row in lake.read_added(INPUT_UNITS).collect()} == {"a", "b"}
    lake.publish({})
    lake.delete(INPUT_UNITS, spark.createDataFrame([("a",)], "unit_id string"), ["unit_id"])
    lake.append(INPUT_UNITS, empty_frame(spark, INPUT_UNITS.schema))
    assert lake.read_added(INPUT_UNITS).collect() == []
