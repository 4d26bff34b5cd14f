"""Turn an object of an API into the rows that are landed."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from segmentation.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from segmentation.pulls.declaration import ColumnParams, PullDeclaration, RowRule, TimeForm

Rows = dict[bytes, str]
"""Digest of a row's key -> its line in a landed file."""
EACH = "each"
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
SECONDS_END = 100_000_000_000
"""Numbers from here on are milliseconds: as seconds they would be of the year 5138."""
_STEP = re.compile(r"(\w+)(?:\[(\d+)\])?")
_OFFSET = re.compile(r"([+-]\d\d)(\d\d)$")
_DAY = re.compile(r"(19|20)\d{6}")
"""Seconds since 1970 of eight digits would be before September 1970."""
_FRACTION = re.compile(r"(\.\d{1,6})\d*")


def rows_of_object(item: Mapping[str, Any], declaration: PullDeclaration, after: datetime) -> Rows:
    """Return the rows of an object whose time is later than `after`, in the order of the declaration.

    Rows that describe an earlier time were landed by an earlier pull. An object repeats them whenever it changes,
    with the values of today in their other columns.

    Raises:
        DataError: a time cannot be read; names the path.
    """
    rows: Rows = {}
    for rule in declaration.rows:
        for each in _elements(item, rule):
            scope = {**item, EACH: each}
            at = find_value(scope, rule.at)
            if at is not None and read_time(at, rule.at) > after:
                values = {name: _column(scope, column) for name, column in rule.columns.items()}
                line = _as_csv(values.values()) if declaration.format == "csv" else _as_json(values)
                rows[_key(values, declaration)] = line
    return rows


def find_value(item: Any, path: str) -> Any:
    """Return the value at a path such as `a.b[0].c`; None if a part of it is absent. `=text` is a constant."""
    if path.startswith("="):
        return path[1:]
    for name, place in _STEP.findall(path):
        item = item.get(name) if isinstance(item, dict) else None
        if place:
            item = item[int(place)] if isinstance(item, list) and len(item) > int(place) else None
    return item


def read_time(value: Any, path: str) -> datetime:
    """Read a time with an offset, a day (20240301, its midnight), or seconds or milliseconds since 1970; in UTC.

    Raises:
        DataError: it is not a time, or has no offset; names the path.
    """
    text = str(value).strip()
    try:
        if _DAY.fullmatch(text):
            return datetime.strptime(text, "%Y%m%d").replace(tzinfo=timezone.utc)
        if re.fullmatch(r"\d+(\.\d+)?", text):
            number = float(text)
            return EPOCH + timedelta(seconds=number if number < SECONDS_END else number / 1000)
        padded = _FRACTION.sub(lambda found: found[1].ljust(7, "0"), text.replace("Z", "+00:00"), count=1)
        time = datetime.fromisoformat(_OFFSET.sub(r"\1:\2", padded))
    except (ValueError, OverflowError) as error:
        raise DataError(f"the API returned '{text[:40]}' as {path}, which is not a time") from error
    if time.tzinfo is None:
        raise DataError(f"the API returned '{text[:40]}' as {path}, which has no time zone")
    return time.astimezone(timezone.utc)


def write_time(time: datetime, form: TimeForm) -> str:
    """Write a time as `{from}` or a column: a day, ISO 8601 with milliseconds, cut, or a whole number since 1970."""
    if form == "day":
        return f"{time.astimezone(timezone.utc):%Y-%m-%d}"
    if form == "iso":
        return f"{time.astimezone(timezone.utc):%Y-%m-%dT%H:%M:%S}.{time.microsecond // 1000:03d}Z"
    since = (time - EPOCH) // timedelta(milliseconds=1)
    return str(since if form == "ms" else since // 1000)


def write_lines(lines: Iterable[str], declaration: PullDeclaration) -> str:
    """Return the text of a file: CSV with a header, or JSON lines."""
    header = [_as_csv(declaration.columns)] if declaration.format == "csv" else []
    return "".join(f"{line}\n" for line in (*header, *lines))


def read_keys(text: str, declaration: PullDeclaration) -> list[bytes]:
    """Return the digests of the keys of the rows in a file that :func:`write_lines` wrote."""
    lines = text.split("\n")[:-1]
    if declaration.format == "json":
        return [_key(json.loads(line), declaration) for line in lines]
    return [_key(values, declaration) for values in csv.DictReader(lines)]


def _elements(item: Mapping[str, Any], rule: RowRule) -> list[Any]:
    if rule.each is None:
        return [None]
    found = find_value(item, rule.each)
    return found if isinstance(found, list) else []


def _column(scope: Mapping[str, Any], column: ColumnParams) -> Any:
    value = None if column.path is None else find_value(scope, column.path)
    if column.case == "lower" and isinstance(value, str):
        value = value.lower()
    if column.form is None or value is None:
        return value
    return write_time(read_time(value, column.path or ""), column.form)


def _key(values: Mapping[str, Any], declaration: PullDeclaration) -> bytes:
    """Return 128 bits of a row's key: a window may hold millions of rows."""
    cells = json.dumps([_cell(values.get(name)) for name in declaration.key])
    return hashlib.blake2b(cells.encode(), digest_size=16).digest()


def _as_json(values: Mapping[str, Any]) -> str:
    return json.dumps({name: value for name, value in values.items() if value is not None}, ensure_ascii=False)


def _as_csv(values: Iterable[Any]) -> str:
    """Write a line of CSV; a line break within a value becomes a blank."""
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow([_cell(value) for value in values])
    return text.getvalue()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return re.sub(r"[\r\n]+", " ", text)
