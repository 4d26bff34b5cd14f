"""Lifecycle and retention: the documented example, and random users against plain Python."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from segmentation.segments.lifecycle import build_lifecycle, build_retention, find_active_periods
from segmentation.segments.params import LifecycleParams
from segmentation.tables import USER_DAYS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pyspark.sql import DataFrame, SparkSession

pytestmark = pytest.mark.spark

AS_OF = date(2024, 3, 14)  # a Thursday: its week and its month are not over
PARAMS = LifecycleParams(retention_days=5, retention_weeks=3, retention_months=2)
KINDS = ("new", "returning", "resurrecting", "dormant")


def frame_of(spark: SparkSession, days: Iterable[tuple[str, date]]) -> DataFrame:
    rows = [{"user_id": user, "event_date": day, "events": 1} for user, day in days]
    schema = USER_DAYS.schema
    for field in schema:
        field.nullable = True
    return spark.createDataFrame([tuple(row.get(name) for name in schema.names) for row in rows], schema)


def start_of(day: date, granularity: str) -> date:
    return {"day": day, "week": day - timedelta(days=day.weekday()), "month": day.replace(day=1)}[granularity]


def next_of(start: date, granularity: str) -> date:
    return start_of(start + timedelta(days={"day": 1, "week": 7, "month": 31}[granularity]), granularity)


def expected(days: list[tuple[str, date]], granularity: str) -> tuple[dict[date, Counter[str]], dict[Any, Any]]:
    """Walk through the periods one by one."""
    active: dict[date, set[str]] = defaultdict(set)
    for user, day in days:
        if day < AS_OF:
            active[start_of(day, granularity)].add(user)
    first: dict[str, date] = {}
    seen: dict[date, Counter[str]] = {}
    retention: dict[Any, Any] = {}
    before: set[str] = set()
    period = min(active)
    while period < AS_OF:
        now = active.get(period, set())
        counts = Counter[str]()
        for user in now:
            counts["new" if user not in first else "returning" if user in before else "resurrecting"] += 1
            first.setdefault(user, period)
        counts["dormant"] = len(before - now)
        if counts.total():
            seen[period] = counts
        before, period = now, next_of(period, granularity)
    most = {"day": 5, "week": 3, "month": 2}[granularity]
    for cohort in set(first.values()):
        members, later, n = {user for user, at in first.items() if at == cohort}, cohort, 0
        while later < AS_OF and n <= most:
            retention[cohort, n] = (len(members), len(members & active.get(later, set())))
            later, n = next_of(later, granularity), n + 1
    return seen, retention


def test_random_users_are_those_of_plain_python(spark: SparkSession) -> None:
    rng = random.Random(6)
    days = sorted(
        {
            (f"u{number}", date(2023, 11, 20) + timedelta(days=begin + step))
            for number in range(40)
            for begin in [rng.randrange(100)]
            for step in rng.sample(range(60), rng.randrange(1, 9))
        }
    )
    active = find_active_periods(frame_of(spark, days), as_of=AS_OF)
    lifecycle = build_lifecycle(active, as_of=AS_OF).collect()
    retention = build_retention(active, as_of=AS_OF, params=PARAMS).collect()
    for granularity in ("day", "week", "month"):
        seen, kept = expected(days, granularity)
        found = {row["period"]: row for row in lifecycle if row["granularity"] == granularity}
        assert {period: tuple(row[kind] for kind in KINDS) for period, row in found.items()} == {
            period: tuple(counts[kind] for kind in KINDS) for period, counts in seen.items()
        }
        for period, row in found.items():
            assert row["complete"] == (next_of(period, granularity) <= AS_OF)
        of_cohorts = {(r["cohort"], r["periods_later"]): r for r in retention if r["granularity"] == granularity}
        assert {key: (row["users"], row["active"]) for key, row in of_cohorts.items()} == kept
        for row in of_cohorts.values():
            assert row["share_lower"] <= row["share"] == row["active"] / row["users"] <= row["share_upper"]


def test_the_documented_example(spark: SparkSession) -> None:
    """A user of January, away in February, back in March: new, dormant, resurrecting; another one of March is new."""
    days = [("ann", date(2024, 1, 31)), ("ann", date(2024, 3, 1)), ("ben", date(2024, 3, 2)), ("late", AS_OF)]
    active = find_active_periods(frame_of(spark, days), as_of=AS_OF)
    rows = build_lifecycle(active, as_of=AS_OF).where("granularity = 'month'").orderBy("period").collect()
    assert [(row["period"].month, *(row[kind] for kind in KINDS), row["complete"]) for row in rows] == [
        (1, 1, 0, 0, 0, True),
        (2, 0, 0, 0, 1, True),
        (3, 1, 0, 1, 0, False),
    ]
    none = LifecycleParams(retention_days=0, retention_weeks=0, retention_months=0)
    assert build_retention(active, as_of=AS_OF, params=none).isEmpty()
