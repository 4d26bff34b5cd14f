"""Paths, edges, sequences and drop-offs against counting session by session."""

from __future__ import annotations

import random
from collections import Counter
from datetime import date
from typing import TYPE_CHECKING

import pytest
from scipy.stats import binomtest

from segmentation.sequences.drop_offs import build_drop_offs
from segmentation.sequences.params import SequenceParams
from segmentation.sequences.paths import (
    OTHER,
    OTHER_PATHS,
    build_flows,
    build_paths,
    build_user_sequences,
    limit_edges,
    rank_paths,
)
from tests.spark.sequences.walks import steps_of

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

pytestmark = pytest.mark.spark

CUT = date(2024, 5, 2)
GOALS = ("buy", "call")


def random_walks() -> dict[str, str]:
    generator = random.Random(23)
    states = ["home", "home", "list", "list", "cart", *GOALS]
    return {
        f"u{n % 17}/s{n}": " ".join(generator.choice(states) for _ in range(generator.randint(1, 7))) for n in range(90)
    } | {"u1/last": "cart cart", "u2/dead": "end"}


WORDS = {name.split("/")[1]: walk.split() for name, walk in random_walks().items()}


@pytest.fixture(scope="module")
def steps(spark: SparkSession) -> DataFrame:
    return steps_of(spark, random_walks()).persist()


def test_a_session_counts_once_per_state_and_only_before_its_first_goal(steps: DataFrame) -> None:
    params = SequenceParams(groups=("platform",), goals=GOALS)
    rows = build_drop_offs(steps, params=params, as_of=CUT, memberships=steps.limit(0)).collect()
    found = {row["state"]: row for row in rows if row["dimension"] == "platform"}
    reached, left, converted = Counter(), Counter(), Counter()
    for walk in WORDS.values():
        goal = next((i for i, state in enumerate(walk) if state in GOALS), None)
        before = set(walk[:goal])
        reached.update(before)
        converted.update(before if goal is not None else ())
        left.update([walk[-1]] if goal is None else ())
    assert {s: (r["reached"], r["left"], r["converted"]) for s, r in found.items()} == {
        s: (reached[s], left[s], converted[s]) for s in reached
    }
    cart = found["cart"]
    went_on = cart["reached"] - cart["left"]
    assert cart["lost_conversions"] == pytest.approx(cart["left"] * cart["converted"] / went_on)
    interval = binomtest(cart["converted"], went_on).proportion_ci(method="wilson")
    assert cart["lost_conversions_lower"] == pytest.approx(cart["left"] * interval.low)
    assert cart["lost_conversions_upper"] == pytest.approx(cart["left"] * interval.high)
    assert found["end"]["lost_conversions"] is None
    whole = {row["state"]: row["reached"] for row in rows if row["dimension"] == "all"}
    assert whole == reached


def test_paths_are_ranked_and_limited_without_losing_a_session(steps: DataFrame) -> None:
    paths = build_paths(steps, steps=3, goals=GOALS).persist()
    rows = rank_paths(paths, limit=5, as_of=CUT).collect()
    assert len(rows) == 6
    assert sum(row["sessions"] for row in rows) == len(WORDS)
    assert sum(row["share"] for row in rows) == pytest.approx(1)
    assert sum(row["converted"] for row in rows) == sum(bool({*GOALS} & {*walk}) for walk in WORDS.values())
    collapsed = [[s for i, s in enumerate(walk) if i == 0 or walk[i - 1] != s] for walk in WORDS.values()]
    counted = Counter((tuple(walk[:3]), len(walk) <= 3) for walk in collapsed)
    named = {(tuple(r["path"]), r["ended"]): r["sessions"] for r in rows if r["path"] != [OTHER_PATHS]}
    assert len(named) == 5
    assert all(counted[key] == n for key, n in named.items())
    assert min(named.values()) >= max(n for key, n in counted.items() if key not in named)
    flows = build_flows(paths, states_per_step=9)
    edges = limit_edges(flows, limit=4, as_of=CUT).collect()
    per_step = Counter()
    for row in flows.collect():
        per_step[row["step"]] += row["sessions"]
    assert sum((Counter({row["step"]: row["sessions"]}) for row in edges), Counter()) == per_step
    assert sum(row["from_state"] != OTHER for row in edges) == 4


def test_sequences_hold_the_first_steps_and_say_how_many_there_were(steps: DataFrame) -> None:
    rows = build_user_sequences(steps, limit=4, goals=GOALS, as_of=CUT).collect()
    found = {row["session_id"]: (row["states"], row["steps"], row["reached_goal"]) for row in rows}
    assert found == {name: (walk[:4], len(walk), bool({*GOALS} & {*walk})) for name, walk in WORDS.items()}
