"""Types of devices of parsed records, as the source names them or by user agent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pyspark.sql import functions as F

from segmentation.sources import device_types
from segmentation.sources.device_types import (
    agent_to_look_up,
    common_device_type,
    device_types_of,
    fill_device_types,
)

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

pytestmark = pytest.mark.spark

IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_2 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148"
WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:109.0) Gecko/20100101 Firefox/118.0"
CASES = [
    # sent type, user agent, platform, type
    ("mobile", None, "web", "handset"),
    ("Smart TV", None, "web", "tv"),
    (" Computer ", IPHONE, "web", "desktop"),
    ("Game console", None, "web", "other"),
    ("(not set)", None, "web", None),
    ("unknown", IPHONE, "web", "handset"),
    ("ios", IPHONE, None, "handset"),
    (None, WINDOWS, "web", "desktop"),
    (None, "Shop/3", "app", "other"),
    (None, "  ", "web", None),
    (None, IPHONE, "pos", None),
    ("pos", None, "pos", None),
    ("server", WINDOWS, "server", None),
    (None, None, "phone", None),
]


def records(spark: SparkSession) -> DataFrame:
    rows = [(number, *case[:3]) for number, case in enumerate(CASES)]
    sent = spark.createDataFrame(rows, "row_key bigint, sent string, sent_agent string, platform string")
    typed = sent.withColumn("device_type", common_device_type(F.col("sent")))
    agent = agent_to_look_up(F.col("device_type"), F.col("sent_agent"), F.col("platform")).alias("agent")
    return typed.select("row_key", "device_type", agent)


@pytest.mark.parametrize("few", [200, 0], ids=["compared", "joined"])
def test_types_are_the_names_of_the_source_or_looked_up(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    monkeypatch.setattr(device_types, "FEW_AGENTS", few)
    parsed = records(spark)
    types = device_types_of(parsed)
    assert types == {IPHONE: "handset", WINDOWS: "desktop"}
    filled = fill_device_types(parsed, types)
    assert filled.columns == ["row_key", "device_type"]
    assert [row["device_type"] for row in filled.orderBy("row_key").collect()] == [case[3] for case in CASES]


def test_of_too_many_agents_the_most_frequent_are_looked_up(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device_types, "MOST_AGENTS", 1)
    parsed = records(spark)
    types = device_types_of(parsed)
    assert types == {IPHONE: "handset"}
    desktop = next(n for n, case in enumerate(CASES) if case[1] == WINDOWS and case[0] is None)
    [row] = fill_device_types(parsed, types).where(F.col("row_key") == desktop).collect()
    assert row["device_type"] == "other"


def test_records_of_sources_without_agents_stay_as_they_are(spark: SparkSession) -> None:
    parsed = records(spark).drop("agent")
    assert fill_device_types(parsed, device_types_of(parsed)) is parsed
