"""Check names of time zones before a job reads anything."""

from __future__ import annotations

import re
from datetime import timedelta, timezone, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from segmentation.errors import nearest

_SHORT = (
    "ACT AET AGT ART AST BET BST CAT CNT CST CTT EAT ECT EST HST IET IST JST MIT MST NET NST PLT PNT PRT PST SST VST"
)
SHORT_NAMES = frozenset((*_SHORT.split(), "Z", "UTC", "GMT", "UT"))
"""Names that Java adds to those of the time zone database."""
_OFFSET = re.compile(r"(?:UTC|GMT|UT)?([+-])(\d{1,2})(?::?(\d{2}))?(?::?(\d{2}))?")
_MAX_HOURS = 18


@lru_cache(maxsize=1)
def known_zones() -> frozenset[str]:
    """Return the names of the time zone database, and Java's short ones."""
    return SHORT_NAMES | available_timezones()


def check_zone(name: str) -> str:
    """Return the name of a zone, or an offset such as `+02:00`.

    Raises:
        ValueError: there is no such zone; the message names the nearest one.
    """
    offset = _OFFSET.fullmatch(name)
    if name in known_zones() or (offset and int(offset[2]) <= _MAX_HOURS):
        return name
    in_any_case = {zone.lower(): zone for zone in known_zones()}
    near = nearest(name.strip().lower().replace(" ", "_"), in_any_case)
    for lower, zone in in_any_case.items():
        near = near.replace(f"'{lower}'", f"'{zone}'")
    raise ValueError(f"unknown time zone '{name}'{near}")


def zone_of(name: str) -> tzinfo:
    """Return the zone of a name that :func:`check_zone` accepts.

    Raises:
        ValueError: the name is one of Java's short ones, such as PST.
    """
    offset = _OFFSET.fullmatch(name)
    if offset:
        hours, minutes, seconds = (int(part or 0) for part in offset.groups()[1:])
        away = timedelta(hours=hours, minutes=minutes, seconds=seconds)
        return timezone(-away if offset[1] == "-" else away)
    if name in ("Z", "UT"):
        return timezone.utc
    if name not in available_timezones():
        raise ValueError(f"'{name}' is short for several time zones: give its full name, such as America/New_York")
    return ZoneInfo(name)
