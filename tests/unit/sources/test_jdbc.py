"""What a mapping may say of a table, and which stretch of it comes next."""

from __future__ import annotations

from typing import Any

import pytest

from segmentation.errors import ConfigurationError, DataError
from segmentation.parameters import validated
from segmentation.sources.jdbc import JdbcParams, Landed, Stretch, next_stretch, sort_landed
from segmentation.sources.mapping import SourceMapping

GIVEN = {"url": "jdbc:postgresql://db/shop", "table": "orders", "watermark": "id"}
PARAMS = JdbcParams(**GIVEN)
FIELDS = {"event_id": "id", "user_id": "customer", "event_name": "name", "event_at": "at"}


def mapping(jdbc: dict[str, Any], **values: Any) -> SourceMapping:
    whole = {"name": "shop", "format": "parquet", "fields": FIELDS, "jdbc": {**GIVEN, **jdbc}, **values}
    return validated(SourceMapping, whole, "shop.yaml")


def test_a_stretch_has_landed_when_all_its_parts_have() -> None:
    first, second = Stretch(None, 9), Stretch(9, 12)
    files = [f"/lake/_raw/shop/rows/{first.name(part, 2)}" for part in (1, 2)]
    begun = f"/lake/_raw/shop/rows/{second.name(1, 3)}"
    assert sort_landed([begun, *files, "/lake/_raw/shop/rows/other.parquet"]) == Landed(9, files, [begun])
    assert sort_landed([begun]) == Landed(None, [], [begun])
    assert sort_landed([f"/r/{Stretch(-5, -3).name(1, 1)}"]).until == -3


@pytest.mark.parametrize(
    ("until", "greatest", "expected"),
    [
        pytest.param(None, None, None, id="an empty table"),
        pytest.param(None, 7, Stretch(None, 7), id="the whole table"),
        pytest.param(7, 7, None, id="nothing new"),
        pytest.param(7, 9, Stretch(7, 9), id="what is new"),
    ],
)
def test_what_is_read_next(until: int | None, greatest: int | None, expected: Stretch | None) -> None:
    assert next_stretch(PARAMS, Landed(until, [], []), greatest) == expected


@pytest.mark.parametrize("greatest", [None, 6])
def test_a_table_that_was_cut_off_is_told(greatest: int | None) -> None:
    with pytest.raises(DataError, match="orders: id up to 7 was ingested, but its greatest is"):
        next_stretch(PARAMS, Landed(7, [], []), greatest)


def test_secrets_are_filled_in_late_and_shape_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANARY", "canary-text")
    options = {"user": "reader", "password": "${CANARY}", "ssl": True}
    there = mapping({"options": options, "overlap": 60})
    assert there.fingerprint == mapping({}).fingerprint
    assert "canary" not in repr(there)
    assert there.jdbc is not None
    reader = there.jdbc.reader()
    assert (reader["password"], reader["ssl"], reader["driver"]) == ("canary-text", "true", "org.postgresql.Driver")
    monkeypatch.delenv("CANARY")
    with pytest.raises(ConfigurationError, match="jdbc: the environment variable CANARY is not set"):
        there.jdbc.reader()


@pytest.mark.parametrize(
    ("jdbc", "values", "told"),
    [
        ({"options": {"password": "canary"}}, {}, "password holds a secret"),
        ({"url": "jdbc:postgresql://db/shop?user=u&password=canary"}, {}, "url holds a secret"),
        ({"watermark": "id; DROP TABLE orders"}, {}, "jdbc.watermark"),
        ({"watermak": "id"}, {}, "did you mean 'watermark'"),
        ({}, {"format": "csv"}, "format is parquet"),
        ({}, {"kafka": {"bootstrap_servers": "b:1", "topic": "t"}, "format": "json"}, "not both"),
    ],
)
def test_what_is_refused(jdbc: dict[str, Any], values: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigurationError, match=told) as error:
        mapping(jdbc, **values)
    assert "canary" not in str(error.value)
