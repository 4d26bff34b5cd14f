"""Numeric properties of a mapping."""

from __future__ import annotations

from typing import Any

import pytest

from segmentation.errors import ConfigurationError
from segmentation.parameters import validated
from segmentation.sources.mapping import SourceMapping
from segmentation.sources.properties import describe_not_numeric

FIELDS = {"event_id": "id", "user_id": "user", "event_name": "name", "event_at": "at"}


def mapping(**properties: Any) -> SourceMapping:
    said = {"name": "shop", "format": "csv", "fields": FIELDS, "properties": properties}
    return validated(SourceMapping, said, "shop.yaml")


def test_a_type_makes_a_property_numeric() -> None:
    read = mapping(store="store", pages={"column": "pages", "type": "integer", "unit": "pages"})
    assert list(read.numeric_properties) == ["pages"]


@pytest.mark.parametrize(
    ("pages", "message"),
    [
        ({"column": "pages", "unit": "pages"}, r"properties\.pages: unit is for numeric properties: give type"),
        ({"column": "pages", "type": "float"}, r"properties\.pages\.type: .*'integer' or 'decimal'"),
        ({"column": "pages", "typ": "integer"}, "did you mean 'type'"),
    ],
)
def test_a_slip_is_refused(pages: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        mapping(pages=pages)


def test_the_type_shapes_the_tables_and_the_unit_does_not() -> None:
    plain, typed = mapping(pages="pages"), mapping(pages={"column": "pages", "type": "integer"})
    assert plain.fingerprint == "536cd557147409f6"
    assert typed.fingerprint != plain.fingerprint
    assert typed.fingerprint == mapping(pages={"column": "pages", "type": "integer", "unit": "pages"}).fingerprint


def test_a_note_names_the_properties_and_how_many_values_were_left_out() -> None:
    assert describe_not_numeric({}, "shop") == []
    [note] = describe_not_numeric({"pages": 2, "weight": 1}, "shop")
    for words in ("not_numeric: 3 values", "'shop'", "pages (2), weight (1)", "expr"):
        assert words in note
