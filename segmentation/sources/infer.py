"""Draft a mapping for a new file from its columns and a sample of its rows."""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from segmentation.sources.platforms import PLATFORMS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

NAMES = {
    "event_at": ("event_at event_time event_timestamp timestamp occurred_at created_at datetime date time ts at "
                 "invoicedate order_date transaction_timestamp started_at changed_at sold_at visit_time"),
    "received_at": "received_at ingested_at collector_tstamp loaded_at load_time inserted_at server_time",
    "event_id": "event_id eventid message_id messageid uuid insert_id hit_id id",
    "user_id": ("user_id userid customer_id customerid client_id visitor_id member_id person_id contact_id account_id "
                "household_id distinct_id user_pseudo_id anonymous_id user customer visitor client uid cid email"),
    "event_name": "event_name event action event_type eventtype activity type name page url",
    "platform": "platform os app_platform device_os device device_type",
    "device_type": "device_type device device_category",
    "channel": "channel utm_medium medium acquisition_channel source_medium traffic_source",
    "session_hint": "session_id sessionid visit_id ga_session_id basket_id",
    "value": "value revenue amount total price sales_value order_value",
    "currency": "currency currency_code iso_currency",
    "duration_ms": "duration_ms",
}  # fmt: skip
"""Field -> names that columns of that meaning usually have, best first; case and punctuation do not matter."""

PATTERNS = {
    "yyyy-MM-dd HH:mm:ss": "%Y-%m-%d %H:%M:%S",
    "yyyy-MM-dd HH:mm": "%Y-%m-%d %H:%M",
    "yyyy-MM-dd": "%Y-%m-%d",
    "yyyyMMdd": "%Y%m%d",
    "dd.MM.yyyy HH:mm:ss": "%d.%m.%Y %H:%M:%S",
    "dd.MM.yyyy HH:mm": "%d.%m.%Y %H:%M",
    "dd.MM.yyyy": "%d.%m.%Y",
    "dd/MM/yyyy HH:mm:ss": "%d/%m/%Y %H:%M:%S",
    "dd/MM/yyyy HH:mm": "%d/%m/%Y %H:%M",
    "dd/MM/yyyy": "%d/%m/%Y",
    "MM/dd/yyyy HH:mm:ss": "%m/%d/%Y %H:%M:%S",
    "MM/dd/yyyy HH:mm": "%m/%d/%Y %H:%M",
    "MM/dd/yyyy": "%m/%d/%Y",
    "dd/MMM/yyyy:HH:mm:ss Z": "%d/%b/%Y:%H:%M:%S %z",
}
"""Spark's datetime pattern -> Python's, in the order in which they are tried."""
KNOWN_PLATFORMS = {alias for aliases in PLATFORMS.values() for alias in aliases}
ISO_8601 = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[-+]\d\d:?\d\d)?")
EPOCH = re.compile(r"\d+(\.\d+)?")
NUMBER = re.compile(r"[-+]?\d+(\.\d+)?([eE][-+]?\d+)?")
COMMA_NUMBER = re.compile(r"[-+]?(\d+|\d{1,3}(\.\d{3})+),\d+")
"""A decimal comma, and points between thousands where there are any."""
LEAST_EPOCH = 10**8
"""Smaller numbers are no times since 1973, in whatever unit."""


class FileSample(NamedTuple):
    """Sample of a file: its format, its columns and some rows as texts (null: None)."""

    format: str
    columns: tuple[str, ...]
    rows: tuple[dict[str, str | None], ...]
    delimiter: str = ","
    spans_lines: bool = False
    """CSV: a quoted field holds a line break."""

    def values(self, column: str) -> list[str]:
        """All values of a column that are not blank."""
        return [text.strip() for row in self.rows if (text := row.get(column)) is not None and text.strip()]


def draft_mapping(name: str, sample: FileSample) -> str:
    """Write the YAML of a mapping; what had to be guessed, and what to look at, stands in comments.

    Args:
        name: the source.
        sample: its columns and rows.
    """
    found = _match_columns(sample)
    lines = [
        f"# Drafted from {len(sample.rows)} records. Read every line: what a column means is yours to say.",
        f"description: Events of {name}.",
        f"format: {sample.format}",
        *([f"delimiter: {_quoted(sample.delimiter)}"] if sample.format == "csv" and sample.delimiter != "," else []),
        *(["multiline: true   # quoted fields hold line breaks"] if sample.spans_lines else []),
        "fields:",
        *_identity(sample, found),
        *_who_and_what(found),
        *_time("event_at", sample, found),
        *(_time("received_at", sample, found) if "received_at" in found else []),
        *(_number(field, sample, found) for field in _OPTIONAL if field in found),
    ]
    if "value" in found and "currency" not in found:
        lines.append("  # currency: {constant: EUR}   # unless it is the reporting currency")
    others = [column for column in sample.columns if column not in found.values()]
    if others:
        lines.append("properties: [" + ", ".join(_quoted(column) for column in others) + "]")
    return "\n".join(lines) + "\n"


_OPTIONAL = ("platform", "device_type", "channel", "session_hint", "value", "currency", "duration_ms")


def _match_columns(sample: FileSample) -> dict[str, str]:
    """Give each field the column whose name fits best; a column serves one field."""
    by_name = {_plain(column): column for column in sample.columns}
    found: dict[str, str] = {}
    for field, names in NAMES.items():
        candidates = (by_name.get(_plain(name)) for name in names.split())
        fitting = (c for c in candidates if c is not None and c not in found.values() and _fits(field, sample, c))
        match = next(fitting, None)
        if match is not None:
            found[field] = match
    if "event_at" not in found:  # called otherwise, or in another language: the only column that holds times
        times = [c for c in sample.columns if c not in found.values() and _fits("event_at", sample, c)]
        if len(times) == 1:
            found["event_at"] = times[0]
    return found


def _fits(field: str, sample: FileSample, column: str) -> bool:
    values = sample.values(column)
    if field == "event_id":
        return len(values) == len(sample.rows) and len(set(values)) > len(values) // 2
    if field in ("event_at", "received_at"):
        return _time_form(values) is not None
    if field == "platform" and _plain(column) != field:
        return bool(values) and all(text.lower() in KNOWN_PLATFORMS for text in values)
    if field in ("value", "duration_ms"):
        plain = _most(NUMBER.fullmatch(text) is not None for text in values)
        return bool(values) and (plain or _has_commas(values))
    return True


def _identity(sample: FileSample, found: dict[str, str]) -> list[str]:
    if "event_id" in found:
        column = found["event_id"]
        repeats = len(sample.rows) - len(set(sample.values(column)))
        note = f"   # {repeats} of the sample's records share one" if repeats else ""
        return [f"  event_id: {_quoted(column)}{note}"]
    key = ", ".join(_quoted(column) for column in sample.columns)
    return [
        "  # No column identifies an event: all together do, so only exact copies are duplicates.",
        f"  event_id: {{key: [{key}]}}",
    ]


def _who_and_what(found: dict[str, str]) -> list[str]:
    lines = []
    if "user_id" in found:
        lines.append(_field("user_id", found))
    else:
        lines.append("  user_id: TODO   # which column tells the person?")
    if "event_name" in found:
        lines.append(_field("event_name", found))
    else:
        what = "purchase" if "value" in found else "event"
        lines.append(f"  event_name: {{constant: {what}}}   # what happened? a column, a constant or an expression")
    return lines


def _time(field: str, sample: FileSample, found: dict[str, str]) -> list[str]:
    if field not in found:
        return [f"  {field}: TODO   # which column tells when? see docs/sources.md for formats and units"]
    column = found[field]
    form = _time_form(sample.values(column)) or ""
    if form == "ISO 8601":
        return [f"  {field}: {_quoted(column)}"]
    if form == "epoch":
        return [f"  {field}: {{column: {_quoted(column)}, unit: auto}}"]
    swapped = _swapped(form)
    both = swapped is not None and _most_read(sample.values(column), PATTERNS[swapped])
    note = f"   # or {swapped}: the sample fits both" if both else ""
    return [f'  {field}: {{column: {_quoted(column)}, format: "{form}", zone: UTC}}{note}']


def _time_form(values: Sequence[str]) -> str | None:
    """Name the form of times that the values have: a Spark pattern, `ISO 8601` or `epoch`."""
    if not values:
        return None
    for pattern, python in PATTERNS.items():
        if _most_read(values, python):
            return pattern
    if _most(ISO_8601.fullmatch(text) is not None for text in values):
        return "ISO 8601"
    if _most(EPOCH.fullmatch(text) is not None and float(text) >= LEAST_EPOCH for text in values):
        return "epoch"
    return None


def _most_read(values: Sequence[str], pattern: str) -> bool:
    def reads(text: str) -> bool:
        try:
            datetime.strptime(text, pattern)  # noqa: DTZ007  only whether it fits
        except ValueError:
            return False
        return True

    return _most(map(reads, values))


def _most(fits: Iterable[bool]) -> bool:
    """Tell whether all fit but one in fifty: the file may hold a few broken records, which the check then shows."""
    told = list(fits)
    return told.count(False) * 50 <= len(told)


def _swapped(pattern: str) -> str | None:
    other = {"dd/MM": "MM/dd", "MM/dd": "dd/MM"}.get(pattern[:5], "") + pattern[5:]
    return other if other in PATTERNS else None


def _has_commas(values: Sequence[str]) -> bool:
    """Tell whether numbers are whole or have a decimal comma, and some have one."""
    commas = [COMMA_NUMBER.fullmatch(text) is not None for text in values]
    return any(commas) and _most(comma or text.isdecimal() for comma, text in zip(commas, values, strict=True))


def _number(field: str, sample: FileSample, found: dict[str, str]) -> str:
    column = found[field]
    if field != "value" or not _has_commas(sample.values(column)):
        return _field(field, found)
    plain = f"replace(replace(`{column}`, '.', ''), ',', '.')"
    return f"  {field}: {{expr: {json.dumps(plain, ensure_ascii=False)}}}   # a decimal comma"


def _field(field: str, found: dict[str, str]) -> str:
    return f"  {field}: {_quoted(found[field])}"


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _quoted(text: str) -> str:
    return text if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", text) else json.dumps(text)
