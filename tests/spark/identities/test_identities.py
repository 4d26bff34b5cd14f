"""People out of identifiers, against an oracle in plain Python."""

from __future__ import annotations

import json
import random
from datetime import date, timezone
from itertools import pairwise
from typing import TYPE_CHECKING
from unicodedata import normalize

import pytest

from segmentation.identities.build import attribute, build_identities
from segmentation.identities.components import find_components
from segmentation.identities.moves import cut_portions
from segmentation.identities.params import IdentityParams
from tests.spark.identities.oracle import LOOKBACK_DAYS, MOST_PERSONS, PLACES, Visit, persons_of, roots

if TYPE_CHECKING:
    from datetime import datetime

    from pyspark.sql import DataFrame, SparkSession

pytestmark = pytest.mark.spark

CASES = 250
APART = tuple((f"login:{case}-a", f"email:{case}-x") for case in range(CASES))
PARAMS = IdentityParams(
    persons=("login", "email"),
    sources={"site": PLACES},
    lookback_days=LOOKBACK_DAYS,
    max_persons_per_device=MOST_PERSONS,
    apart=APART,
)


def frame(spark: SparkSession, cases: list[list[Visit]], order: random.Random | None = None) -> DataFrame:
    rows = []
    for case, visits in enumerate(cases):
        for number, visit in enumerate(visits):
            values = {n: v and f"{case}-{v}" for n, v in (("login", visit.login), ("email", visit.email))}
            if number % 2 and visit.login:  # the same login as others write it
                values["login"] = f"\u00a0{normalize('NFD', values['login'])} "
            device = visit.device and f"{case}-{visit.device}"
            rows.append(("site", f"{case}/{number}", "user", device or "", json.dumps(values), visit.time))
    rows = [(*row, None, None, "b", number) for number, row in enumerate(rows)]
    if order is not None:
        rows = [*rows, *order.sample(rows, len(rows) // 2)]
        order.shuffle(rows)
    names = "source string, event_id string, user_id string, identifier string, properties string, event_at timestamp"
    names += ", known_id string, anonymous_id string"
    return spark.createDataFrame(rows, f"{names}, unit_id string, record_no bigint")


def make_cases() -> list[list[Visit]]:
    """Make many cases, so that one frame holds them all."""
    draw = random.Random(11)

    def visit() -> Visit:
        # Few e-mails: where everybody is joined, nothing can go wrong between people.
        login, email = (
            draw.choice([None, None, None, "a", "a", "b\u00e9", "b\u00e9", "c"]),
            draw.choice([None] * 10 + ["x", "y"]),
        )
        return Visit(draw.randint(0, 12), draw.choice([None, "p", "p", "q"]), login, email)

    return [[visit() for _ in range(draw.randint(1, 12))] for _ in range(CASES)]


def test_every_event_has_the_person_of_the_oracle(spark: SparkSession) -> None:
    cases = make_cases()
    events = frame(spark, cases)
    identities = build_identities(events, PARAMS).localCheckpoint()
    rows = attribute(events, identities, PARAMS).select("event_id", "person_id").collect()
    found = {row["event_id"]: row["person_id"] for row in rows}
    wanted = {f"{c}/{n}": who for c, visits in enumerate(cases) for n, who in enumerate(persons_of(visits, c, APART))}
    assert len(rows) == len(wanted) > 2 * CASES
    assert found == wanted
    evidence = {row["evidence"] for row in identities.select("evidence").distinct().collect()}
    assert evidence == {"person", "login", "before_login", "own", "shared"}  # the cases are no idle ones
    periods = sorted(map(tuple, identities.collect()), key=lambda period: period[:2])
    assert all(a[4] == b[1] for a, b in pairwise(periods) if a[0] == b[0])  # no gap, no overlap
    first: dict[str, datetime] = {}
    for case, visits in enumerate(cases):
        for visit in sorted(visits, key=lambda one: one.at):
            for name in (*visit.named(case), visit.used(case)):
                first.setdefault(name or "", visit.time)
    begun = {name: at.astimezone(timezone.utc) for name, at, *_ in reversed(periods)}
    assert begun == {name: at for name, at in first.items() if name}
    again = build_identities(frame(spark, cases, random.Random(5)), PARAMS)
    assert sorted(map(tuple, again.collect()), key=lambda period: period[:2]) == periods


def test_components_of_chains_stars_and_rings_are_those_of_union_find(spark: SparkSession) -> None:
    order = random.Random(3)
    names = [f"n{i:04}" for i in order.sample(range(10_000), 600)]
    chain = list(pairwise(names[:300]))
    star = [(names[300], name) for name in names[301:400]]
    ring = [(names[400 + i], names[400 + (i + 1) % 50]) for i in range(50)]
    scattered = [tuple(order.sample(names[450:], 2)) for _ in range(80)]
    pairs = [*chain, *star, *ring, *scattered]
    rows = [(max(pair), min(pair)) for pair in pairs]
    order.shuffle(rows)
    found = find_components(spark.createDataFrame(rows, "high string, low string")).collect()
    wanted = roots(pairs, {name for pair in pairs for name in pair})
    assert len(found) == len(wanted)
    assert {row["identifier"]: row["person_id"] for row in found} == wanted


def test_what_is_set_apart_is_two_persons(spark: SparkSession) -> None:
    events = frame(spark, [[Visit(0, "p", "a", "x"), Visit(1, "p", None, "x"), Visit(2, "p", None, None)]])
    joined = PARAMS.model_copy(update={"apart": ()})
    persons = [{row["person_id"] for row in build_identities(events, p).collect()} for p in (joined, PARAMS)]
    assert persons == [{"email:0-x"}, {"email:0-x", "login:0-a"}]


def test_events_move_in_portions_of_whole_days(spark: SparkSession) -> None:
    counts = [3, 2, 9, 1, 4, 1]
    days = [(date(2024, 1, 1 + n),) for n, count in enumerate(counts) for _ in range(count)]
    portions = list(cut_portions(spark.createDataFrame(days[::-1], "event_date date"), most=5))
    assert [([day.day for day in portion.days], portion.events) for portion in portions] == [
        ([1, 2], 5),
        ([3], 9),
        ([4, 5], 5),
        ([6], 1),
    ]
