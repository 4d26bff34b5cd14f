"""Compare two declarations of a mapping: find the changes after which an accepted record may be read differently."""

from __future__ import annotations

import json
import zlib
from typing import TYPE_CHECKING, Any

from segmentation.sources.mapping import BESIDE_EVENTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from segmentation.sources.mapping import SourceMapping

Declaration = dict[str, Any]
"""A mapping as JSON, without the keys that have their default and those that do not shape events."""

NEVER_EMPTY = ("event_name", "event_at", "received_at")
"""Fields that every accepted record has, `required` or not."""
USER_FIELDS = ("user_id", "known_id", "anonymous_id")


def declare(mapping: SourceMapping) -> Declaration:
    """Return the declaration of a mapping."""
    return mapping.model_dump(mode="json", exclude=set(BESIDE_EVENTS), exclude_defaults=True)


def pack_declaration(declaration: Declaration) -> str:
    """Write a declaration as one word of hexadecimal digits.

    Spark shows no property of a table whose text holds a word such as `url` or `token`; digits hold none.
    """
    text = json.dumps(declaration, sort_keys=True, separators=(",", ":"))
    return zlib.compress(text.encode(), 9).hex()


def unpack_declaration(packed: str) -> Declaration:
    """Read a declaration that :func:`pack_declaration` wrote."""
    declaration: Declaration = json.loads(zlib.decompress(bytes.fromhex(packed)))
    return declaration


def find_binding_changes(before: Declaration, after: Declaration) -> list[str]:
    """List the changed keys that may change how an accepted record is read, or whether it is accepted.

    All other changes are relaxations: they accept rejected records, or reject or exclude them for another reason, and
    every record that was accepted is read as before. A change that is not known to be a relaxation is listed.
    """
    return [
        found
        for key in sorted(before.keys() | after.keys())
        if before.get(key) != after.get(key)
        for found in _BINDING.get(key, _binding_key)(key, before, after)
    ]


def _binding_key(key: str, _before: Declaration, _after: Declaration) -> Iterator[str]:
    yield key


def _binding_description(_key: str, _before: Declaration, _after: Declaration) -> Iterator[str]:
    yield from ()


def _binding_bots(key: str, before: Declaration, _after: Declaration) -> Iterator[str]:
    """Bind if records of bots, which were kept, are rejected."""
    if before.get(key) == "keep":
        yield key


def _binding_rules(key: str, before: Declaration, after: Declaration) -> Iterator[str]:
    """Bind if there is a condition that accepted records need not fulfil."""
    known = [rule["expr"] for rule in before.get(key, ())]
    for rule in after.get(key, ()):
        if not any(_is_implied(rule["expr"], expr) for expr in known):
            yield f"rule {rule['reason']}"


def _is_implied(expr: str, by: str) -> bool:
    """Return whether a condition is another one, or `(other) OR more`. A comment could hide the bracket."""
    opened, has_comment = f"({by})", "--" in expr or "/*" in expr
    more = expr.removeprefix(opened).lstrip().upper()
    return expr == by or (expr.startswith(opened) and more.startswith(("OR ", "OR(")) and not has_comment)


def _binding_fields(key: str, before: Declaration, after: Declaration) -> Iterator[str]:
    former, given = before[key], after[key]
    for name in sorted(former.keys() | given.keys()):
        if not _is_relaxed(former.get(name), given.get(name), is_never_empty=_is_never_empty(name, former)):
            yield f"{key}.{name}"


def _is_never_empty(name: str, fields: Mapping[str, Any]) -> bool:
    """Return whether accepted records have this field, so that a default changes none of them."""
    alone = sum(user in fields for user in USER_FIELDS) == 1
    if name == "user_id":  # its `required` also accepts a record that has another of these fields
        return alone
    return name in NEVER_EMPTY or (name in USER_FIELDS and alone) or bool(fields.get(name, {}).get("required"))


def _is_relaxed(before: Declaration | None, after: Declaration | None, *, is_never_empty: bool) -> bool:
    """Return whether a field is read as before in every accepted record."""
    if before is None or after is None:
        return before == after
    changed = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
    default_is_unused = is_never_empty and before.get("default") is None
    harmless: dict[str, bool] = {
        "required": not after.get("required", False),
        "default": default_is_unused,
        "min": _is_wider(after.get("min"), before.get("min"), -1),
        "max": _is_wider(after.get("max"), before.get("max"), 1),
        "format": _is_appended(before.get("format", []), after.get("format", [])),
    }
    return all(harmless.get(key, False) for key in changed)


def _is_wider(bound: float | None, former: float | None, sign: int) -> bool:
    """Return whether every number within the former bound is within the new one; no bound is the widest."""
    return bound is None or (former is not None and sign * bound >= sign * former)


def _is_appended(before: list[str], after: list[str]) -> bool:
    """Return whether patterns of times were added behind those that there were; the first that fits counts."""
    return bool(before) and after[: len(before)] == before


_BINDING: dict[str, Callable[[str, Declaration, Declaration], Iterator[str]]] = {
    "description": _binding_description,
    "bots": _binding_bots,
    "rules": _binding_rules,
    "fields": _binding_fields,
}
"""Comparisons of the keys whose change may be a relaxation; a change of any other key binds."""
