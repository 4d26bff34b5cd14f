"""Small frames on the driver against the same frames where they are."""

from __future__ import annotations

from datetime import date, datetime, timezone
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from segmentation.frames import empty_frame, hold_small

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = pytest.mark.spark

SCHEMA = (
    "day date, at timestamp, money decimal(28,4), share double, flag boolean, "
    "tables map<string,bigint>, scores array<struct<target: string, raw: double>>"
)
ROWS = [
    (date(2024, 3, 1), datetime(2024, 3, 1, 5, tzinfo=timezone.utc), Decimal("1.5000"), 0.1, True, {"a": 1}, []),
    (date(2024, 3, 2), None, None, float("inf"), False, {}, [("churn", None), ("purchase", 0.25)]),
    (None, None, None, None, None, None, None),
]


def test_hold_small__rows_and_schema_stay_as_they_are(spark: SparkSession) -> None:
    frame = spark.createDataFrame(ROWS, SCHEMA)
    held = hold_small(frame)
    assert held.schema == frame.schema
    assert held.collect() == frame.collect()
    assert held.where("share > 0").groupBy("flag").count().orderBy("flag").collect() == [(False, 1), (True, 1)]
    assert hold_small(empty_frame(spark, frame.schema)).collect() == []


def test_hold_small__a_frame_beyond_the_limit_stays_where_it_is(spark: SparkSession) -> None:
    frame = spark.range(5)
    assert hold_small(frame, most=4) is frame
    assert hold_small(frame, most=5) is not frame
