"""Features of sequences against trying every attempt and every session in plain Python."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest

from segmentation.features.build import FeatureInputs, build_user_features
from segmentation.features.params import FeatureParams
from segmentation.parameters import WorkspaceParams
from segmentation.sequences.funnels import Funnel
from segmentation.sequences.habits import count_loops, list_attempts
from segmentation.sequences.states import StateMapping
from segmentation.sequences.steps import build_steps
from segmentation.sessions.as_of import tables_at_cut
from segmentation.sessions.params import SessionParams
from segmentation.tables import SESSIONS, USER_DAYS
from tests.spark.clicks import Click, clicks, events_of, known_users, visits_of
from tests.spark.stored import ITEM_SCHEMA

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = pytest.mark.spark

PAST = date(2024, 3, 20)
PARAMS = FeatureParams(windows_days=(7,), funnels=("checkout", "visit"), loops=True)
FUNNELS = (
    Funnel(name="checkout", steps=(("cart",), ("pay", "View"), ("buy",)), window_s=86_400),
    Funnel(name="visit", steps=(("view",), ("cart",)), unit="session", order="strict"),
)


def furthest(done: list[Click], funnel: Funnel, first: date) -> int:
    """Try every attempt begun since a day: each takes the next step as soon as it can."""
    best = 0
    for number, begun in enumerate(done):
        if begun.name not in funnel.steps[0] or begun.at.date() < first:
            continue
        depth = 1
        for step in done[number + 1 :]:
            wanted = depth < len(funnel.steps) and step.name in funnel.steps[depth]
            if wanted and (step.at - begun.at).total_seconds() <= funnel.window_s:
                depth += 1
            elif funnel.order == "strict":
                break
        best = max(best, depth)
    return best


def expected(done: list[Click], days: int | None) -> tuple[int, int, float | None]:
    first = date.min if days is None else PAST - timedelta(days=days)
    visits = visits_of(done)
    thirds = [
        (a.name, b.name, c.name)
        for visit in visits
        if visit[0].at.date() >= first
        for a, b, c in zip(visit, visit[1:], visit[2:], strict=False)
    ]
    loops = sum(a == c != b for a, b, c in thirds)
    in_visit = max(furthest(visit, FUNNELS[1], first) for visit in visits)
    return furthest(done, FUNNELS[0], first), in_visit, loops / len(thirds) if thirds else None


def test_features_of_sequences_are_those_of_plain_python_as_known_at_the_cut(spark: SparkSession) -> None:
    known = list(clicks())
    past = tables_at_cut(events_of(spark, known), as_of=PAST, workspace=WorkspaceParams(), sessions=SessionParams())
    steps = build_steps(past.events, states=StateMapping(), time_zone="UTC")
    users = known_users(known, PAST)
    zero = [0] * len(USER_DAYS.measures)
    days = spark.createDataFrame(
        [(user, done[0].at.date(), *zero) for user, done in users.items()],
        f"user_id string, event_date date, {', '.join(f'{name} long' for name in USER_DAYS.measures)}",
    )
    nothing = [spark.createDataFrame([], schema) for schema in (ITEM_SCHEMA, SESSIONS.schema)]
    attempts = list_attempts(steps, funnels=FUNNELS, time_zone="UTC")
    built = build_user_features({PAST: FeatureInputs(days, *nothing, attempts, count_loops(steps))}, params=PARAMS)
    names = ("funnel_checkout_steps_count", "funnel_visit_steps_count", "loop_steps_share")
    columns = [f"{name}_{window}" for window in ("7d", "life") for name in names]
    found = {
        row["user_id"]: tuple(row[name] for name in columns) for row in built.select("user_id", *columns).collect()
    }
    assert found == {user: (*expected(done, 7), *expected(done, None)) for user, done in users.items()}
    assert {values[3] for values in found.values()} == {0, 1, 2, 3}
    assert {values[4] for values in found.values()} == {0, 1, 2}
