"""Detect the form of times from a sample of texts."""

from __future__ import annotations

import re
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

_DAYS = (
    "yyyy-MM-dd", "yyyyMMdd", "yyyy/MM/dd", "dd.MM.yyyy", "dd/MM/yyyy", "MM/dd/yyyy", "dd-MM-yyyy", "dd.MM.yy",
    "dd/MM/yy", "MM/dd/yy",
)  # fmt: skip
_TIMES = ("HH:mm:ss", "HH:mm", "HH:mm:ss.SSS", "hh:mm:ss a", "hh:mm a")
_LOOSE_DAYS = ("yyyy-M-d", "yyyy/M/d", "d.M.yyyy", "d/M/yyyy", "M/d/yyyy", "d-M-yyyy", "d.M.yy", "d/M/yy", "M/d/yy")
_LOOSE_TIMES = ("H:mm:ss", "H:mm", "h:mm:ss a", "h:mm a")


def _combined(days: Sequence[str], times: Sequence[str]) -> list[str]:
    return [part for day in days for part in (*(f"{day} {time}" for time in times), day)]


PATTERNS = (
    *_combined(_DAYS, _TIMES),
    "dd/MMM/yyyy:HH:mm:ss Z",
    "yyyy-MM-dd'T'HH:mmXXX",
    *_combined(_LOOSE_DAYS, _LOOSE_TIMES),
)
"""Spark's datetime patterns in the order in which they are tried: first those of two digits everywhere."""
TIMES_OF_DAY = ("HH:mm:ss", "HH:mm", "H:mm:ss", "H:mm", "h:mm:ss a", "h:mm a")
_PARTS = {
    "yyyy": (r"\d{4}", "%Y"), "yy": (r"\d{2}", "%y"), "MMM": (r"[A-Za-z]{3}", "%b"), "MM": (r"\d{2}", "%m"),
    "M": (r"\d{1,2}", "%m"), "dd": (r"\d{2}", "%d"), "d": (r"\d{1,2}", "%d"), "HH": (r"\d{2}", "%H"),
    "H": (r"\d{1,2}", "%H"), "hh": (r"\d{2}", "%I"), "h": (r"\d{1,2}", "%I"), "mm": (r"\d{2}", "%M"),
    "ss": (r"\d{2}", "%S"), "SSS": (r"\d{3}", "%f"), "a": (r"[AaPp][Mm]", "%p"), "Z": (r"[-+]\d{4}", "%z"),
    "XXX": (r"(?:Z|[-+]\d\d:\d\d)", "%z"),
}  # fmt: skip
"""Letters of Spark's patterns -> the texts that they read, and Python's directive, which does not count digits."""
ISO_8601 = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d([.]\d+)?(Z| ?[-+]\d\d:?\d\d| ?[-+]\d\d| ?(UTC|GMT))?)?)?")
"""The texts of ISO 8601 that are read without a pattern; a zone may be written as UTC."""
EPOCH = re.compile(r"\d+([.]\d+)?")
LEAST_EPOCH = 10**8
"""Smaller numbers are no times since 1973, in whatever unit."""
MIDNIGHT = re.compile(r".*[T ]0?0:00(:00([.]0+)?)?\D*")


def time_form(values: Sequence[str]) -> str | None:
    """Name the form of times that the values have: a Spark pattern, `ISO 8601` or `epoch`; None if they have none."""
    if not values:
        return None
    for pattern in PATTERNS:
        if most(map(reads(pattern), values)):
            return pattern
    if most(ISO_8601.fullmatch(text) is not None for text in values):
        return "ISO 8601"
    if most(EPOCH.fullmatch(text) is not None and float(text) >= LEAST_EPOCH for text in values):
        return "epoch"
    return None


def swapped(pattern: str, values: Sequence[str]) -> str | None:
    """Return the pattern with day and month exchanged, if it reads the values too."""
    for one, other in (("dd/MM/", "MM/dd/"), ("d/M/", "M/d/")):
        for here, there in ((one, other), (other, one)):
            if pattern.startswith(here):
                turned = there + pattern.removeprefix(here)
                return turned if most(map(reads(turned), values)) else None
    return None


def time_of_day_form(values: Sequence[str]) -> str | None:
    """Return the pattern of values that are times of day without a date."""
    return next((pattern for pattern in TIMES_OF_DAY if values and most(map(reads(pattern), values))), None)


def are_midnights(form: str, values: Sequence[str]) -> bool:
    """Return whether no value has a time of day other than midnight."""
    if form in {"ISO 8601", "epoch"} or re.search("[Hh]", form):
        return form != "epoch" and all(MIDNIGHT.fullmatch(text) or ":" not in text for text in values)
    return True


@lru_cache(maxsize=256)
def reads(pattern: str) -> Callable[[str], bool]:
    """Return a function that tells whether Spark reads a text by a pattern."""
    pieces = [found[0] for found in re.finditer(r"'[^']*'|([A-Za-z])\1*|[^A-Za-z']+", pattern)]
    bare = [(re.escape(p.strip("'")), p.strip("'")) if p not in _PARTS else _PARTS[p] for p in pieces]
    shape, directives = re.compile("".join(shape for shape, _ in bare)), "".join(name for _, name in bare)

    def fits(text: str) -> bool:
        if shape.fullmatch(text) is None:
            return False
        try:
            datetime.strptime(text, directives)  # noqa: DTZ007  only whether it is a day and a time
        except ValueError:
            return False
        return True

    return fits


def most(fits: Iterable[bool]) -> bool:
    """Return whether all fit but one in fifty: the file may hold a few broken records, which the check then shows."""
    told = list(fits)
    return told.count(False) * 50 <= len(told)
