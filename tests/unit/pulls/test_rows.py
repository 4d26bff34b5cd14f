"""Objects become rows, and names of files hold the position: without a request."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from segmentation.errors import ConfigurationError, DataError
from segmentation.parameters import validated
from segmentation.pulls import PullDeclaration, load_pull
from segmentation.pulls.landing import complete_name, find_position, landed_name
from segmentation.pulls.rows import find_value, read_keys, read_time, rows_of_object, write_lines, write_time

CONF = Path(__file__).parents[3] / "conf"
BEGIN = datetime(2000, 1, 1, tzinfo=timezone.utc)
AT = datetime(2024, 3, 1, 10, 0, 0, 123_000, tzinfo=timezone.utc)
COLUMNS = {"order": "id", "kind": "=sale", "note": "note"}
DECLARED = {
    "name": "orders",
    "source": "orders",
    "base_url": "https://api.example.com",
    "hosts": ["api.example.com"],
    "token": "SHOP_TOKEN",
    "resource": {"endpoint": "orders"},
    "cursor": {"path": "changed"},
    "key": ["order", "kind"],
    "rows": [
        {"at": "placed", "columns": COLUMNS},
        {"each": "refunds", "at": "each.at", "columns": {**COLUMNS, "kind": "=refund", "note": "each.note"}},
    ],
}


def declared(**changes: Any) -> PullDeclaration:
    return validated(PullDeclaration, {**DECLARED, **changes}, "orders.yaml")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-03-01T10:00:00.123Z", AT),
        ("2024-03-01T10:00:00.123456789Z", AT + timedelta(microseconds=456)),
        ("2024-03-01T11:00:00.123+0100", AT),
        ("2024-03-01T10:00:00Z", AT.replace(microsecond=0)),
        (1709287200123, AT),
        ("1709287200", AT.replace(microsecond=0)),
        ("20240301", datetime(2024, 3, 1, tzinfo=timezone.utc)),
    ],
)
def test_read_time(text: Any, expected: datetime) -> None:
    assert read_time(text, "changed") == expected


@pytest.mark.parametrize(
    ("text", "message"), [("soon", "'soon' as changed, which is not a time"), ("2024-03-01T10:00:00", "no time zone")]
)
def test_read_time__refuses_others(text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_time(text, "changed")


@pytest.mark.parametrize(
    ("form", "expected"),
    [("iso", "2024-03-01T10:00:00.123Z"), ("ms", "1709287200123"), ("s", "1709287200"), ("day", "2024-03-01")],
)
def test_write_time(form: Any, expected: str) -> None:
    assert write_time(AT, form) == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("id", 7),
        ("a.b[1].c", "x"),
        ("a.b[5].c", None),
        ("a.none.c", None),
        ("id.c", None),
        ("=a text", "a text"),
    ],
)
def test_find_value(path: str, expected: Any) -> None:
    assert find_value({"id": 7, "a": {"b": [{}, {"c": "x"}]}}, path) == expected


@pytest.mark.parametrize("format_", ["csv", "json"])
def test_rows__of_an_earlier_pull_are_left_out(format_: str) -> None:
    declaration = declared(format=format_)
    refunds = [{"at": "2024-03-02T00:00:00Z", "note": 'a, "b"\nc'}, {"at": "2024-03-04T00:00:00Z"}]
    order = {"id": 7, "placed": "2024-03-01T00:00:00Z", "note": "é", "refunds": refunds}
    everything = rows_of_object(order, declaration, BEGIN)
    assert len(everything) == 2  # both refunds of the order have one key
    text = write_lines(everything.values(), declaration)
    assert read_keys(text, declaration) == list(everything)
    assert len(text.splitlines()) == (3 if format_ == "csv" else 2)
    assert rows_of_object(order, declaration, datetime(2024, 3, 4, tzinfo=timezone.utc)) == {}
    assert rows_of_object({}, declaration, BEGIN) == {}


def test_rows__of_csv_hold_no_line_break() -> None:
    declaration = declared(format="csv")
    (line,) = rows_of_object({"id": 7, "placed": 1709287200, "note": 'a, "b"\r\nc'}, declaration, BEGIN).values()
    assert line == '7,sale,"a, ""b"" c"'


def test_position__is_read_from_names() -> None:
    first = find_position([], BEGIN)
    assert first == (BEGIN, BEGIN, 0)
    names = [landed_name(first, AT, "csv")]
    assert find_position(names, BEGIN) == (BEGIN, AT, 1)
    names.append(complete_name(find_position(names, BEGIN)))
    assert find_position(names, BEGIN) == (AT, AT, 1)
    later = AT + timedelta(hours=1)
    names.append(landed_name(find_position(names, BEGIN), later, "csv"))
    assert find_position(names, BEGIN) == (AT, later, 2)  # an unfinished window keeps its floor
    assert find_position([*names, ".x.part", "notes.txt"], BEGIN) == (AT, later, 2)
    idle = [complete_name(first), f"_complete_{AT:%Y%m%dT%H%M%S.%fZ}.000000"]
    assert find_position(idle, BEGIN) == (AT, AT, 0)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"key": ["order", "kid"]}, "'kid' is not a column of `rows`"),
        ({"rows": [DECLARED["rows"][0], {"at": "x", "columns": {"order": "id"}}]}, "the same columns"),  # type: ignore[index]
        ({"token": "abc-123"}, "token"),
        ({"hosts": []}, "hosts"),
        ({"cursor": {"path": "a b"}}, "cursor"),
    ],
)
def test_declaration__refuses(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        declared(**changes)


def test_load_pull__names_the_nearest_declaration() -> None:
    with pytest.raises(
        ConfigurationError, match=r"hubspot_deal.yaml does not exist \(did you mean 'hubspot_deals'\?\)"
    ):
        load_pull(CONF, "hubspot_deal")
