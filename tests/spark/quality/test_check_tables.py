"""Planted faults of known size are found in tables; a source that only goes on is quiet."""

from __future__ import annotations

import json
from collections import Counter
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from segmentation.parameters import validated
from segmentation.quality.declarations import NamedCheck, QualityChecks
from segmentation.quality.run_checks import Span, check_tables
from segmentation.tables import INGEST_LEDGER

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from segmentation.quality.results import Result

    Found = dict[tuple[str, str, date | None], Result]

pytestmark = pytest.mark.spark

AS_OF = date(2024, 6, 15)
DAY = AS_OF - timedelta(days=1)
COLUMNS = (
    "source STRING, event_name STRING, event_date DATE, received_at TIMESTAMP, value DECIMAL(18,4), platform STRING, "
    "properties STRING"
)
CHECKS = {
    "priced": {"kind": "completeness", "column": "value", "event": "purchase", "at_least": 0.98, "level": "error"},
    "sized": {"kind": "completeness", "property": "size", "at_least": 0.98},
    "prices": {"kind": "range", "column": "value", "min": 0, "max": 100, "at_least": 0.99},
    "amounts": {"kind": "range", "property": "amount", "min": 1, "at_least": 0.99},
    "platforms": {"kind": "accepted_values", "column": "platform", "values": ["web", "ios"]},
    "absent": {"kind": "completeness", "column": "value", "event": "refund"},
    "fresh": {"kind": "freshness", "at_most_hours": 30},
    "volume": {"kind": "volume"},
    "names": {"kind": "event_names"},
    "new": {"kind": "new_properties"},
    "retyped": {"kind": "retyped_properties"},
    "elsewhere": {"kind": "volume", "source": "till"},
}


def noon(day: date) -> datetime:
    return datetime.combine(day, time(12), timezone.utc)


def days_of(source: str):
    """Nine weeks of a source: per day 100 views and 100 purchases; `faulty` breaks on the last day."""
    for back in range(63, 0, -1):
        day = AS_OF - timedelta(days=back)
        broken = source == "faulty" and day == DAY
        views, purchases = (0, 80) if broken else (100, 100)
        for name, n in (("view", views), ("purchase", purchases)):
            if n:
                yield day, name, n, broken


def event(source: str, day: date, name: str, number: int, *, broken: bool):
    """Of 80 broken purchases 4 have no value, 2 a negative one, 8 a platform of their own and 20 an amount in words."""
    value = None if broken and number < 4 else Decimal(-1 if broken and number < 6 else 10)
    platform = "kiosk" if broken and number >= 72 else ("web", "ios")[number % 2]
    properties = {"amount": "many" if broken and 20 <= number < 40 else 3, "id": f"{number}" if number % 4 else "4a"}
    properties |= {"size": "L"} if number >= 1 else {"size": None}
    properties |= {"coupon": "x"} if broken else {}
    return (source, name, day, noon(day), value, platform, json.dumps(properties))


@pytest.fixture(scope="module")
def found(spark: SparkSession) -> Found:
    days = [(source, *one) for source in ("quiet", "faulty") for one in days_of(source)]
    events = [
        event(source, day, name, number, broken=broken)
        for source, day, name, n, broken in days
        if day >= DAY - timedelta(days=7)
        for number in range(n)
    ]
    # Received after the cut: not to be looked at.
    events += [("quiet", "purchase", DAY, noon(AS_OF), None, "fax", '{"late": 1}')] * 50
    # A source that went silent: its last record is older than any limit.
    events += [("silent", "view", AS_OF - timedelta(days=40), noon(AS_OF - timedelta(days=40)), None, "web", "{}")]
    cells = Counter(
        {(source, day, name, stage): n for source, day, name, n, _ in days for stage in ("read", "parsed", "accepted")}
    )
    cells["silent", AS_OF - timedelta(days=40), "view", "accepted"] = 1
    ledger = [("b", source, day, name, stage, None, n) for (source, day, name, stage), n in cells.items()]
    checks = validated(QualityChecks, {"name": "t", "checks": CHECKS}, "test").checks
    results = check_tables(
        spark.createDataFrame(events, COLUMNS),
        spark.createDataFrame(ledger, INGEST_LEDGER.schema),
        [NamedCheck(name, rule) for name, rule in checks.items()],
        span=Span(DAY, DAY),
        as_of=AS_OF,
        time_zone="UTC",
    )
    return {(r.check.name, r.source, r.day): r for r in results}


def test_a_source_that_goes_on_is_quiet(found: Found) -> None:
    quiet = {name: result.status for (name, source, _), result in found.items() if source == "quiet"}
    assert quiet.pop("absent") == "not_judged"
    assert len(quiet) == len(CHECKS) - 2
    assert set(quiet.values()) == {"passed"}


@pytest.mark.parametrize(
    ("check", "part", "whole", "status"),
    [
        ("priced", 76, 80, "failed"),
        ("sized", 79, 80, "passed"),
        ("prices", 74, 76, "warned"),
        ("amounts", 60, 80, "warned"),
        ("platforms", 72, 80, "warned"),
    ],
)
def test_shares_of_values_are_exact(found: Found, check: str, part: int, whole: int, status: str) -> None:
    result = found[check, "faulty", DAY]
    assert (result.part, result.whole, result.status) == (part, whole, status)


def test_a_day_at_40_per_cent_and_a_vanished_name_are_told(found: Found) -> None:
    volume, names = found["volume", "faulty", DAY], found["names", "faulty", DAY]
    assert (volume.value, volume.at_least, volume.status) == (80.0, 200 - 4 * 200**0.5, "warned")
    assert (names.status, names.evidence) == ("warned", "gone: view (40 expected)")


def test_new_and_retyped_properties_are_told_by_name(found: Found) -> None:
    new, retyped = found["new", "faulty", None], found["retyped", "faulty", None]
    assert (new.status, new.evidence) == ("warned", "new: coupon (80 values)")
    assert (retyped.status, retyped.part, retyped.whole, retyped.value) == ("warned", 20, 80, 0.25)
    assert retyped.evidence == "retyped: amount (not number: 20 of 80 values, 0 of 1400 before)"


def test_freshness_is_hours_before_the_cut_even_of_sources_long_silent(found: Found) -> None:
    assert (found["fresh", "quiet", None].value, found["fresh", "quiet", None].status) == (12.0, "passed")
    assert (found["fresh", "silent", None].value, found["fresh", "silent", None].status) == (39 * 24 + 12.0, "warned")


def test_what_cannot_be_judged_says_why(found: Found) -> None:
    assert found["elsewhere", "till", None].evidence == "this source was never ingested"
    assert found["volume", "silent", DAY].status == "not_judged"
    assert found["new", "silent", None].evidence == "no events on the trailing days"
