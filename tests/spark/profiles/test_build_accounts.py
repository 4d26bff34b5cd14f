"""Features and rule segments of accounts: no money is split, and colleagues do not share sessions."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from jobs import build_accounts, build_features, build_profiles
from segmentation.errors import ConfigurationError
from segmentation.tables import ACCOUNT_COHORTS, ACCOUNT_FEATURES
from tests.spark.profiles.case import Case

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import SparkSession

pytestmark = [pytest.mark.spark, pytest.mark.faults]

START = datetime(2024, 3, 1, 9, tzinfo=timezone.utc)
CUT = date(2024, 4, 1)
WEB = """
format: json
columns: "id STRING, user STRING, name STRING, at BIGINT, amount STRING, order STRING, company STRING"
fields:
  event_id: id
  user_id: user
  event_name: name
  event_at: {column: at, unit: s}
  value: amount
  currency: {constant: USD}
conversions: [purchase]
order: {id: order}
properties: {company: company}
account_id: properties.company
"""
CRM = """
format: json
columns: "id STRING, user STRING, name STRING, at BIGINT, company STRING"
fields:
  event_id: id
  user_id: user
  event_name: name
  event_at: {column: at, unit: s}
properties: {company: {expr: "coalesce(company, '')"}}
traits: {account: properties.company}
"""
RULES = {
    "buyers": "unit: account\nwhen: {did: '@conversion', op: '>=', value: 2}",
    "busy": "unit: account\nwhen: {feature: sessions_count_life, op: '>=', value: 2}",
    "users": "when: {did: purchase}",
}
# minute, person, event, amount, order, company told by the event itself
VISITS = [
    (0, "ann", "view", None, None, None),             # before ann has an account: in none
    (100, "ann", "view", None, None, None),
    (101, "bob", "view", None, None, None),           # a colleague at the same time: a session of his own
    (102, "ann", "purchase", "10", "o1", None),
    (103, "bob", "purchase", "20", "o2", "Other"),    # for another company than his own
    (104, "bob", "purchase", "10", "o1", None),       # the order again: it stands as ann's
    (300, "ann", "purchase", "5", "o3", None),        # ann is with Other now
    (301, "cid", "view", None, None, "Other"),
    (500, "ann", "view", None, None, None),           # ann has left Other
    (600, "dee", "purchase", "7", "o4", None),        # never has an account
]  # fmt: skip
CONTACTS = [(50, "ann", "Acme"), (50, "bob", "Acme"), (200, "ann", "Other"), (400, "ann", None)]


def at(minute: int) -> int:
    return int((START + timedelta(minutes=minute)).timestamp())


def records() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    web = [
        {"id": str(n), "user": user, "name": name, "at": at(minute), "amount": amount, "order": order, "company": own}
        for n, (minute, user, name, amount, order, own) in enumerate(VISITS)
    ]
    crm = [
        {"id": f"c{n}", "user": user, "name": "contact", "at": at(minute), "company": company}
        for n, (minute, user, company) in enumerate(CONTACTS)
    ]
    return web, crm


def oracle() -> dict[str, tuple[int, int, int, Decimal]]:
    """Sum events, sessions, purchases and revenue by account; the account of an event is looked up by itself."""
    told = defaultdict(list)
    for minute, user, company in CONTACTS:
        told[user].append((minute, company))
    events = [(m, u, n, a, o, own) for m, u, n, a, o, own in VISITS] + [
        (m, u, "c", None, None, None) for m, u, _ in CONTACTS
    ]
    owned: dict[tuple[str, str], list[int]] = defaultdict(list)
    purchases: Counter[str] = Counter()
    revenue: Counter[str] = Counter()
    seen = set()
    for minute, user, _, amount, order, own in sorted(events, key=lambda event: event[:2]):
        last = max((one for one in told[user] if one[0] <= minute), default=(0, None))[1]
        account = own or last
        counts = order is not None and order not in seen
        seen.add(order)
        if account is None:
            continue
        owned[account, user].append(minute)
        if counts:
            purchases[account] += 1
            revenue[account] += Decimal(amount)
    found = {}
    for account in {account for account, _ in owned}:
        minutes = [times for (owner, _), times in owned.items() if owner == account]
        sessions = sum(1 + sum(b - a > 30 for a, b in itertools.pairwise(one)) for one in minutes)
        found[account] = (sum(map(len, minutes)), sessions, purchases[account], revenue[account])
    return found


def test_build_accounts__count_each_event_once_and_colleagues_apart(spark: SparkSession, tmp_path: Path) -> None:
    settings = ("features.windows_days=[7]", "features.sum_windows_days=[]", "features.funnels=[]")
    case = Case(spark, tmp_path, {"web": WEB, "crm": CRM}, "traits: {account: {}}", RULES, settings)
    web, crm = records()
    case.send("web", "visits", web)
    case.send("crm", "contacts", crm)
    case.run(build_profiles)
    with pytest.raises(ConfigurationError, match=r"run jobs/build_features\.py"):
        case.run(build_accounts, as_of=CUT)
    case.run(build_features, as_of=CUT)
    report = case.run(build_accounts, as_of=CUT)
    columns = ("events_count_life", "sessions_count_life", "purchases_count_life", "value_sum_life")
    found = {row["account_id"]: tuple(row[name] for name in columns) for row in case.rows(ACCOUNT_FEATURES)}
    assert found == oracle()
    members = {(row["rule"], row["account_id"]) for row in case.rows(ACCOUNT_COHORTS)}
    expected = {("busy", account) for account, (_, sessions, _, _) in oracle().items() if sessions >= 2}
    expected |= {("buyers", account) for account, (_, _, purchases, _) in oracle().items() if purchases >= 2}
    assert members == expected
    assert report.quality == {"accounts": 2, "members": {"busy": 2, "buyers": 1}}
    assert case.run(build_accounts, as_of=CUT).quality == report.quality
