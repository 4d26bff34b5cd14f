"""The time of receipt that an input unit tells, by its modification time or by the date in its name."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from typing import Any

import pytest
from pyspark.sql import Row

from segmentation.errors import ConfigurationError, DataError
from segmentation.ingest.received import keep_arrivals
from segmentation.parameters import validated
from segmentation.sources.mapping import SourceMapping
from segmentation.sources.readers.units import InputUnit
from segmentation.sources.unit_receipt import UnitReceipt

MODIFIED = datetime(2024, 5, 4, 6, 30, tzinfo=timezone.utc)
FIELDS: dict[str, Any] = {"event_id": "id", "user_id": "user", "event_name": "name", "event_at": "at"}


def mapping(received_at: Any, **said: Any) -> SourceMapping:
    fields = {**FIELDS, "received_at": received_at}
    return validated(SourceMapping, {"name": "shop", "format": "csv", "fields": fields, **said}, "shop.yaml")


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=timezone.utc)  # type: ignore[misc,arg-type]


@pytest.mark.parametrize(
    ("pattern", "zone", "path", "received_at"),
    [
        pytest.param(
            r"orders_(\d{8})", "UTC", "file:/in/orders_20240501.csv", utc(2024, 5, 1, 23, 59, 59, 999_999), id="day"
        ),
        pytest.param(
            r"dt=([\d-]+)/", "UTC", "file:/in/dt=2024-05-01/part-0.csv", utc(2024, 5, 1, 23, 59, 59, 999_999), id="path"
        ),
        pytest.param(
            r"orders_(\d{8})",
            "Europe/Berlin",
            "file:/in/orders_20240331.csv",
            utc(2024, 3, 31, 21, 59, 59, 999_999),
            id="a day of 23 hours ends at its own midnight",
        ),
        pytest.param(
            r"(\d{4}-\d\d-\d\dT\d{6})", "UTC", "s3://b/x_2024-05-01T063000.gz", utc(2024, 5, 1, 6, 30), id="s"
        ),
        pytest.param(r"(\d{8})-(\d\d)h", "-05:00", "file:/in/20240501-23h.log", utc(2024, 5, 2, 4), id="two groups"),
        pytest.param(
            r"(?P<day>\d\d)\.(?P<month>\d\d)\.(?P<year>\d{4})(?:_(?P<hour>\d\d))?",
            "UTC",
            "file:/in/export%2001.05.2024_07.csv",
            utc(2024, 5, 1, 7),
            id="named groups in another order",
        ),
    ],
)
def test_a_name_tells_the_receipt(pattern: str, zone: str, path: str, received_at: datetime) -> None:
    receipt = UnitReceipt(unit="name", pattern=pattern, zone=zone)
    assert receipt.arrived_at(path, MODIFIED) == received_at


@pytest.mark.parametrize("path", ["file:/in/orders.csv", "file:/in/orders_20241332.csv", "file:/in/orders_202405.csv"])
def test_a_name_without_a_date_is_an_error_of_the_file(path: str) -> None:
    receipt = UnitReceipt(unit="name", pattern=r"orders_(\d*)")
    with pytest.raises(DataError, match=r"orders.*received_at.*rename the file, or correct the pattern"):
        receipt.arrived_at(path, MODIFIED)


def test_history_ends_with_its_last_day_in_the_zone() -> None:
    receipt = UnitReceipt(unit="modified", zone="Europe/Berlin", history_until=date(2024, 5, 4))
    assert receipt.arrived_at("file:/in/orders.csv", MODIFIED) == MODIFIED
    assert [receipt.is_history(utc(2024, 5, 4, hour)) for hour in (21, 22)] == [True, False]
    assert not UnitReceipt(unit="modified").is_history(MODIFIED)


@pytest.mark.parametrize(
    ("received_at", "message"),
    [
        ({"unit": "name"}, "received_at takes a pattern .* with unit: name alone"),
        ({"unit": "modified", "pattern": r"(\d{8})"}, "with unit: name alone"),
        ({"unit": "name", "pattern": r"\d{8}"}, "needs a group"),
        ({"unit": "name", "pattern": r"(\d{8}"}, "not a regular expression"),
        ({"unit": "name", "pattern": r"(?P<Year>\d{4})"}, "groups named year, month and day"),
        ({"unit": "modified", "zone": "Europe/Berln"}, "'Europe/Berlin'"),
        ({"unit": "modified", "zone": "PST"}, "full name"),
        ({"unit": "modified", "since": "2024-05-01"}, "since"),
    ],
)
def test_a_slip_is_refused_by_its_key(received_at: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        mapping(received_at)


def test_topics_and_tables_tell_the_receipt_by_row() -> None:
    with pytest.raises(ConfigurationError, match="for files"):
        mapping({"unit": "modified"}, format="json", kafka={"bootstrap_servers": "localhost:9092", "topic": "clicks"})


def test_no_lateness_bound_applies_unless_the_mapping_sets_one() -> None:
    assert mapping({"unit": "modified"}).lateness_bound(7) is None
    assert mapping({"unit": "modified"}, allowed_lateness_days=3).lateness_bound(7) == 3
    assert mapping("loaded").lateness_bound(7) == 7


def test_lakes_of_mappings_without_the_key_keep_their_fingerprint() -> None:
    plain, dated = mapping("loaded"), mapping({"unit": "modified"})
    assert plain.fingerprint == "43f066855dbbd133"
    assert dated.fingerprint != mapping({"unit": "modified", "history_until": "2024-05-01"}).fingerprint


def test_a_rebuild_keeps_the_stored_receipt_of_each_file() -> None:
    unit = InputUnit("u2", "file:/a.csv", 1, MODIFIED, "csv", MODIFIED)
    # Spark gives instants as naive ones of this machine's zone.
    stored = [
        Row(
            unit_id="u1",
            path="file:/a.csv",
            modified_us=0,
            arrived_at=utc(2024, 5, 1).astimezone().replace(tzinfo=None),
        ),
        Row(
            unit_id="u2",
            path="file:/a.csv",
            modified_us=0,
            arrived_at=utc(2024, 5, 2).astimezone().replace(tzinfo=None),
        ),
        Row(unit_id="u4", path="file:/b.csv", modified_us=86_400_000_000, arrived_at=None),
    ]
    touched = replace(unit, unit_id="u3", arrived_at=MODIFIED + timedelta(days=9))
    later_mapped = replace(unit, unit_id="u5", path="file:/b.csv")
    new = replace(unit, unit_id="u6", path="file:/c.csv")
    kept = keep_arrivals([unit, touched, later_mapped, new], stored)
    assert [one.arrived_at for one in kept] == [utc(2024, 5, 2), utc(2024, 5, 2), utc(1970, 1, 2), MODIFIED]
