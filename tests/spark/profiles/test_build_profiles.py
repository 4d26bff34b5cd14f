"""Profiles follow events through new persons, supersession and erasure; features, rules and pages use them."""

from __future__ import annotations

import random
import shutil
from datetime import date, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest

from jobs import (
    apply_identities,
    build_cohorts,
    build_features,
    build_profiles,
    erase_person,
    explain_customer,
)
from segmentation.errors import ConfigurationError
from segmentation.lake.lake import Lake
from segmentation.review.customer import write_customer
from segmentation.tables import COHORTS, EVENTS, PROFILES, TRAIT_OBSERVATIONS, USER_FEATURES
from tests.digest import digest
from tests.spark.profiles import oracle
from tests.spark.profiles.case import Case
from tests.spark.profiles.oracle import Told

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import SparkSession

pytestmark = pytest.mark.spark

START = datetime(2024, 3, 1, tzinfo=timezone.utc)
EARLY = date(2024, 3, 6)
MAPPING = """
format: json
columns: >-
  id STRING, user STRING, name STRING, at BIGINT, received BIGINT, number STRING, login STRING, plan STRING,
  staff STRING
fields:
  event_id: id
  user_id: user
  event_name: name
  event_at: {column: at, unit: s}
  received_at: {column: received, unit: s}
  sequence_no: number
properties: [login, plan, staff]
traits: {plan: properties.plan, staff: {from: properties.staff, events: [hired, left]}}
allowed_lateness_days: 10
supersede: {key: '(part\\d+)_', version: '_v(\\d+)'}
"""
PROFILES_FILE = "traits: {plan: {}, staff: {type: integer}}\nsources: [crm, web]\n"
RULES = {
    "team": "when: {trait: plan, is: [team, 'p*']}",
    "large": "when: {all: [{trait: staff, at_least: 10}, {not: {trait: plan, is: free}}]}",
    "told": "when: {trait: plan}",
}
SETTINGS = ("features.traits={plan: [pro], staff: []}", "features.windows_days=[7]", "features.sum_windows_days=[]")


def open_case(spark: SparkSession, folder: Path) -> Case:
    places = {"cookie": "identifier", "login": "properties.login"}
    identities = {"persons": ["login"], "sources": {"web": places, "crm": places}}
    sources = dict.fromkeys(("web", "crm"), MAPPING)
    return Case(spark, folder, sources, PROFILES_FILE, RULES, SETTINGS, identities)


def draw(source: str, seed: int, number: int = 120) -> list[dict[str, Any]]:
    """Draw records of six visitors with many ties in time; some log in, some are received days later."""
    pick = random.Random(seed)
    found = []
    for n in range(number):
        at = START + timedelta(hours=6 * pick.randrange(40))
        name = pick.choice(("view", "hired", "left"))
        one = {
            "id": f"{source}{n}", "user": f"v{pick.randrange(6)}", "name": name, "at": int(at.timestamp()),
            "received": int((at + timedelta(days=pick.choice((0, 0, 0, 2)))).timestamp()),
            "number": pick.choice((None, "1", "2")), "login": pick.choice((None,) * 6 + ("anna", "bob")),
            "plan": pick.choice((None, "free", "pro", "team", " ")), "staff": pick.choice((None, "5", "20", "many")),
        }  # fmt: skip
        found.append({key: value for key, value in one.items() if value is not None})
    return found


def equal_to_one_build(case: Case) -> None:
    """Compare profiles with those of a copy of the lake in which they are read from all events in one run."""
    shutil.copytree(case.folder / "lake", case.folder / "copy")
    copy = Lake(case.spark, str(case.folder / "copy"), "outdated")
    copy.replace(TRAIT_OBSERVATIONS, copy.read(TRAIT_OBSERVATIONS))
    copy.publish({TRAIT_OBSERVATIONS.name: -1})
    assert case.run(build_profiles, "copy").notes == [build_profiles.ALL]
    found, expected = (digest(case.spark, case.folder / lake, [PROFILES]) for lake in ("lake", "copy"))
    assert found == expected
    assert found["profiles"][0] > 10


@pytest.mark.endurance  # six ingests and all that reads traits
def test_build_profiles__batches_persons_and_supersession(spark: SparkSession, tmp_path: Path) -> None:
    case = open_case(spark, tmp_path)
    web, crm = draw("web", 1, 400), draw("crm", 2, 60)
    case.send("web", "part1_v1", web[60:])
    case.send("crm", "part1_v1", crm)
    case.run(apply_identities)
    assert case.run(build_profiles).notes == [build_profiles.ALL]
    assert case.run(build_profiles).notes == [build_profiles.SAME]
    case.send("web", "part2_v1", web[:60])
    assert case.run(build_profiles).notes == [build_profiles.CHANGED]
    case.run(apply_identities)  # moves many of the few events, so all may be read
    case.run(build_profiles)
    case.send("web", "part2_v2", web[:30])  # thirty records leave
    assert case.run(build_profiles).notes == [build_profiles.CHANGED]
    case.run(apply_identities)
    case.run(build_profiles)
    stood = web[:30] + web[60:] + crm
    check_values(case, stood)
    equal_to_one_build(case)
    erase_person.run(case.context(person="login:anna"))
    for table in (PROFILES, TRAIT_OBSERVATIONS):
        assert not case.rows(table, "user_id = 'login:anna'")
    assert case.run(build_profiles).notes == [build_profiles.ALL]


def check_values(case: Case, sent: list[dict[str, Any]]) -> None:
    """Compare features, rule segments and the page of a person at two cuts with the oracle."""
    person = {row["event_id"]: row["user_id"] for row in case.rows(EVENTS)}
    assert set(person) == {one["id"] for one in sent}
    told = [one for record in sent for one in tell(record, person[record["id"]])]
    for cut in (EARLY, date(2024, 3, 20)):
        values = oracle.values_at(told, midnight(cut), ("crm", "web"))
        case.run(build_features, as_of=cut)
        rows = case.rows(USER_FEATURES, f"as_of = DATE'{cut}'")
        assert rows
        for row in rows:
            plan, staff = (values.get((row["user_id"], name)) for name in ("plan", "staff"))
            assert row["trait_plan_pro"] == (None if plan is None else float(plan == "pro"))
            assert row["trait_staff"] == (None if staff is None else float(staff))
        case.run(build_cohorts, as_of=cut)
        members = {(row["rule"], row["user_id"]) for row in case.rows(COHORTS, f"as_of = DATE'{cut}'")}
        assert members == expected_members({row["user_id"] for row in rows}, values)
    shown = case.run(explain_customer, as_of=EARLY, user="login:bob").quality
    values = oracle.values_at(told, midnight(EARLY), ("crm", "web"))
    now = {one["trait"]: one["value"] for one in shown["traits"] if one["valid_to_at"] is None}
    assert now == {trait: value for (user, trait), value in values.items() if user == "login:bob"}
    assert "Traits\n" in write_customer(shown)


def midnight(cut: date) -> datetime:
    return datetime(cut.year, cut.month, cut.day, tzinfo=timezone.utc)


def tell(record: dict[str, Any], user: str) -> list[Told]:
    source = record["id"][:3]
    at, received = (datetime.fromtimestamp(record[name], timezone.utc) for name in ("at", "received"))
    number = int(record["number"]) if "number" in record else None
    told = []
    if "plan" in record:
        told.append(Told(user, "plan", at, received, record["id"], source, number, record["plan"].strip() or None))
    if record.get("staff", "many") != "many" and record["name"] != "view":
        told.append(Told(user, "staff", at, received, record["id"], source, number, record["staff"]))
    return told


def expected_members(users: set[str], values: dict[tuple[str, str], str]) -> set[tuple[str, str]]:
    found = set()
    for user in users:
        plan, staff = values.get((user, "plan")), values.get((user, "staff"))
        if plan is not None:
            found.add(("told", user))
        if plan in ("team", "pro"):
            found.add(("team", user))
        if staff is not None and int(staff) >= 10 and plan != "free":
            found.add(("large", user))
    return found


def test_rules_on_traits_ask_for_profiles_of_the_newest_events(spark: SparkSession, tmp_path: Path) -> None:
    case = open_case(spark, tmp_path)
    case.send("web", "part1_v1", draw("web", 1, 20))
    with pytest.raises(ConfigurationError, match=r"run jobs/build_profiles\.py first"):
        case.run(build_features)
