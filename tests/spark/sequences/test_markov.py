"""Flows, rates and comparisons against counting by hand, and against what is published of mvad and ecom."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from pyspark.sql import functions as F

from segmentation.sequences.chain import compare_orders, substitution_costs
from segmentation.sequences.comparisons import GroupComparison, build_differences
from segmentation.sequences.differences import compare_daily_counts
from segmentation.sequences.groups import list_memberships
from segmentation.sequences.journeys import build_journeys
from segmentation.sequences.markov import count_flows, rate_flows
from segmentation.sequences.params import SequenceParams
from segmentation.sequences.paths import OTHER
from segmentation.sequences.states import StateMapping
from segmentation.sequences.steps import build_steps
from segmentation.tables import COHORTS, EXIT, SEGMENT_ASSIGNMENTS, START
from tests.spark.sequences.walks import event, events_of, frame_of, steps_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pyspark.sql import DataFrame, SparkSession

pytestmark = pytest.mark.spark

WALKS = {"u/s1": "a b b purchase c", "u/s2": "a a a", "v/s3": "b a purchase", "w/s4": "c", "w/s5": "rare a"}
LABELS = ("checkout_bug", "payment_error", "error_page")
CUT = date(2024, 7, 1)


def memberships(spark: SparkSession) -> DataFrame:
    scored = spark.createDataFrame([], SEGMENT_ASSIGNMENTS.schema)
    named = [("u", "Regulars"), ("v", "Visitors")]
    scored = scored.unionByName(
        spark.createDataFrame(named, "user_id string, segment_name string"), allowMissingColumns=True
    )
    ruled = spark.createDataFrame([("u", "new"), ("u", "busy"), ("w", "new")], "user_id string, rule string")
    return list_memberships(
        scored, spark.createDataFrame([], COHORTS.schema).unionByName(ruled, allowMissingColumns=True)
    )


def test_states_are_mapped_left_out_and_collapsed(spark: SparkSession) -> None:
    rows = [
        event("u", "s1", 0, "view", properties='{"page.path":"/blog/50%_off","plan":"pro"}'),
        event("u", "s1", 1, "view", properties='{"page.path":"/blog/other"}'),
        event("u", "s1", 2, "ping"),
        event("u", "s1", 3, "view", properties='{"page.path":"/about"}', platform="ios"),
        event("u", "s1", 4, "view"),
        event("u", "s1", 5, "checkout_start", source="till"),
        event("u", "s1", 6, "checkout_done"),
        event("u", "s2", 0, "ping"),
    ]
    rules = (
        {"events": ["ping"]},
        {"state": "sale", "where": {"page.path": "/blog/50%_*"}},
        {"state": "blog", "where": {"page.path": "/blog/*"}},
        {"state": "till", "sources": ["till"], "events": ["checkout_*"]},
    )
    seen = {}
    for otherwise, collapse in ((None, False), ("other", True)):
        mapping = StateMapping.model_validate({"rules": rules, "otherwise": otherwise, "collapse_repeats": collapse})
        steps = build_steps(frame_of(spark, rows), states=mapping, time_zone="Asia/Tokyo").orderBy("step_no").collect()
        seen[collapse] = [(s["previous_state"], s["state"], s["next_state"]) for s in steps]
        assert {(s["session_id"], s["platform"], s["session_date"]) for s in steps} == {("s1", "web", date(2024, 5, 1))}
        assert [s["step_no"] for s in steps] == list(range(1, len(steps) + 1))
    kept, collapsed = (
        ["sale", "blog", "view", "view", "till", "checkout_done"],
        ["sale", "blog", "other", "till", "other"],
    )
    for states, found in ((kept, seen[False]), (collapsed, seen[True])):
        padded = [None, *states, None]
        assert found == list(zip(padded, states, padded[2:], strict=False))


def expected_flows(walks: list[str]) -> Counter:
    return Counter(pair for walk in walks for pair in pairwise([START, *walk.split(), EXIT]))


def test_flows_of_every_group_add_up_and_say_what_to_expect(spark: SparkSession) -> None:
    params = SequenceParams(groups=("platform", "device_type", "channel", "month", "segment", "rule"), max_states=3)
    other = {"u/s9": "a b"}
    rows = [*events_of(WALKS), *events_of(other, platform="ios", device_type="handset", channel="mail")]
    steps = build_steps(frame_of(spark, rows), states=StateMapping(), time_zone="UTC")
    journeys = build_journeys(steps, params=params, as_of=CUT, memberships=memberships(spark))
    flows: dict[tuple[str, str], Counter] = {}
    for row in journeys.flows.collect():
        cell = flows.setdefault((row["dimension"], row["item"]), Counter())
        cell[row["from_state"], row["to_state"]] = row["transitions"]
    words = {name: [OTHER if w == "rare" else w for w in walk.split()] for name, walk in (WALKS | other).items()}

    def expected(*users: str) -> Counter:
        chosen = [walk for name, walk in words.items() if name.split("/")[0] in users]
        return Counter(pair for walk in chosen for pair in pairwise([START, *walk, EXIT]))

    assert flows["all", "all"] == expected("u", "v", "w")
    assert flows["segment", "Regulars"] == expected("u")
    assert flows["rule", "new"] == expected("u", "w")
    assert flows["device_type", "(not told)"] + flows["device_type", "handset"] == flows["all", "all"]
    assert flows["channel", "(not told)"] + flows["channel", "mail"] == flows["all", "all"]
    assert flows["platform", "web"] + flows["platform", "ios"] == flows["all", "all"] == flows["month", "2024-05"]
    for cells in flows.values():
        states = {state for pair in cells for state in pair} - {START, EXIT}
        for state in states:
            into, out = (sum(n for pair, n in cells.items() if pair[side] == state) for side in (1, 0))
            assert into == out
        assert sum(n for (a, _), n in cells.items() if a == START) == sum(n for (_, b), n in cells.items() if b == EXIT)
    start = next(r for r in journeys.states.collect() if (r["dimension"], r["state"]) == ("all", START))
    assert (start["visits"], start["exits"]) == (6, 0)
    assert 0 < start["goal_probability"] < 1 < start["expected_steps"]
    chains = {(r["dimension"], r["item"]): r for r in journeys.chains.collect()}
    assert (chains["all", "all"]["sessions"], chains["all", "all"]["steps"]) == (6, 16)
    triples = Counter(
        t for walk in words.values() for t in zip([START, *walk[:-1]], walk, [*walk[1:], EXIT], strict=True)
    )
    test = compare_orders(triples)
    assert chains["all", "all"]["order_statistic"] == pytest.approx(test.statistic)
    assert chains["all", "all"]["order_degrees_of_freedom"] == test.degrees_of_freedom


MVAD = {"employment": "EM", "joblessness": "JL", "school": "SC", "training": "TR"}
RATES = """EM .99 0 0 .01 0 0 | FE .03 .95 .01 .01 0 0 | HE .01 0 .99 0 0 0 | JL .04 .01 0 .94 0 .01 |
SC .01 .01 .02 .01 .95 0 | TR .04 0 0 .01 0 .94"""
COSTS = """EM-FE 1.971 EM-HE 1.987 EM-JL 1.957 EM-SC 1.988 EM-TR 1.961 FE-HE 1.993 FE-JL 1.977 FE-SC 1.991 FE-TR 1.993
HE-JL 1.997 HE-SC 1.981 HE-TR 1.999 JL-SC 1.992 JL-TR 1.976 SC-TR 1.995"""


@pytest.mark.truths
def test_weighted_rates_and_costs_of_mvad_are_the_published_ones(
    spark: SparkSession, published: Callable[..., Path]
) -> None:
    people = spark.read.csv(str(published("mvad", "mvad.csv")), header=True)
    months = people.columns[people.columns.index("Sep.93") :]
    named = F.transform(
        F.array(*(f"`{m}`" for m in months)),
        lambda s: F.coalesce(F.create_map(*(F.lit(part) for pair in MVAD.items() for part in pair))[s], s),
    )
    at = F.get(F.col("states"), F.col("i") - 1)
    steps = people.select("id", F.col("weight").cast("decimal(18,4)"), named.alias("states")).select(
        "*", F.posexplode("states").alias("i", "state")
    ).select(
        "id", "weight", "state",
        F.when(F.col("i") > 0, at).alias("previous_state"),
        F.get(F.col("states"), F.col("i") + 1).alias("next_state"),
    )  # fmt: skip
    flows = count_flows(steps, weight="weight").persist()
    rates = {(r["from_state"], r["to_state"]): r for r in rate_flows(flows, ends=False).collect()}
    states = ["EM", "FE", "HE", "JL", "SC", "TR"]
    for line in RATES.split("|"):
        state, *values = line.split()
        found = [round(rates[state, to]["rate"], 2) if (state, to) in rates else 0 for to in states]
        assert found == [float(value) for value in values]
    assert all(r["rate_lower"] < r["rate"] < r["rate_upper"] for r in rates.values())
    within = {
        (r["from_state"], r["to_state"]): (r["weight"], r["transitions"])
        for r in flows.where((F.col("from_state") != START) & (F.col("to_state") != EXIT)).collect()
    }
    assert sum(n for _, n in within.values()) == 712 * (len(months) - 1)
    costs = substitution_costs({pair: weight for pair, (weight, _) in within.items()})
    published_costs = COSTS.split()
    for pair, cost in zip(published_costs[::2], published_costs[1::2], strict=True):
        assert f"{costs[tuple(pair.split('-'))]:.3f}" == cost
    unweighted = substitution_costs({pair: n for pair, (_, n) in within.items()})
    assert f"{unweighted['EM', 'JL']:.3f}" == "1.952"


@pytest.fixture(scope="module")
def shop(spark: SparkSession) -> DataFrame:
    """Events of the web shop, each once, in the order of the file where their seconds are equal."""
    from tests.conftest import data_set  # noqa: PLC0415  skips by name

    try:
        path = data_set("ecom_sessions", "ecom.csv.gz")
    except pytest.skip.Exception:
        path = data_set("ecom", "ecom.csv.gz")
    rows = spark.read.csv(str(path), header=True).withColumn("line", F.monotonically_increasing_id())
    once = rows.groupBy(*(name for name in rows.columns if name != "line")).agg(F.min("line").alias("sequence_no"))
    at = F.to_timestamp("timestamp", "yyyy-MM-dd HH:mm:ss").alias("event_at")
    events = once.select(
        F.lit("ecom").alias("source"), "user_id", "session_id", F.col("event").alias("event_name"),
        F.col("event").alias("state"), F.lit("{}").alias("properties"), "platform",
        F.lit(None).cast("string").alias("device_type"), F.col("acquisition_channel").alias("channel"),
        at, at.alias("received_at"), "sequence_no",
        F.col("sequence_no").cast("string").alias("event_id"), F.lit(None).cast("string").alias("position"),
    )  # fmt: skip
    started = events.groupBy("session_id").agg(F.min("event_at").alias("session_started_at"))
    return events.join(started, "session_id").persist()


def without(events: DataFrame, *labels: str) -> DataFrame:
    mapping = StateMapping.model_validate({"rules": [{"events": labels}]})
    return build_steps(events, states=mapping, time_zone="UTC")


def compare(steps: DataFrame, **comparison: object) -> dict[tuple[str, str], dict]:
    one = GroupComparison.model_validate({"name": "question", **comparison})
    rows = build_differences(steps, comparison=one, as_of=CUT, version="v", memberships=steps.limit(0)).collect()
    return {(row["from_state"], row["to_state"]): row.asDict() for row in rows}


def counts(row: dict) -> tuple[int, ...]:
    return tuple(row[name] for name in ("transitions_a", "departures_a", "transitions_b", "departures_b"))


FAULT = {"from_date": "2024-05-19", "until_date": "2024-06-08"}
BUG = {"from_date": "2024-04-09", "until_date": "2024-05-10"}
FAMILY = [("cart", "add_to_cart"), ("shipping_details", "cart"), ("shipping_details", "add_to_cart")]


@pytest.mark.truths
def test_the_payment_fault_is_found_among_all_frequent_transitions(shop: DataFrame) -> None:
    found = compare(without(shop, *LABELS), a=FAULT)
    fault = found["payment_details", "purchase"]
    assert counts(fault) == (13, 175, 104, 533)
    assert (round(fault["q_value"], 3), fault["found"]) == (0.008, True)
    assert len(found) == 80
    assert fault["difference_upper"] < -0.05
    assert abs(fault["difference"]) < 2 * fault["detectable"]


@pytest.mark.truths
def test_the_mobile_bug_is_found_in_the_family_declared_beforehand(shop: DataFrame) -> None:
    asked = {"a": BUG, "within": {"platforms": ["mobile"]}, "transitions": FAMILY}
    found = compare(without(shop, "checkout_bug"), **asked)
    assert [f"{found[pair]['p_value']:.1g}" for pair in FAMILY] == ["0.0005", "0.0008", "0.3"]
    assert round(found[FAMILY[2]]["p_value"], 2) == 0.29
    assert [found[pair]["found"] for pair in FAMILY] == [True, True, False]
    assert counts(found[FAMILY[0]]) == (26, 120, 27, 312)
    assert found[FAMILY[2]]["detectable"] > abs(found[FAMILY[2]]["difference"])
    every = compare(without(shop, *LABELS), **asked)  # the other labels' events lie between some of these steps
    assert [every[pair]["found"] for pair in FAMILY] == [True, True, False]


@pytest.mark.truths
def test_the_viral_traffic_is_not_there_to_be_found_and_would_have_been(shop: DataFrame) -> None:
    begun = shop.select("session_id", F.to_date("session_started_at").alias("day")).distinct()
    of_day = {row["day"]: row["count"] for row in begun.groupBy("day").count().collect()}
    viral = [date(2024, 2, 29) + timedelta(days=i) for i in range(4)]
    around = [date(2024, 2, 15) + timedelta(days=i) for i in range(32)]
    found = compare_daily_counts(
        [of_day.get(day, 0) for day in viral], [of_day.get(day, 0) for day in around if day not in viral]
    )
    assert sum(of_day[day] for day in viral) / 4 == 12.0
    assert found.p_value > 0.5
    assert found.power_to_double > 0.99
    assert found.upper < 2


def test_differences_know_their_groups(spark: SparkSession) -> None:
    steps = steps_of(spark, WALKS)
    one = GroupComparison.model_validate(
        {"name": "rules", "a": {"rules": ["new"]}, "b": {"segments": ["Visitors"]}, "at_least": 1}
    )
    rows = build_differences(steps, comparison=one, as_of=CUT, version="v", memberships=memberships(spark)).collect()
    found = {(r["from_state"], r["to_state"]): counts(r.asDict()) for r in rows}
    new, visitors = (
        expected_flows([walk for name, walk in WALKS.items() if name[0] in users]) for users in ("uw", "v")
    )
    assert found == {
        pair: (new[pair], sum(n for (s, _), n in new.items() if s == pair[0]),
               visitors[pair], sum(n for (s, _), n in visitors.items() if s == pair[0]))
        for pair in {*new, *visitors}
    }  # fmt: skip
