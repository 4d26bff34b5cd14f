"""Our events beside an outside count."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

import pytest

from segmentation.errors import ConfigurationError
from segmentation.quality.outside_counts import compare_counts, compared_cells, read_outside_counts
from segmentation.review.frames.health import list_compared_days
from segmentation.review.sections.counts import describe_agreement

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = pytest.mark.spark


def test_differences_are_found_in_both_directions_and_settle(spark: SparkSession) -> None:
    at = [datetime(2024, 3, 1, 23, 30), datetime(2024, 3, 2, 10, 0), datetime(2024, 3, 2, 11, 0), datetime(2024, 3, 9)]  # noqa: DTZ001
    rows = [(time, local, "web", "view") for time, local in zip(at, (2, 2, 2, 9), strict=True)]
    events = spark.createDataFrame(rows, "event_at timestamp, day int, platform string, event_name string")
    events = events.selectExpr("*", "make_date(2024, 3, day) AS event_date")
    theirs = [("2024-03-02", "web", "2"), ("2024-03-02", "ios", "4"), ("2024-03-08", "web", "1")]
    outside = read_outside_counts(
        spark.createDataFrame(theirs, "event_date string, platform string, events string"), "counts.csv"
    )
    cells = compare_counts(events, outside, time_zone="Europe/Berlin", as_of=date(2024, 3, 10))
    found = {
        (str(row["event_date"]), row["platform"]): (row["events"], row["counted"], row["difference"], row["settling"])
        for row in cells.collect()
    }
    assert found == {
        ("2024-03-02", "web"): (3, 2, 1, False),
        ("2024-03-02", "ios"): (0, 4, -4, False),
        ("2024-03-08", "web"): (0, 1, -1, True),
    }
    first = cells.where("events = 3").select("first_at").first()
    assert first is not None
    assert first["first_at"] == datetime(2024, 3, 2, 0, 30)  # noqa: DTZ001  local to the zone


def test_comparison__is_stored_with_instants_and_summed_by_day(spark: SparkSession) -> None:
    rows = [
        (date(2024, 3, 2), "web", 3, 2, 1, datetime(2024, 3, 2, 0, 30), datetime(2024, 3, 2, 0, 30), False, True),  # noqa: DTZ001
        (date(2024, 3, 2), "ios", 0, 4, -4, None, datetime(2024, 3, 2, 9), False, False),  # noqa: DTZ001
        (date(2024, 3, 8), "web", 1, 1, 0, datetime(2024, 3, 8), None, True, False),  # noqa: DTZ001
    ]
    schema = (
        "event_date date, platform string, events bigint, counted bigint, difference bigint, first_at timestamp, "
        "counted_first_at timestamp, settling boolean, other_times boolean"
    )
    cells, as_of = spark.createDataFrame(rows, schema), date(2024, 3, 10)
    stored = compared_cells(cells, source="ga4", counts="counts.csv", as_of=as_of, time_zone="Europe/Berlin")
    found = {(row["event_date"].day, row["platform"]): row for row in stored.collect()}
    web = found[2, "web"]
    assert (web["source"], web["counts"], web["as_of"], web["hour"], web["last_at"]) == (
        *("ga4", "counts.csv", as_of),
        *(None, None),
    )
    assert web["first_at"] == datetime(2024, 3, 1, 23, 30)  # noqa: DTZ001  the instant of 00:30 in Berlin
    days = list_compared_days(stored, as_of)
    assert [(d["day"].day, d["cells"], d["equal"], d["difference"], d["other_times"]) for d in days] == [
        (2, 2, 0, -3, 1),
        (8, 1, 1, 0, 0),
    ]
    assert (
        describe_agreement("ga4", days) == "2 of 2 cells of the outside count of ga4 differ: 3 events here, 6 outside."
    )
    assert describe_agreement("ga4", days[1:]) == "All compared days of ga4 are still settling."


def test_a_column_that_is_not_known_is_named(spark: SparkSession) -> None:
    raw = spark.createDataFrame([("2024-03-02", "2")], "event_day string, events string")
    with pytest.raises(ConfigurationError, match=r"unknown column 'event_day' \(did you mean 'event_date'"):
        read_outside_counts(raw, "counts.csv")
