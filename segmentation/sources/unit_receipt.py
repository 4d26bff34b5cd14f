"""Derive the time of receipt of an input unit from its modification time or the date in its name."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta, timezone
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import unquote

from pydantic import field_validator, model_validator

from segmentation.errors import DataError
from segmentation.parameters import Parameters
from segmentation.time_zones import check_zone, zone_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import tzinfo

PARTS = ("year", "month", "day", "hour", "minute", "second")
_DIGITS = re.compile(r"(\d{4})(\d\d)(\d\d)(\d\d)?(\d\d)?(\d\d)?")
_LAST_INSTANT = timedelta(microseconds=1)


class UnitReceipt(Parameters):
    """Receipt of all records of an input unit at one time, derived from the unit."""

    unit: Literal["modified", "name"]
    """modified: the modification time of the file when it was ingested first. name: the date in its path."""
    pattern: str | None = None
    """For `name`: a regular expression that is searched in the path. Its group is a date of eight digits, year first,
    with any separators, and a time of day where there is one; or its groups are named: year, month, day, hour ..."""
    zone: str = "UTC"
    """Zone of the date in a name, and of `history_until`."""
    history_until: date | None = None
    """Units received up to this day are a first load of history: their records are received when they happened."""

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        zone_of(check_zone(value))
        return value

    @field_validator("pattern")
    @classmethod
    def _with_date(cls, value: str | None) -> str | None:
        if value is None:
            return None
        try:
            compiled = re.compile(value)
        except re.error as error:
            raise ValueError(f"'{value}' is not a regular expression: {error}") from error
        named = set(compiled.groupindex)
        if compiled.groups == 0:
            raise ValueError(f"'{value}' needs a group: (...) around the date")
        if named and not {"year", "month", "day"} <= named <= set(PARTS):
            raise ValueError(f"'{value}' needs groups named year, month and day; known are {', '.join(PARTS)}")
        return value

    @model_validator(mode="after")
    def _pattern_of_names(self) -> UnitReceipt:
        if (self.unit == "name") != (self.pattern is not None):
            raise ValueError(
                "received_at takes a pattern (a regular expression with the date as group) with unit: name alone"
            )
        return self

    def arrived_at(self, path: str, modified_at: datetime) -> datetime:
        """Return when a unit was received (UTC).

        A date without a time of day stands for the last microsecond of the day: the file then is known at the cut
        after the day, and none of the day's events is later than its receipt.

        Raises:
            DataError: the path does not fit the pattern, or holds no date; names both.
        """
        if self.pattern is None:
            return modified_at
        found = re.search(self.pattern, unquote(path))
        parts = _parts(found) if found else None
        problem = "it does not fit"
        if parts is not None:
            try:
                return _instant(parts, zone_of(self.zone))
            except ValueError as error:
                problem = str(error)
        raise DataError(
            f"{unquote(path)}: the name does not tell when the file was received, by the pattern '{self.pattern}' of "
            f"received_at ({problem}); rename the file, or correct the pattern"
        )

    def is_history(self, arrived_at: datetime) -> bool:
        """Return whether a unit belongs to the first load."""
        return self.history_until is not None and arrived_at.astimezone(zone_of(self.zone)).date() <= self.history_until


def is_unit_receipt(value: Any) -> bool:
    """Return whether the `received_at` of a mapping is derived from the input unit."""
    return isinstance(value, dict) and value.get("unit") in ("modified", "name")


def _parts(found: re.Match[str]) -> list[int] | None:
    """Return year, month, day and the parts of the time of day that are given."""
    named: Mapping[str, str | None] = found.groupdict()
    if named:
        texts = [named.get(part) for part in PARTS]
    else:
        digits = _DIGITS.fullmatch(re.sub(r"\D", "", "".join(group or "" for group in found.groups())))
        texts = list(digits.groups()) if digits else [None]
    told = texts[: texts.index(None)] if None in texts else texts
    return [int(text) for text in told if text is not None] if len(told) >= len(("year", "month", "day")) else None


def _instant(parts: list[int], zone: tzinfo) -> datetime:
    year, month, day, *of_day = parts
    if of_day:
        hour, minute, second = (*of_day, 0, 0)[:3]
        return datetime(year, month, day, hour, minute, second, tzinfo=zone).astimezone(timezone.utc)
    next_day = datetime.combine(date(year, month, day) + timedelta(days=1), time(), tzinfo=zone)
    return next_day.astimezone(timezone.utc) - _LAST_INSTANT
