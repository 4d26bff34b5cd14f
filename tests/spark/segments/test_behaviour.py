"""What rules ask of users' events, against the same in plain Python on random users."""

from __future__ import annotations

import random
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import pytest
from pyspark.sql import functions as F
from pyspark.sql.types import StructField, StructType

from segmentation.increments.cut import before_cut, tables_at_cut
from segmentation.parameters import WorkspaceParams
from segmentation.segments.behaviour import measure_behaviour
from segmentation.segments.rules import build_cohorts, load_rules
from segmentation.sequences.funnels import load_funnels
from segmentation.sequences.states import StateMapping
from segmentation.sessions.params import SessionParams
from segmentation.tables.events import EVENTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from pyspark.sql import DataFrame, SparkSession

pytestmark = pytest.mark.spark

PAST, NOW = date(2024, 3, 20), date(2024, 4, 1)
TIMEOUT, DAY = timedelta(minutes=30), timedelta(days=1)
NAMES = ("view", "View", "view.item", "cart", "pay", "buy")
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
}


FUNNELS = {"checkout": "steps: [cart, pay, buy]\nwindow_s: 86400"}


class Click(NamedTuple):
    user: str
    name: str
    at: datetime
    got: datetime


def clicks() -> Iterator[Click]:
    rng = random.Random(5)
    for number in range(90):
        at = datetime(2024, 3, 1) + timedelta(minutes=rng.randrange(29 * 1440))  # noqa: DTZ001  all are UTC
        for _ in range(rng.randrange(1, 14)):
            late = timedelta(days=rng.choice((0, 0, 3)))
            yield Click(f"u{number}", rng.choice(NAMES), at, at + late)
            at += timedelta(minutes=rng.choice((1, 7, 29, 45, 400)))
            at += timedelta(seconds=rng.randrange(60))


def events_of(spark: SparkSession, known: Sequence[Click]) -> DataFrame:
    """Events as they are stored; a funnel of users asks nothing of their sessions."""
    rows = [
        {
            "source": "shop", "event_id": f"e{number}", "user_id": click.user, "event_name": click.name,
            "state": click.name, "platform": "web", "event_at": click.at, "received_at": click.got,
            "event_date": click.at.date(), "session_id": click.user, "session_started_at": click.at,
            "sequence_no": number,
        }
        for number, click in enumerate(known)
    ]  # fmt: skip
    schema = StructType([StructField(field.name, field.dataType) for field in EVENTS.schema])
    return spark.createDataFrame([tuple(row.get(name) for name in schema.names) for row in rows], schema)


def expected(known: list[Click], cut: date) -> dict[str, set[str]]:
    """Apply the rules event by event."""
    users: dict[str, list[Click]] = {}
    for click in sorted(known, key=lambda one: one.at):
        if max(click.at, click.got) < datetime.combine(cut, datetime.min.time()):
            users.setdefault(click.user, []).append(click)

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
    return {rule: {user for user in users if test(user)} for rule, test in holds.items()}


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
    at_cut = events.where(before_cut(cut, "UTC"))
    tables = tables_at_cut(events, as_of=cut, workspace=WorkspaceParams(), sessions=SessionParams())
    behaviour = measure_behaviour(
        at_cut,
        tables.user_day_counts,
        behaviours=[one for rule in rules for one in rule.behaviours],
        funnels={funnel.name: funnel for funnel in load_funnels(tmp_path)},
        states=StateMapping(),
        as_of=cut,
        time_zone="UTC",
    )
    users = tables.user_days.select("user_id", F.lit(cut).alias("as_of")).distinct()
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
