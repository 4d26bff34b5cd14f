"""Draft a mapping for a new file from its columns and a sample of its rows."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from segmentation.sources.column_names import (
    ACTIONS,
    CONVERSIONS,
    NAMES,
    PURCHASES,
    REFUNDS,
    is_row_number_name,
    plain_name,
)
from segmentation.sources.inferred_times import (
    are_midnights,
    most,
    swapped,
    time_form,
    time_of_day_form,
)
from segmentation.sources.platforms import PLATFORMS

if TYPE_CHECKING:
    from collections.abc import Sequence

KNOWN_PLATFORMS = {alias for aliases in PLATFORMS.values() for alias in aliases}
NUMBER = re.compile(r"[-+]?\d+(\.\d+)?([eE][-+]?\d+)?")
COMMA_NUMBER = re.compile(r"[-+]?(\d+|\d{1,3}([. \u00a0\u202f']\d{3})+),\d+")
"""A decimal comma, and points, blanks or apostrophes between thousands where there are any."""
MONEY = re.compile(r"[-+]?\d+[.]\d{2}")
PER_PIECE = re.compile("unit|each|piece|einzel|st(ü|ue)ck|pi(è|e)ce|pezzo", re.IGNORECASE)
"""Names of prices of a piece, which are not the value of an event."""
TOKEN = re.compile(r"[^\s;,|]*\d[^\s;,|]*")
WHOLE_TOKEN = re.compile(r"[^\s;,.|@]*\d[^\s;,.|@]*")
E_MAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
LEAST_ROWS = 20
"""Rows from which on it means something that all values of a column differ, or that few do."""
MOST_EVENT_NAMES = 50
TIME_OF_DAY = "time_of_day"
"""Key of the column that holds the time of day, beside one that holds the day."""


class FileSample(NamedTuple):
    """Sample of a file: its format, its columns and some rows as texts (null: None)."""

    format: str
    columns: tuple[str, ...]
    rows: tuple[dict[str, str | None], ...]
    delimiter: str = ","
    spans_lines: bool = False
    """CSV: a quoted field holds a line break."""
    encoding: str = "UTF-8"
    escape: str | None = None

    def values(self, column: str) -> list[str]:
        """All values of a column that are not blank."""
        return [text.strip() for row in self.rows if (text := row.get(column)) is not None and text.strip()]


def draft_mapping(name: str, sample: FileSample) -> str:
    """Write the YAML of a mapping; comments name guesses, and lines that need a decision.

    Args:
        name: the source.
        sample: its columns and rows.
    """
    found = _match_columns(sample)
    numbering = row_number_column(sample)
    lines = [
        f"# Drafted from {len(sample.rows)} records. Read every line: what a column means is yours to say.",
        f"description: Events of {name}.",
        f"format: {sample.format}",
        *_dialect(sample),
        "fields:",
        *_identity(sample, found, numbering),
        *_who_and_what(sample, found),
        *_time("event_at", sample, found),
        *(_time("received_at", sample, found) if "received_at" in found else []),
        *(_number(field, sample, found) for field in _OPTIONAL if field in found),
    ]
    if "value" in found and "currency" not in found:
        lines.append("  # currency: {constant: EUR}   # unless it is the reporting currency")
    lines += _money(sample, found)
    others = [column for column in sample.columns if column not in (*found.values(), numbering)]
    if others:
        lines.append("properties: [" + ", ".join(_quoted(column) for column in others) + "]")
    if "user_id" in found and _are_addresses(sample.values(found["user_id"])):
        lines.append("# pseudonymise: [user]   # users are e-mail addresses: stores keyed pseudonyms, docs/privacy.md")
    return "\n".join(lines) + "\n"


_OPTIONAL = ("platform", "device_type", "channel", "session_hint", "value", "currency", "duration_ms")


def _dialect(sample: FileSample) -> list[str]:
    lines = []
    if sample.encoding != "UTF-8":
        doubt = "" if sample.encoding == "UTF-16" else "   # the file is not UTF-8; look at the letters with accents"
        lines.append(f"encoding: {sample.encoding}{doubt}")
    if sample.format == "csv" and sample.delimiter != ",":
        lines.append(f"delimiter: {_quoted(sample.delimiter)}")
    if sample.escape is not None:
        lines.append(f"escape: {_quoted(sample.escape)}   # quotes within quotes")
    return [*lines, *(["multiline: true   # quoted fields hold line breaks"] if sample.spans_lines else [])]


def row_number_column(sample: FileSample) -> str | None:
    """Return the column that only numbers the rows, as data frames and spreadsheets write it: no fact of an event."""
    for column in sample.columns:
        values = sample.values(column)
        if not is_row_number_name(column) or not values or not all(text.isdecimal() for text in values):
            continue
        numbers = [int(text) for text in values]
        steps = [after - before for before, after in pairwise(numbers)]
        if numbers[0] in (0, 1) and most(step == 1 for step in steps):
            return column
    return None


def _match_columns(sample: FileSample) -> dict[str, str]:
    """Give each field the column whose name fits best, else the only one whose values do; a column serves one field."""
    by_name = {plain_name(column): column for column in sample.columns}
    found: dict[str, str] = {}
    for field, names in NAMES.items():
        candidates = (by_name.get(plain_name(name)) for name in names.split())
        fitting = (c for c in candidates if c is not None and c not in found.values() and _fits(field, sample, c))
        match = next(fitting, None)
        if match is not None:
            found[field] = match
    by_value = {
        "event_at": _fits,
        "event_id": _is_identity,
        "value": _is_money,
        "user_id": _is_user,
        "event_name": _is_action,
    }
    for field, fits in by_value.items():  # called otherwise, or in another language
        free = [c for c in sample.columns if c not in found.values() and c != row_number_column(sample)]
        only = [c for c in free if fits(field, sample, c)] if field not in found else []
        if len(only) == 1:
            found[field] = only[0]
    if "event_at" in found and are_days(sample.values(found["event_at"])):
        free = [c for c in sample.columns if c not in found.values()]
        times = [c for c in free if time_of_day_form(sample.values(c)) is not None]
        if len(times) == 1:
            found[TIME_OF_DAY] = times[0]
    return found


def are_days(values: Sequence[str]) -> bool:
    """Return whether times have a day and no time of day."""
    form = time_form(values)
    return form is not None and form not in {"ISO 8601", "epoch"} and not re.search("[Hh]", form)


def _is_identity(_: str, sample: FileSample, column: str) -> bool:
    """Return whether values look like ids of events: tokens with digits that all differ."""
    values = sample.values(column)
    if len(values) < max(LEAST_ROWS, len(sample.rows)) or time_form(values) is not None:
        return False
    return len(set(values)) == len(values) and all(WHOLE_TOKEN.fullmatch(text) for text in values)


def _is_action(_: str, sample: FileSample, column: str) -> bool:
    """Return whether values look like event names: few that repeat, one of which names an action."""
    values = sample.values(column)
    different = set(values)
    if len(values) < LEAST_ROWS or not 1 < len(different) <= min(MOST_EVENT_NAMES, len(values) // 5):
        return False
    return any(CONVERSIONS.search(text) or ACTIONS.search(text) for text in different)


def _is_money(_: str, sample: FileSample, column: str) -> bool:
    values = sample.values(column)
    if PER_PIECE.search(column):
        return False
    return bool(values) and (_has_commas(values) or most(MONEY.fullmatch(text) is not None for text in values))


def _is_user(_: str, sample: FileSample, column: str) -> bool:
    """Return whether values look like ids of users: tokens with digits or addresses, some of which repeat."""
    values = sample.values(column)
    if 2 * len(values) < len(sample.rows) or time_form(values) is not None:
        return False
    different = set(values)
    if not 2 < len(different) < len(values):  # noqa: PLR2004  two values are a flag
        return False
    if _are_addresses(values):
        return True
    if all(NUMBER.fullmatch(text) for text in values):  # small numbers are counts
        return all(text.isdecimal() for text in values) and min(map(int, values)) >= 1_000  # noqa: PLR2004
    return most(TOKEN.fullmatch(text) is not None for text in values)


def _are_addresses(values: Sequence[str]) -> bool:
    return bool(values) and most(E_MAIL.fullmatch(text) is not None for text in values)


def _fits(field: str, sample: FileSample, column: str) -> bool:
    values = sample.values(column)
    if field == "event_id":
        return len(values) == len(sample.rows) and len(set(values)) > len(values) // 2
    if field in ("event_at", "received_at"):
        return time_form(values) is not None
    if field == "platform" and plain_name(column) != field:
        return bool(values) and all(text.lower() in KNOWN_PLATFORMS for text in values)
    if field in ("value", "duration_ms"):
        plain = most(NUMBER.fullmatch(text) is not None for text in values)
        return bool(values) and (plain or _has_commas(values))
    return True


def _is_named(field: str, column: str) -> bool:
    """Return whether a column has one of the known names of a field."""
    return plain_name(column) in {plain_name(name) for name in NAMES[field].split()}


def _identity(sample: FileSample, found: dict[str, str], numbering: str | None) -> list[str]:
    if "event_id" in found:
        column = found["event_id"]
        repeats = len(sample.rows) - len(set(sample.values(column)))
        named = _is_named("event_id", column)
        note = "" if named else "   # chosen by its values, which all differ"
        note = f"   # {repeats} of the sample's records share one" if repeats else note
        return [f"  event_id: {_quoted(column)}{note}"]
    key = ", ".join(_quoted(column) for column in sample.columns if column != numbering)
    lines = [
        "  # No column identifies an event: all together do, so only exact copies are duplicates.",
        f"  event_id: {{key: [{key}]}}",
    ]
    if numbering is not None:
        lines.insert(1, f"  # Column {_quoted(numbering)} is left out: it only numbers the rows of the file.")
    return lines


def _who_and_what(sample: FileSample, found: dict[str, str]) -> list[str]:
    lines = []
    if "user_id" in found:
        lines.append(_user(sample, found["user_id"]))
    else:
        lines.append("  user_id: TODO   # which column tells the person?")
    if "event_name" in found:
        column = found["event_name"]
        named = _is_named("event_name", column)
        lines.append(_field("event_name", found) + ("" if named else "   # chosen by its values: is it what happened?"))
    else:
        what = "purchase" if "value" in found else "event"
        lines.append(f"  event_name: {{constant: {what}}}   # what happened? a column, a constant or an expression")
    return lines


def _money(sample: FileSample, found: dict[str, str]) -> list[str]:
    """Name the events that sound like purchases and refunds, where the names of the configuration are others."""
    names = sorted(set(sample.values(found["event_name"]))) if "event_name" in found else []
    bought, returned = ([name for name in names if kind.fullmatch(name)] for kind in (PURCHASES, REFUNDS))
    if not bought or "purchase" in bought:
        return []
    return [
        f"conversions: [{', '.join(map(_quoted, bought))}]   # they sound like purchases: their value is revenue",
        f"refunds: [{', '.join(map(_quoted, returned))}]   # events that take revenue back",
    ]


def _user(sample: FileSample, column: str) -> str:
    values = sample.values(column)
    if (
        sample.format in ("csv", "json")
        and values
        and most(re.fullmatch(r"\d+[.]0", text) is not None for text in values)
    ):
        plain = f"regexp_replace({_sql_name(column)}, '[.]0$', '')"
        return f"  user_id: {{expr: {json.dumps(plain, ensure_ascii=False)}}}   # numbers that became floating point"
    named = _is_named("user_id", column)
    return f"  user_id: {_quoted(column)}" + ("" if named else "   # chosen by its values: does it tell the person?")


def _time(field: str, sample: FileSample, found: dict[str, str]) -> list[str]:
    if field not in found:
        return [f"  {field}: TODO   # which column tells when? see docs/sources.md for formats and units"]
    column = found[field]
    values = sample.values(column)
    form = time_form(values) or ""
    notes = []
    if form == "ISO 8601":
        origin = _quoted(column)
    elif form == "epoch":
        origin = f"{{column: {_quoted(column)}, unit: auto}}"
    else:
        turned = swapped(form, values)
        notes += [f"or {turned}: the sample fits both"] if turned else []
        origin = f'{{column: {_quoted(column)}, format: "{form}", zone: UTC}}'
        if field == "event_at" and TIME_OF_DAY in found:
            clock = time_of_day_form(sample.values(found[TIME_OF_DAY]))
            both = f"concat_ws(' ', {_sql_name(column)}, {_sql_name(found[TIME_OF_DAY])})"
            origin = f'{{expr: {json.dumps(both, ensure_ascii=False)}, format: "{form} {clock}", zone: UTC}}'
    if TIME_OF_DAY not in found and are_midnights(form, values):
        notes.append("all times are midnight")
    return [f"  {field}: {origin}" + (f"   # {'; '.join(notes)}" if notes else "")]


def _has_commas(values: Sequence[str]) -> bool:
    """Return whether numbers are whole or have a decimal comma, and some have one."""
    commas = [COMMA_NUMBER.fullmatch(text) is not None for text in values]
    return any(commas) and most(comma or text.isdecimal() for comma, text in zip(commas, values, strict=True))


def _number(field: str, sample: FileSample, found: dict[str, str]) -> str:
    column = found[field]
    if field != "value" or not _has_commas(sample.values(column)):
        by_name = field != "value" or _is_named("value", column)
        return _field(field, found) + ("" if by_name else "   # chosen by its values: is it money?")
    name = _sql_name(column)
    plain = f"replace(replace({name}, '.', ''), ',', '.')"
    if any(re.search("[ \u00a0\u202f']", text) for text in sample.values(column)):
        plain = f"replace(regexp_replace({name}, '[^0-9,+-]', ''), ',', '.')"
    return f"  {field}: {{expr: {json.dumps(plain, ensure_ascii=False)}}}   # a decimal comma"


def _field(field: str, found: dict[str, str]) -> str:
    return f"  {field}: {_quoted(found[field])}"


def _sql_name(column: str) -> str:
    return "`" + column.replace("`", "``") + "`"


def _quoted(text: str) -> str:
    return text if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", text) else json.dumps(text)
