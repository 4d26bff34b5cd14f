"""What rules ask of users' events and sessions, against the same in plain Python on random users."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from pyspark.sql import functions as F

from segmentation.parameters import WorkspaceParams
from segmentation.segments.asking import measure_at_cut
from segmentation.segments.rules import build_cohorts, load_rules
from segmentation.sequences.funnels import load_funnels
from segmentation.sequences.states import StateMapping
from segmentation.sessions.as_of import CutTables, before_cut
from segmentation.sessions.params import SessionParams
from tests.spark.clicks import NAMES, TIMEOUT, Click, clicks, events_of, known_users, visits_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pyspark.sql import SparkSession

pytestmark = pytest.mark.spark

PAST, NOW = date(2024, 3, 20), date(2024, 4, 1)
DAY = timedelta(days=1)
RULES = {
    "buyers": "{did: buy}",
    "twice": "{did: buy, within_days: 7, op: '>=', value: 2}",
    "lookers": "{did: ['view*', View], count: days, within_days: 14, op: between, value: [2, 4]}",
    "not_yet": "{all: [{did: cart}, {not: {did: buy}}]}",
    "upper": "{did: View, op: '==', value: 1}",
    "straight": "{did: cart, then: pay}",
    "busiest": "{did: '*', within_days: 30, op: '>=', percentile: 50}",
    "got_to_pay": "{reached: checkout, step: pay, within_days: 10}",
    "stopped": "{all: [{reached: checkout, step: cart}, {not: {reached: checkout, step: buy}}]}",
    "at_once": "{reached: visit, step: pay}",
    "stays": "{session: {min_duration_s: 60, max_duration_s: 3600, min_events: 3}, within_days: 20, op: '>', value: 1}",
    "from_ads": "{session: {channel: [ads, 'mai*'], platform: web}, op: '==', value: 1}",
    "glances": "{session: {entry: 'view*', max_events: 1}, count: days, op: '>=', value: 2}",
    "big_orders": "{session: {min_value: 19.98, converted: true, exit: [buy, pay]}}",
    "often": "{session: {}, within_days: 14, op: '>', percentile: 60}",
    "goes_back": "{path: [cart, [pay, buy], cart], within_days: 25}",
    "direct": "{path: [[cart, View], pay], order: strict, op: '>', value: 0}",
}


FUNNELS = {
    "checkout": "steps: [cart, pay, buy]\nwindow_s: 86400",
    "visit": "steps: [cart, pay]\nunit: session\norder: strict",
}


def expected(known: list[Click], cut: date) -> dict[str, set[str]]:
    """Apply the rules event by event."""
    users = known_users(known, cut)

    def of(user: str, days: int | None, *names: str) -> list[Click]:
        return [
            c for c in users[user]
            if c.name in (names or NAMES) and (days is None or cut - c.at.date() <= days * DAY)
        ]  # fmt: skip

    def straight(user: str) -> int:
        return sum((a.name, b.name) == ("cart", "pay") and b.at - a.at <= TIMEOUT for a, b in pairwise(users[user]))

    def depth(user: str, days: int | None) -> int:
        path = of(user, days, "cart", "pay", "buy")
        best = 0
        for n, first in enumerate(path):
            taken = ["cart"] if first.name == "cart" else []
            for step in path[n + 1 :] if taken else []:
                in_time = step.at - first.at <= DAY
                if in_time and len(taken) < 3 and step.name == ("cart", "pay", "buy")[len(taken)]:
                    taken.append(step.name)
            best = max(best, len(taken))
        return best

    totals = sorted(len(of(user, 30)) for user in users)
    middle = (totals[(len(totals) - 1) // 2] + totals[len(totals) // 2]) / 2
    holds = {
        "buyers": lambda u: of(u, None, "buy"),
        "twice": lambda u: len(of(u, 7, "buy")) >= 2,
        "lookers": lambda u: 2 <= len({c.at.date() for c in of(u, 14, "view", "view.item", "View")}) <= 4,
        "not_yet": lambda u: of(u, None, "cart") and not of(u, None, "buy"),
        "upper": lambda u: len(of(u, None, "View")) == 1,
        "straight": lambda u: straight(u) >= 1,
        "busiest": lambda u: len(of(u, 30)) >= middle,
        "got_to_pay": lambda u: depth(u, 10) >= 2,
        "stopped": lambda u: 1 <= depth(u, None) < 3,
    }
    of_visits = expected_of_visits(users, cut)
    return {rule: {user for user in users if test(user)} for rule, test in (holds | of_visits).items()}


def expected_of_visits(users: dict[str, list[Click]], cut: date) -> dict[str, Callable[[str], bool]]:
    """Apply the rules on sessions session by session."""

    def visits(user: str, days: int | None = None) -> list[list[Click]]:
        return [v for v in visits_of(users[user]) if days is None or cut - v[0].at.date() <= days * DAY]

    def lasted(visit: list[Click]) -> float:
        return (visit[-1].at - visit[0].at).total_seconds()

    def goes_back(visit: list[Click]) -> bool:
        names = iter(c.name for c in visit)
        return all(any(name in step for name in names) for step in (("cart",), ("pay", "buy"), ("cart",)))

    def moves(visit: list[Click], *before: str) -> bool:
        return any(a.name in before and b.name == "pay" for a, b in pairwise(visit))

    counts = sorted(len(visits(user, 14)) for user in users)
    below, part = divmod(0.6 * (len(counts) - 1), 1)
    many = counts[int(below)] + part * (counts[min(int(below) + 1, len(counts) - 1)] - counts[int(below)])
    return {
        "at_once": lambda u: any(moves(v, "cart") for v in visits(u)),
        "stays": lambda u: sum(len(v) >= 3 and 60 <= lasted(v) <= 3600 for v in visits(u, 20)) >= 2,
        "from_ads": lambda u: sum(v[0].platform == "web" and v[0].channel in {"ads", "mail"} for v in visits(u)) == 1,
        "glances": lambda u: len({v[0].at.date() for v in visits(u) if len(v) == 1 and v[0].name[:4] == "view"}) >= 2,
        "big_orders": lambda u: any(
            v[-1].name in {"buy", "pay"} and sum(c.name == "buy" for c in v) >= 2 for v in visits(u)
        ),
        "often": lambda u: len(visits(u, 14)) > many,
        "goes_back": lambda u: any(map(goes_back, visits(u, 25))),
        "direct": lambda u: sum(moves(v, "cart", "View") for v in visits(u)) > 0,
    }


@pytest.mark.parametrize("cut", [PAST, NOW])
def test_rules_on_behaviour_are_those_of_plain_python(spark: SparkSession, tmp_path: Path, cut: date) -> None:
    rules_declared = {name: f"description: text\nwhen: {when}" for name, when in RULES.items()}
    for folder, declared in (("segments", rules_declared), ("funnels", FUNNELS)):
        (tmp_path / folder).mkdir()
        for name, text in declared.items():
            (tmp_path / folder / f"{name}.yaml").write_text(f"name: {name}\n{text}\n")
    rules = load_rules(tmp_path)
    known = list(clicks())
    events = events_of(spark, known)
    workspace = WorkspaceParams(conversion_events=("buy",))
    behaviour = measure_at_cut(
        CutTables(events, events, events, events),  # later events are known: never looked at
        behaviours=[one for rule in rules for one in rule.behaviours],
        funnels={funnel.name: funnel for funnel in load_funnels(tmp_path)},
        states=StateMapping(),
        as_of=cut,
        workspace=workspace,
        sessions=SessionParams(),
    )
    users = events.where(before_cut(cut, "UTC")).select("user_id", F.lit(cut).alias("as_of")).distinct()
    found: dict[str, set[str]] = {rule.name: set() for rule in rules}
    evidence = {}
    for row in build_cohorts(users, rules=rules, as_of=cut, behaviour=behaviour).collect():
        found[row["rule"]].add(row["user_id"])
        evidence[row["rule"]] = (row["evidence"], row["thresholds"])
    assert found == expected(known, cut)
    assert all(found.values()), "a rule without members shows nothing"
    assert evidence["got_to_pay"] == (
        {"reached pay of checkout within 10 days": 1.0},
        {"reached pay of checkout within 10 days >= 1": 1.0},
    )
    assert evidence["not_yet"][0]["did buy"] == 0.0
    assert evidence["glances"][0]["days with sessions of entry view*, max_events 1"] >= 2
    assert set(evidence["direct"][1]) == {"sessions straight through cart or View then pay > 0"}
