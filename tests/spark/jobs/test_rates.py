"""Values in other currencies: converted by the newest rate of their day, never by two sets of rates in one table."""

from __future__ import annotations

import random
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING

import pytest

from jobs import build_sessions, ingest_events
from segmentation.parameters import CurrencyRate, WorkspaceParams
from segmentation.sessions.money import reporting_revenue

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from tests.spark.jobs.conftest import Outcome, Workspace

pytestmark = pytest.mark.spark

MAPPING = """
format: csv
fields:
  event_id: id
  user_id: user
  event_name: {constant: purchase}
  event_at: at
  value: value
  currency: currency
"""
HEAD = "id,user,at,value,currency\n"
FIRST = "1,ana,2024-01-10 09:00:00,100,EUR\n2,bob,2024-01-10 09:00:00,10,\n3,cay,2024-01-10 09:00:00,5,GBP\n"
SECOND = "4,ana,2024-01-11 09:00:00,3.3333,EUR\n5,bob,2024-01-11 09:00:00,-2,USD\n"
RATES = "currency,since,rate\nEUR,2024-01-10,1.25\nEUR,2024-01-01,1.1\n"
NEXT = "EUR,2024-01-11,1.5\nJPY,2024-01-01,0.0068\n"


def test_the_newest_rate_at_or_before_the_day_counts_to_the_last_digit(spark: SparkSession) -> None:
    pick, first = random.Random(5), date(2024, 1, 1)
    days = [first + timedelta(days=n) for n in range(60)]
    rates = tuple(
        CurrencyRate(currency=currency, since=day, rate=Decimal(pick.randint(1, 10**9)).scaleb(-8))
        for currency in ("EUR", "GBP")
        for day in pick.sample(days[5:], 20)
    )
    currencies = ["EUR", "GBP", "USD", "JPY", None]
    values = [Decimal(pick.randint(-(10**9), 10**9)) / 10**4 for _ in range(500)]
    rows = [(pick.choice(days), pick.choice(currencies), value) for value in values]
    frame = spark.createDataFrame(rows, "event_date date, revenue_currency string, revenue decimal(18,4)").coalesce(1)
    found = frame.select(reporting_revenue(WorkspaceParams(rates=rates)).alias("value")).collect()
    for (day, currency, value), row in zip(rows, found, strict=True):
        known = [rate for rate in rates if rate.currency == currency and rate.since <= day]
        worth = None
        if currency in {"USD", None}:
            worth = value
        elif known:
            rate = max(known, key=lambda one: one.since).rate
            worth = (value * rate).quantize(Decimal("0.0001"), rounding=ROUND_HALF_UP)
        assert row["value"] == worth, (day, currency, value)


def test_rates_may_grow_and_never_mix(workspace: Workspace) -> None:
    workspace.source("sales", MAPPING)
    rates = workspace.folder / "conf" / "rates.csv"

    def ingest(name: str, *arguments: str) -> Outcome:
        return workspace.run(ingest_events, "--source", "sales", "--input", name, *arguments)

    def days() -> dict[tuple[str, int], tuple[Decimal, int]]:
        found = workspace.table("user_days").collect()
        return {(row["user_id"], row["event_date"].day): (row["value"], row["no_rate"]) for row in found}

    rates.write_text(RATES)
    first, second = workspace.file("1.csv", HEAD + FIRST), workspace.file("2.csv", HEAD + SECOND)
    told = ingest(first)
    assert (told.code, [note.partition(":")[2] for note in told.result["notes"]]) == (0, [" 1 (see conf/rates.csv)"])
    before = {("ana", 10): (125, 0), ("bob", 10): (10, 0), ("cay", 10): (0, 1)}
    assert days() == before
    assert {row["value"] for row in workspace.table("sessions").collect()} == {125, 10, 0}

    rates.write_text(RATES + NEXT)  # rates for days, and of a currency, that have no event yet
    refused = workspace.run(build_sessions)
    assert (refused.code, "other parameters (rates)" in refused.stderr) == (2, True)
    assert ingest(second).result["notes"] == []
    grown = {**before, ("ana", 11): (5, 0), ("bob", 11): (-2, 0)}  # 3.3333 x 1.5 is 4.99995
    assert days() == grown
    assert workspace.run(build_sessions).code == 0
    assert workspace.table("currency_rates").count() == 4

    pointer = workspace.pointer()
    rates.write_text(RATES + NEXT + "GBP,2023-12-01,1.2\n")
    refused = ingest(second)
    assert refused.code == 2
    assert "rates of GBP from 2023-12-01 on differ" in refused.stderr
    assert "--rebuild" in refused.stderr
    assert workspace.pointer() == pointer
    assert ingest(second, "--rebuild").code == 0
    assert days() == {**grown, ("cay", 10): (6, 0)}
    assert ingest(second).code == 0
    rates.unlink()
    assert "rates of EUR from 2024-01-01 on differ" in ingest(second).stderr
