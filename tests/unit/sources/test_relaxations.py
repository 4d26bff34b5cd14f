"""Changes of a mapping that leave every accepted record as it is, and those that may not."""

from __future__ import annotations

from typing import Any

import pytest

from segmentation.parameters import validated
from segmentation.sources.mapping import SourceMapping
from segmentation.sources.relaxations import declare, find_binding_changes, pack_declaration, unpack_declaration

FIELDS: dict[str, Any] = {
    "event_id": "id",
    "user_id": "user",
    "event_name": "name",
    "event_at": {"column": "at", "format": ["yyyy-MM-dd"]},
    "value": {"column": "page_url", "required": True, "min": 0, "max": 10},
}
RULE = {"reason": "test", "expr": "name <> 'test'"}
STAFF = {"reason": "staff", "expr": "user <> 'staff'"}


def mapping(fields: dict[str, Any] | None = None, **said: Any) -> SourceMapping:
    given = {"name": "shop", "format": "csv", "fields": {**FIELDS, **(fields or {})}, "rules": [RULE], **said}
    return validated(SourceMapping, given, "shop.yaml")


def value(**said: Any) -> dict[str, Any]:
    return {"value": {**FIELDS["value"], **said}}


def time(*patterns: str) -> dict[str, Any]:
    return {"event_at": {"column": "at", "format": list(patterns)}}


@pytest.mark.parametrize(
    ("description", "after"),
    [
        ("nothing", mapping()),
        ("other words", mapping(description="our shop")),
        ("a rule removed", mapping(rules=[])),
        ("a rule excludes instead of rejecting", mapping(rules=[{**RULE, "exclude": True}])),
        ("a rule has another reason", mapping(rules=[{**RULE, "reason": "tried"}])),
        ("a rule widened", mapping(rules=[{**RULE, "expr": "(name <> 'test') or user = 'qa'"}])),
        ("a range widened", mapping(value(min=-5, max=10.5))),
        ("a range removed", mapping(value(min=None, max=None))),
        ("a field no longer required", mapping(value(required=False))),
        ("a default for a required field", mapping(value(default=0))),
        ("a default for a required field that is not required any more", mapping(value(default=0, required=False))),
        ("a default for a field that no event lacks", mapping({"event_name": {"column": "name", "default": "view"}})),
        ("a default for the only user id", mapping({"user_id": {"column": "user", "default": "somebody"}})),
        ("a pattern of times appended", mapping(time("yyyy-MM-dd", "dd.MM.yyyy"))),
        ("bots excluded", mapping(bots="exclude")),
        ("bots kept", mapping(bots="keep")),
    ],
)
def test_find_binding_changes__relaxations(description: str, after: SourceMapping) -> None:
    assert find_binding_changes(declare(mapping()), declare(after)) == [], description


TWO_IDS = {"known_id": {"column": "login"}, "anonymous_id": {"column": "cookie"}}


@pytest.mark.parametrize(
    ("description", "before", "after", "named"),
    [
        ("a rule added", mapping(), mapping(rules=[RULE, STAFF]), ["rule staff"]),
        ("a rule narrowed", mapping(), mapping(rules=[{**RULE, "expr": "(name <> 'test') AND value > 0"}]),
         ["rule test"]),
        ("brackets of another condition", mapping(),
         mapping(rules=[{**RULE, "expr": "(name <> 'test' AND value > 0) OR user = 'qa'"}]), ["rule test"]),
        ("a comment in brackets", mapping(rules=[{**RULE, "expr": "value > 0 -- all"}]),
         mapping(rules=[{**RULE, "expr": "(value > 0 -- all) OR true\n AND value > 5)"}]), ["rule test"]),
        ("a range narrowed", mapping(), mapping(value(max=9)), ["fields.value"]),
        ("a bound added", mapping(value(min=None)), mapping(), ["fields.value"]),
        ("a field required", mapping(value(required=False)), mapping(), ["fields.value"]),
        ("a default where nothing is required", mapping(value(required=False)),
         mapping(value(required=False, default=0)), ["fields.value"]),
        ("another default", mapping(value(default=1)), mapping(value(default=0)), ["fields.value"]),
        ("a default for one of several user ids", mapping(TWO_IDS),
         mapping({**TWO_IDS, "user_id": {"column": "user", "default": "x", "required": True}}), ["fields.user_id"]),
        ("a pattern of times put in front", mapping(), mapping(time("dd.MM.yyyy", "yyyy-MM-dd")), ["fields.event_at"]),
        ("a first pattern of times", mapping(time()), mapping(time("dd.MM.yyyy")), ["fields.event_at"]),
        ("another column", mapping(), mapping({"value": {**FIELDS["value"], "column": "net"}}), ["fields.value"]),
        ("a field added", mapping(), mapping({"channel": "campaign"}), ["fields.channel"]),
        ("bots rejected", mapping(bots="keep"), mapping(), ["bots"]),
        ("several keys", mapping(), mapping({"channel": "c"}, delimiter=";", properties=["plan"]),
         ["delimiter", "fields.channel", "properties"]),
        ("another list of formats", mapping(), mapping(format=["csv", "json"]), ["format"]),
    ],
)  # fmt: skip
def test_find_binding_changes__what_binds(
    description: str, before: SourceMapping, after: SourceMapping, named: list[str]
) -> None:
    assert find_binding_changes(declare(before), declare(after)) == named, description


def test_pack_declaration__only_digits_that_spell_no_secret() -> None:
    declaration = declare(mapping(kafka=None))
    packed = pack_declaration(declaration)
    assert unpack_declaration(packed) == declaration
    assert set(packed) <= set("0123456789abcdef")
