"""Find superseded input units: a day that was exported again, an intraday table that a daily one replaces."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote

from pydantic import field_validator

from segmentation.parameters import Parameters

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class SupersedeParams(Parameters):
    """Patterns of paths by which newer files supersede older ones.

    Of all files that hold the same (`key`), those of the highest `rank` stand, of these those of the greatest
    `version`, and of each path its newest content. All patterns are searched in the whole path.
    """

    key: str
    """Regular expression; its groups, taken together, name what is exported again: stream and day."""
    rank: tuple[str, ...] = ()
    """Regular expressions, from provisional to final; a file is of the last one that its path fits."""
    version: str | None = None
    """Regular expression whose group is the version of an export (a folder by run, say); the greatest text stands."""

    @field_validator("key", "version")
    @classmethod
    def _with_group(cls, value: str | None) -> str | None:
        if value is not None and re.compile(value).groups == 0:
            raise ValueError(f"'{value}' needs a group: (...) around the part that counts")
        return value

    @field_validator("rank")
    @classmethod
    def _readable(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for pattern in value:
            re.compile(pattern)
        return value


class Delivery(NamedTuple):
    """Metadata of an input unit that are known without reading it."""

    unit_id: str
    path: str
    modified_us: int
    """Modification time, microseconds since 1970."""
    bytes: int


def find_superseded(
    deliveries: Iterable[Delivery], params: SupersedeParams | None, *, news: Sequence[str] = ()
) -> dict[str, str]:
    """Return unit_id of each superseded unit -> of one that stands in its place.

    Which are superseded depends on all units ever received and not on their order. A unit whose path does not fit
    `key` stands. Where an export is several files, the first of those that come now (`news`, in the order in which
    they are ingested) takes the place: with it the older one leaves, whatever becomes of the others, and those that
    were there before are not read again.
    """
    if params is None:
        return {}
    by_key: dict[tuple[str, ...], list[Delivery]] = defaultdict(list)
    for delivery in deliveries:
        found = re.search(params.key, unquote(delivery.path))
        if found:
            by_key[tuple(group or "" for group in found.groups())].append(delivery)
    superseded: dict[str, str] = {}
    for rivals in by_key.values():
        standing = _standing(rivals, params)
        first = next((new for new in news if new in standing), min(standing))
        superseded |= {rival.unit_id: first for rival in rivals if rival.unit_id not in standing}
    return superseded


def _standing(rivals: list[Delivery], params: SupersedeParams) -> set[str]:
    best = max(_export(rival, params) for rival in rivals)
    newest: dict[str, Delivery] = {}
    for rival in sorted(rivals, key=lambda r: (r.modified_us, r.bytes, r.unit_id)):
        if _export(rival, params) == best:
            newest[rival.path] = rival
    return {rival.unit_id for rival in newest.values()}


def _export(delivery: Delivery, params: SupersedeParams) -> tuple[int, str]:
    path = unquote(delivery.path)
    rank = max((n for n, pattern in enumerate(params.rank) if re.search(pattern, path)), default=-1)
    version = re.search(params.version, path) if params.version else None
    return rank, "/".join(group or "" for group in version.groups()) if version else ""
