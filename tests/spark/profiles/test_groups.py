"""Traits as groups: of journeys, of comparisons, and on the review's page."""

from __future__ import annotations

from datetime import date, datetime, timezone
from typing import TYPE_CHECKING

import pytest
from pydantic import ValidationError
from pyspark.sql import functions as F

from segmentation.review.frames.traits import OTHERS, count_trait_values
from segmentation.sequences.analyses import DeclaredAnalyses, needs_traits
from segmentation.sequences.comparisons import GroupComparison, build_differences
from segmentation.sequences.funnels import Funnel
from segmentation.sequences.groups import list_memberships, split_groups
from segmentation.sequences.params import SequenceParams
from segmentation.sequences.states import StateMapping
from segmentation.tables import COHORTS, PROFILES, SEGMENT_ASSIGNMENTS
from tests.spark.sequences.walks import steps_of

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

pytestmark = pytest.mark.spark

WALKS = {"u/s1": "a b", "u/s2": "a c", "v/s3": "a b", "w/s4": "a a"}
VALUES = [("u", "plan", "pro"), ("v", "plan", "free"), ("v", "country", "DE")]


@pytest.fixture(scope="module")
def memberships(spark: SparkSession) -> DataFrame:
    none = (spark.createDataFrame([], table.schema) for table in (SEGMENT_ASSIGNMENTS, COHORTS))
    return list_memberships(*none, spark.createDataFrame(VALUES, "user_id string, trait string, value string"))


def test_split_groups__by_the_values_of_a_trait(spark: SparkSession, memberships: DataFrame) -> None:
    steps = steps_of(spark, WALKS)
    dimensions = ["trait:plan"]
    grouped = split_groups(steps, dimensions=dimensions, at=F.col("session_date"), memberships=memberships)
    found = {(r["dimension"], r["item"]): r["count"] for r in grouped.groupBy("dimension", "item").count().collect()}
    assert found == {("all", "all"): 8, ("trait:plan", "pro"): 4, ("trait:plan", "free"): 2}


def test_build_differences__of_two_plans(spark: SparkSession, memberships: DataFrame) -> None:
    one = GroupComparison.model_validate(
        {"name": "plans", "a": {"traits": {"plan": "pro"}}, "b": {"traits": {"plan": ["free", "team"]}}, "at_least": 1}
    )
    rows = build_differences(
        steps_of(spark, WALKS), comparison=one, as_of=date(2024, 7, 1), version="v", memberships=memberships
    ).collect()
    found = {(r["from_state"], r["to_state"]): (r["transitions_a"], r["transitions_b"]) for r in rows}
    assert found["START", "a"] == (2, 1)
    assert (found["a", "b"], found["a", "c"]) == ((1, 1), (1, 0))


def test_traits_are_read_if_a_group_asks_for_them() -> None:
    nothing = DeclaredAnalyses(StateMapping(), (), ())
    by = Funnel.model_validate({"name": "buy", "steps": ["a", "b"], "by": ["trait:plan"]})
    side = GroupComparison.model_validate({"name": "plans", "a": {}, "within": {"traits": {"plan": "pro"}}})
    assert not needs_traits(nothing, SequenceParams())
    assert needs_traits(nothing, SequenceParams(groups=("platform", "trait:plan")))
    assert needs_traits(nothing._replace(funnels=[by]), SequenceParams())
    assert needs_traits(nothing._replace(comparisons=[side]), SequenceParams())
    with pytest.raises(ValidationError):
        SequenceParams(groups=("plan",))


def on(day: int) -> datetime:
    return datetime(2024, 3, day, tzinfo=timezone.utc)


def test_count_trait_values__at_a_cut_the_most_frequent_by_name(spark: SparkSession) -> None:
    periods = [("a", 1, "free", 3), ("a", 3, "pro", None), ("b", 1, "pro", None), ("c", 2, "team", None),
               ("d", 2, "basic", None), ("e", 1, "pro", 2)]  # fmt: skip
    rows = [(user, "plan", on(since), value, "crm", until and on(until)) for user, since, value, until in periods]
    profiles = spark.createDataFrame(rows, PROFILES.schema)

    def shown(as_of: date | None, limit: int) -> list[tuple[str, int, int]]:
        return [(row["value"], row["users"], row["known"]) for row in count_trait_values(profiles, as_of, limit)]

    assert shown(None, 2) == [("pro", 2, 4), ("basic", 1, 4), (OTHERS, 1, 4)]
    assert shown(date(2024, 3, 2), 9) == [("pro", 2, 3), ("free", 1, 3)]
