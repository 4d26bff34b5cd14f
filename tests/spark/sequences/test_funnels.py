"""Funnels against an oracle that tries every attempt of every user."""

from __future__ import annotations

import random
from datetime import date, timedelta
from itertools import product
from statistics import median
from typing import TYPE_CHECKING, Any

import pytest
from scipy.stats import binomtest

from segmentation.sequences.funnels import Funnel, build_funnel, find_attempts
from segmentation.sequences.states import StateMapping
from segmentation.sequences.steps import build_steps
from tests.spark.sequences.walks import AT, event, frame_of

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

pytestmark = pytest.mark.spark

WINDOW = 6
GROUPS = ["platform", "device_type", "channel"]
SHAPES = (["a", "b", "c"], [["a", "b"], "b", "a", "c"], ["a", "a", "a"], ["c", ["a", "b", "d"]])
FUNNELS = [
    Funnel.model_validate({"name": "f", "steps": steps, "order": order, "unit": unit, "window_s": WINDOW, "by": GROUPS})
    for number, (steps, order) in enumerate(product(SHAPES, ("ordered", "strict")))
    for unit in (("user", "session") if number < 2 else ("user",))
]


def random_events() -> list[dict[str, Any]]:
    """Events of 60 users in 1 to 3 sessions, seconds often equal, so that the order hangs on the tie breakers."""
    generator = random.Random(19)
    rows = []
    for user in range(60):
        second = 0
        for session in range(generator.randint(1, 3)):
            name = f"s{user}-{session}"
            for number in range(generator.randint(1, 7)):
                second += generator.choice([0, 1, 1, 2, 4])
                at = AT + timedelta(seconds=second, milliseconds=generator.choice([0, 0, 400]))
                more = {
                    "event_at": at,
                    "platform": generator.choice(["web", "ios"]) if number == 0 else "tv",
                    "channel": generator.choice([None, "mail"]),
                    "device_type": "handset" if number % 2 else "tv",
                }
                rows.append(event(f"u{user}", name, number, generator.choice("abcd"), **more))
    return rows


def attempts_from(events: list[dict[str, Any]], funnel: Funnel, first: int) -> list[tuple[int, ...]]:
    """Every attempt that begins with one event, as positions; also those that stop early."""
    done, found = [(first,)], []
    while done:
        attempt = done.pop()
        found.append(attempt)
        if len(attempt) == len(funnel.steps):
            continue
        following = range(attempt[-1] + 1, len(events))
        for position in following[:1] if funnel.order == "strict" else following:
            elapsed = events[position]["event_at"] - events[first]["event_at"]
            if events[position]["state"] in funnel.steps[len(attempt)] and elapsed <= timedelta(seconds=WINDOW):
                done.append((*attempt, position))
    return found


def expected_attempts(events: list[dict[str, Any]], funnel: Funnel) -> dict[str, tuple[int, tuple[Any, ...], Any]]:
    """Of each unit: steps taken, their times, and the time of the last first step."""
    key = f"{funnel.unit}_id"
    best = {}
    for unit in {e[key] for e in events}:
        own = sorted((e for e in events if e[key] == unit), key=lambda e: (e["event_at"], e["event_id"]))
        starts = [i for i, e in enumerate(own) if e["state"] in funnel.steps[0]]
        tried = [attempt for i in starts for attempt in attempts_from(own, funnel, i)]
        if not tried:
            continue
        depth = max(map(len, tried))
        times = [[own[i]["event_at"] for i in attempt] for attempt in tried if len(attempt) == depth]
        earliest = min(t[-1] for t in times)
        best[unit] = (depth, max(t for t in times if t[-1] == earliest), own[starts[-1]]["event_at"])
    return best


@pytest.fixture(scope="module")
def steps(spark: SparkSession) -> DataFrame:
    return build_steps(frame_of(spark, random_events()), states=StateMapping(), time_zone="UTC").persist()


def micros(instant: Any) -> int:
    return round(instant.timestamp() * 1_000_000)


def test_the_furthest_attempt_of_everybody_is_found(steps: DataFrame) -> None:
    events = random_events()
    for funnel in FUNNELS:
        found = {
            row[f"{funnel.unit}_id"]: (row["depth"], row["times"], row["last_start"])
            for row in find_attempts(steps, funnel=funnel).collect()
        }
        expected = {
            unit: (depth, [micros(t) for t in times], micros(last))
            for unit, (depth, times, last) in expected_attempts(events, funnel).items()
        }
        assert found == expected, funnel
        assert len({depth for depth, _, _ in found.values()}) > 1, "the case shows nothing"


def test_counts_shares_times_and_groups_are_those_of_the_attempts(steps: DataFrame) -> None:
    funnel, as_of = FUNNELS[0], date(2024, 5, 2)
    nobody = steps.select("user_id", "platform", "channel").limit(0)
    rows = build_funnel(steps, funnel=funnel, as_of=as_of, time_zone="UTC", version="v", memberships=nobody).collect()
    of = {(row["dimension"], row["item"], row["step"]): row for row in rows}
    attempts = expected_attempts(random_events(), funnel).values()
    for number in (1, 2, 3):
        row, there = of["all", "all", number], [times for depth, times, _ in attempts if depth >= number]
        assert (row["reached"], row["still_open"], row["states"]) == (len(there), 0, ["abc"[number - 1]])
        interval = binomtest(len(there), len(attempts)).proportion_ci(method="wilson")
        assert (row["share_of_first_lower"], row["share_of_first_upper"]) == pytest.approx(
            (interval.low, interval.high)
        )
        if number > 1:
            elapsed = [(t[number - 1] - t[0]) // timedelta(seconds=1) for t in there]
            latest = [(t[number - 1] - t[number - 2]) // timedelta(seconds=1) for t in there]
            assert (row["from_first_median_s"], row["from_previous_median_s"]) == (median(elapsed), median(latest))
            before = of["all", "all", number - 1]["reached"]
            assert row["share_of_previous"] == pytest.approx(len(there) / before)
        for dimension in GROUPS:
            parts = [r["reached"] for (d, _, step), r in of.items() if (d, step) == (dimension, number)]
            assert sum(parts) == len(there)
            assert len(parts) > 1
    assert of["all", "all", 1]["share_of_previous"] is None


def test_who_may_still_go_on_is_said(spark: SparkSession) -> None:
    midnight = AT.replace(hour=0) + timedelta(days=1)
    rows = [
        event("early", "s1", 0, "a", event_at=midnight - timedelta(seconds=WINDOW + 1)),
        event("late", "s2", 0, "a", event_at=midnight - timedelta(seconds=WINDOW)),
        event("again", "s3", 0, "a"),
        event("again", "s3", 1, "b"),
        event("again", "s4", 2, "a", event_at=midnight - timedelta(seconds=1)),
        event("never", "s5", 0, "b"),
    ]
    steps = build_steps(frame_of(spark, rows), states=StateMapping(), time_zone="UTC")
    found = build_funnel(
        steps, funnel=FUNNELS[0], as_of=midnight.date(), time_zone="UTC", version="v", memberships=steps.limit(0)
    ).collect()
    shown = {row["step"]: (row["reached"], row["still_open"]) for row in found if row["dimension"] == "all"}
    assert shown == {1: (3, 0), 2: (1, 1), 3: (0, 2)}
    assert next(r for r in found if (r["dimension"], r["step"]) == ("all", 3))["from_first_median_s"] is None
