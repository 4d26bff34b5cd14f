"""Paths, flows, rates and drop-off against counting by hand and against scipy."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta, timezone
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from scipy.stats import binomtest

from segmentation.review.frames.journeys import list_top_paths, rank_drop_off, rank_states, rate_transitions
from segmentation.sequences.paths import OTHER, build_flows, build_paths
from segmentation.sequences.rates import build_rates
from segmentation.tables import EXIT, START

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

pytestmark = pytest.mark.spark

AT = datetime(2024, 5, 1, 12, tzinfo=timezone.utc)
EVENTS = (
    "session_id string, state string, event_at timestamp, sequence_no bigint, event_id string, received_at timestamp, "
    "user_id string, source string, position string"
)
COUNTS = "from_state string, to_state string, transitions bigint"
STEPS = 3
WALKS = {
    "s1": "a a b b b c",
    "s2": "a b c d",
    "s3": "a",
    "s4": "a a a",
    "s5": "b a b a",
    "s6": "a b c",
    "s7": "d c",
    "s8": "e c a",
}


def collapse(walk: list[str]) -> list[str]:
    return [state for i, state in enumerate(walk) if i == 0 or walk[i - 1] != state]


@pytest.fixture(scope="module")
def paths(spark: SparkSession) -> DataFrame:
    """Sessions of WALKS, one event a second, given in reverse; and one whose order hangs on the tie breakers."""
    rows = [
        (name, state, AT + timedelta(seconds=i), None, f"{name}-{i}", AT)
        for name, walk in WALKS.items()
        for i, state in enumerate(walk.split())
    ]
    late = AT + timedelta(hours=1)
    tied = [
        ("s9", "c", AT, 2, "x1", AT), ("s9", "b", AT, 1, "x3", AT), ("s9", "b", AT, 1, "x2", late),
        ("s9", "a", AT, 1, "x2", AT), ("s9", "d", late, 0, "x0", AT),
    ]  # fmt: skip
    frame = spark.createDataFrame([(*row, "u", "s", None) for row in [*rows, *tied][::-1]], EVENTS)
    return build_paths(frame, steps=STEPS).persist()


def expected_paths() -> Counter:
    walks = [*(walk.split() for walk in WALKS.values()), ["a", "b", "b", "c", "d"]]
    collapsed = [collapse(walk) for walk in walks]
    return Counter((tuple(walk[:STEPS]), len(walk) <= STEPS) for walk in collapsed)


def test_paths_collapse_repeats_stop_at_the_limit_and_know_whether_the_session_ended(paths: DataFrame) -> None:
    found = {(tuple(row["path"]), row["ended"]): row["sessions"] for row in paths.collect()}
    assert found == dict(expected_paths())
    assert found[("a", "b", "c"), False] == 2
    assert found[("a", "b", "c"), True] == 2


def test_top_paths_are_exact_and_the_rest_is_named(paths: DataFrame) -> None:
    top = list_top_paths(paths, 2)
    assert [record["sessions"] for record in top] == [2, 2, 5]
    assert [record["path"] for record in top] == [["a"], ["a", "b", "c"], None]
    assert top[-1]["paths"] == len(expected_paths()) - 2
    assert sum(record["share"] for record in top) == pytest.approx(1)


def test_what_flows_into_a_state_of_a_step_flows_out(paths: DataFrame) -> None:
    flows = build_flows(paths, states_per_step=1).collect()
    into: Counter = Counter()
    out: Counter = Counter()
    for row in flows:
        out[row["step"], row["from_state"]] += row["sessions"]
        if row["to_state"] is not None:
            into[row["step"] + 1, row["to_state"]] += row["sessions"]
    assert sum(n for (step, _), n in out.items() if step == 1) == len(WALKS) + 1
    assert {key: n for key, n in into.items() if key[0] < STEPS} == {k: n for k, n in out.items() if k[0] == 2}
    left = sum(row["sessions"] for row in flows if row["to_state"] is None)
    gone_on = sum(n for (_, ended), n in expected_paths().items() if not ended)
    assert left + gone_on == len(WALKS) + 1
    assert {row["from_state"] for row in flows if row["step"] == 1} == {"a", OTHER}


@pytest.fixture(scope="module")
def transitions(spark: SparkSession) -> DataFrame:
    counts: Counter = Counter()
    for walk in WALKS.values():
        states = [START, *walk.split(), EXIT]
        counts.update(pairwise(states))
    rows = [(a, b, n) for (a, b), n in counts.items()]
    halves = [*rows, *rows, ("ghost", "a", 0)]
    return spark.createDataFrame(halves, COUNTS).persist()


def test_rates_are_shares_of_departures_with_wilson_intervals(transitions: DataFrame) -> None:
    rows = build_rates(transitions).collect()
    assert "ghost" not in {row["from_state"] for row in rows}
    total: Counter = Counter()
    for row in rows:
        total[row["from_state"]] += row["rate"]
        interval = binomtest(row["transitions"], row["departures"]).proportion_ci(method="wilson")
        assert row["rate_lower"] == pytest.approx(interval.low, abs=1e-12)
        assert row["rate_upper"] == pytest.approx(interval.high, abs=1e-12)
    assert all(rate == pytest.approx(1) for rate in total.values())
    assert {row["departures"] for row in rows if row["from_state"] == START} == {2 * len(WALKS)}


def test_a_bucket_for_other_states_keeps_every_flow(transitions: DataFrame) -> None:
    states = rank_states(transitions, 2)
    assert states == ["a", "b"]
    rates = rate_transitions(transitions, states)
    events = sum(len(walk.split()) for walk in WALKS.values())
    assert sum(record["transitions"] for record in rates) == 2 * (events + len(WALKS))
    assert sum(record["transitions"] for record in rates if record["to_state"] == EXIT) == 2 * len(WALKS)
    assert {record["from_state"] for record in rates} == {START, "a", "b", OTHER}


def test_drop_off_is_the_share_of_visits_that_end_the_session(transitions: DataFrame) -> None:
    ranked = rank_drop_off(transitions, rank_states(transitions, 9))
    visits = Counter(state for walk in WALKS.values() for state in walk.split())
    exits = Counter(walk.split()[-1] for walk in WALKS.values())
    assert {r["state"]: (r["visits"], r["exits"]) for r in ranked} == {s: (2 * visits[s], 2 * exits[s]) for s in visits}
    assert [r["drop_off"] for r in ranked] == sorted((r["drop_off"] for r in ranked), reverse=True)
    never = next(r for r in ranked if r["state"] == "e")
    assert (never["drop_off"], never["drop_off_lower"]) == (0, 0)
    assert never["drop_off_upper"] > 0.3
