"""Numeric properties: read as exact numbers, and summed by window."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from pyspark.sql import functions as F

from segmentation.features.build import FeatureInputs, build_user_features
from segmentation.features.params import FeatureParams
from segmentation.sessions.property_days import sum_properties
from segmentation.sources.fields import is_quantity_given, read_quantity
from segmentation.tables import SESSIONS, USER_DAYS
from tests.spark.stored import ITEM_SCHEMA, stored_event, stored_events

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = pytest.mark.spark

AS_OF = date(2024, 5, 10)
PARAMS = FeatureParams(windows_days=(7,), numeric_properties=("Pages viewed", "weight"))
SENT = [
    # text, as integer, as decimal; a text that is given and neither is not numeric
    ("12", 12, "12.0000"),
    (" 12.0 ", 12, "12.0000"),
    ("12.5", None, "12.5000"),
    ("-3", -3, "-3.0000"),
    ("1e3", 1000, "1000.0000"),
    ("0.00005", None, "0.0001"),
    ("12.00000001", None, "12.0000"),
    ("99999999999999", 99_999_999_999_999, "99999999999999.0000"),
    ("100000000000000", None, None),
    ("1e-999999999", None, None),
    ("12,5", None, None),
    ("twelve", None, None),
    ("Infinity", None, None),
]


def test_texts_are_read_as_numbers_or_not_at_all(spark: SparkSession) -> None:
    texts = spark.createDataFrame([(n, text) for n, (text, *_) in enumerate(SENT)], "n int, text string")
    kinds = (read_quantity(F.col("text"), kind).alias(kind) for kind in ("integer", "decimal"))
    given = is_quantity_given(F.col("text")).alias("given")
    rows = texts.select("n", *kinds, given).orderBy("n").collect()
    read = [(row["integer"], None if row["decimal"] is None else str(row["decimal"])) for row in rows]
    assert read == [tuple(case[1:]) for case in SENT]
    assert all(row["given"] for row in rows)
    absent = spark.createDataFrame([(None,), ("",), (" ",), ("NaN",)], "text string")
    assert absent.where(is_quantity_given(F.col("text"))).isEmpty()


def event(user: str, ago: int, number: int, **properties: Any) -> dict[str, Any]:
    at = datetime(2024, 5, 10, 12, tzinfo=timezone.utc) - timedelta(days=ago)
    sent = json.dumps({name.replace("_", " "): value for name, value in properties.items()})
    return stored_event(user_id=user, event_name="view", event_at=at, event_id=f"{user}{ago}{number}",
                        sequence_no=number, properties=sent)  # fmt: skip


def test_features_of_properties_by_window(spark: SparkSession) -> None:
    events = [
        event("ana", 20, 1, Pages_viewed=5, weight=0.1),
        event("ana", 7, 2, Pages_viewed=3, weight="0.1"),
        event("ana", 7, 1, Pages_viewed=8, weight=0.1),  # the same instant, but before it in its source
        event("ana", 3, 1, weight="heavy"),
        event("ana", 0, 1, Pages_viewed=1000),  # the day of the cut
        event("bo", 2, 1),
    ]
    zero = [0] * len(USER_DAYS.measures)
    names = ", ".join(f"{name} long" for name in USER_DAYS.measures)
    days = spark.createDataFrame(
        [(user, date(2024, 5, 3), *zero) for user in ("ana", "bo")], f"user_id string, event_date date, {names}"
    )
    nothing = [spark.createDataFrame([], schema) for schema in (ITEM_SCHEMA, SESSIONS.schema)]
    sums = sum_properties(stored_events(spark, events), names=PARAMS.numeric_properties)
    inputs = FeatureInputs(days, *nothing, property_days=sums)
    users = {row["user_id"]: row for row in build_user_features({AS_OF: inputs}, params=PARAMS).collect()}

    def of(user: str, name: str) -> tuple[Any, ...]:
        return tuple(users[user][f"property_{name}"] for name in (f"{name}_7d", f"{name}_life"))

    assert of("ana", "pages_viewed_count") == (2, 3)
    assert of("ana", "pages_viewed_sum") == (11, 16)
    assert of("ana", "pages_viewed_mean") == (5.5, 16 / 3)
    assert of("ana", "pages_viewed_last") == (3, 3)
    assert of("ana", "weight_count") == (2, 3)
    assert of("ana", "weight_sum") == (Decimal("0.2"), Decimal("0.3"))
    assert of("bo", "weight_count") == of("bo", "weight_sum") == (0, 0)
    assert of("bo", "weight_mean") == of("bo", "weight_last") == (None, None)
