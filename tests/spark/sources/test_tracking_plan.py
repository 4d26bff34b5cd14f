"""The tracking plan: what is planned is counted, and quarantined where it is enforced."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pyspark.sql import functions as F

from segmentation.sources.tracking_plan import FIELDS, TrackingPlan, breaks_plan, plan_coverage

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

pytestmark = pytest.mark.spark
PURCHASE = {"value": {"type": "number", "required": True}, "order": {"required": True}, "items": {"type": "integer"}}
PLAN = TrackingPlan.model_validate(
    {"events": {"purchase": {"goal": "revenue", "parameters": PURCHASE}, "login": {"goal": "retention"}}}
)
SENT = [
    ("purchase", "9.5", '{"order":"o1","items":2}', False),
    ("purchase", None, '{"order":"o2"}', True),  # no value
    ("purchase", "9.5", '{"items":"2"}', True),  # no order
    ("purchase", "9.5", '{"order":"o4","items":"two"}', True),  # of another type
    ("login", None, "{}", False),
    ("view", None, "{}", False),  # not planned: the plan says nothing of it
]


@pytest.fixture
def events(spark: SparkSession) -> DataFrame:
    sent = spark.createDataFrame(SENT, "event_name string, value string, properties string, broken boolean")
    others = (F.lit(None).cast("string").alias(name) for name in FIELDS if name != "value")
    return sent.select("*", *others)


def test_an_event_breaks_the_plan_by_lack_or_type(events: DataFrame) -> None:
    columns = {name: F.col(name) for name in ("event_name", "properties", *FIELDS)}
    wrong = events.where(breaks_plan(PLAN, columns) != F.col("broken"))
    assert wrong.collect() == []


def test_coverage_counts_events_and_parameters(events: DataFrame) -> None:
    rows = plan_coverage(PLAN, events).collect()
    found = {(row["event_name"], row["parameter"]): (row["events"], row["filled"], row["broken"]) for row in rows}
    assert found == {
        ("purchase", None): (4, 4, 3),
        ("purchase", "value"): (4, 3, 1),
        ("purchase", "order"): (4, 3, 1),
        ("purchase", "items"): (4, 3, 1),
        ("login", None): (1, 1, 0),
        ("view", None): (1, 1, 0),
    }
    assert {row["event_name"]: row["goal"] for row in rows if row["parameter"] is None} == {
        "purchase": "revenue",
        "login": "retention",
        "view": None,
    }


def test_a_plan_is_enforced_only_where_it_says_so() -> None:
    strict = PLAN.model_copy(update={"off_plan": "quarantine", "sources": ("ga4",)})
    assert (strict.enforced_on("ga4"), strict.enforced_on("crm"), PLAN.enforced_on("ga4")) == (True, False, False)
