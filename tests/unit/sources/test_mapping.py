"""The keys of a mapping, its fingerprint, and the input that it asks for."""

from __future__ import annotations

from typing import Any

import pytest

from segmentation.errors import ConfigurationError
from segmentation.parameters import validated
from segmentation.sources.mapping import SourceMapping, check_input

FIELDS = {"event_id": "id", "user_id": "user", "event_name": "name", "event_at": "at"}


def mapping(**said: Any) -> SourceMapping:
    return validated(SourceMapping, {"name": "shop", "format": "csv", "fields": FIELDS, **said}, "shop.yaml")


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"format": "json"}, "multiline is for files of csv"),
        ({"kafka": {"bootstrap_servers": "b:1", "topic": "t"}, "header": ["id"]}, "multiline is for files of csv"),
        ({"quote": ""}, "multiline needs a quote"),
        ({"quote": "\u201c"}, "multiline needs a quote"),
    ],
)
def test_multiline_is_refused_where_nothing_can_hold_a_line_break(said: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        mapping(multiline=True, **said)


def test_a_key_that_is_not_used_leaves_the_fingerprint_of_older_lakes() -> None:
    plain = mapping()
    assert plain.fingerprint == "ce4cd7b4c9d25197"  # a lake made before the key came
    assert mapping(multiline=True).fingerprint != plain.fingerprint


TOPIC = {"format": "json", "kafka": {"bootstrap_servers": "b:1", "topic": "clicks"}}
TABLE = {"format": "parquet", "jdbc": {"url": "jdbc:postgresql://db/shop", "table": "orders", "watermark": "id"}}


@pytest.mark.parametrize(
    ("description", "said", "given", "words"),
    [
        ("files that are missing", {}, None, "source 'shop' reads files: say which with --input"),
        ("no file among those given", {}, [], "source 'shop' reads files: say which with --input"),
        ("files beside a topic", TOPIC, ["a.json"], "reads the topic clicks: leave --input out"),
        ("files beside a table", TABLE, ["a.parquet"], "reads the table orders: leave --input out"),
    ],
)
def test_check_input__refused(description: str, said: dict[str, Any], given: list[str] | None, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        check_input(mapping(**said), given)


@pytest.mark.parametrize(("said", "given"), [({}, ["a.csv"]), (TOPIC, None), (TABLE, [])])
def test_check_input__accepted(said: dict[str, Any], given: list[str] | None) -> None:
    check_input(mapping(**said), given)
