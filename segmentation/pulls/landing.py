"""Names of landed files. Where a pull continues is read from them, and from nothing else."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from typing import TYPE_CHECKING, NamedTuple, Protocol

from segmentation.filesystem import list_entries, move_file, read_file, write_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pyspark.sql import SparkSession

_TIME = "%Y%m%dT%H%M%S.%fZ"
_STAMP = r"(\d{8}T\d{6}\.\d{6}Z)"
_LANDED = re.compile(rf"{_STAMP}_{_STAMP}\.(\d{{6}})\.(?:csv|json)")
_COMPLETE = re.compile(rf"_complete_{_STAMP}\.(\d{{6}})")


class LandedFile(NamedTuple):
    """A landed file, as its name describes it."""

    name: str
    floor: datetime
    """Position at which the window of the file began."""
    until: datetime
    """Cursor of the last object in the file."""
    number: int


class Position(NamedTuple):
    """The place at which a pull continues."""

    floor: datetime
    """Start of the window: rows up to here were landed by earlier windows."""
    cursor: datetime
    """Objects up to here were landed, apart from those that have this very cursor."""
    next_number: int


class LandingFolder(Protocol):
    """A folder for landed files."""

    def names(self) -> list[str]:
        """Return the names of all files, in any order; none if there is no folder."""

    def read(self, name: str) -> str:
        """Return the text of a file."""

    def land(self, name: str, text: str) -> None:
        """Write a file so that it has its name only once it is whole."""


class SparkFolder:
    """A folder on any file system that Spark knows."""

    def __init__(self, spark: SparkSession, path: str) -> None:
        self._spark, self._path = spark, path.rstrip("/")

    def names(self) -> list[str]:
        """Return the names of all files, in any order; none if there is no folder."""
        return list_entries(self._spark, self._path) or []

    def read(self, name: str) -> str:
        """Return the text of a file."""
        return read_file(self._spark, f"{self._path}/{name}") or ""

    def land(self, name: str, text: str) -> None:
        """Write a file under a hidden name, and rename it once it is whole."""
        hidden = f"{self._path}/.{name}.part"
        write_text(self._spark, hidden, text)
        move_file(self._spark, hidden, f"{self._path}/{name}")


def find_position(names: Iterable[str], begin: datetime) -> Position:
    """Find out where to continue, by the names of landed files.

    A window that a killed run left unfinished keeps its floor; after a finished one the next window begins at its end.
    """
    known = list(names)
    landed = landed_files(known)
    finished = [(int(number), _time(stamp)) for stamp, number in _matches(_COMPLETE, known)]
    number, end = max(finished, default=(0, begin))
    if landed and landed[-1].number >= number:
        last = landed[-1]
        return Position(last.floor, last.until, last.number + 1)
    return Position(end, end, number)


def landed_files(names: Iterable[str]) -> list[LandedFile]:
    """Return the landed files among the names, in the order in which they were written."""
    found = ((name, _LANDED.fullmatch(name)) for name in names)
    files = [LandedFile(name, _time(m[1]), _time(m[2]), int(m[3])) for name, m in found if m is not None]
    return sorted(files, key=lambda file: file.number)


def landed_name(position: Position, until: datetime, format_: str) -> str:
    """Return the name of the next file of a window."""
    return f"{_stamp(position.floor)}_{_stamp(until)}.{position.next_number:06d}.{format_}"


def complete_name(position: Position) -> str:
    """Return the name of the mark that a window is finished. It is hidden from readers."""
    return f"_complete_{_stamp(position.cursor)}.{position.next_number:06d}"


def _matches(pattern: re.Pattern[str], names: Iterable[str]) -> list[tuple[str, ...]]:
    return [found.groups() for found in map(pattern.fullmatch, names) if found is not None]


def _stamp(time: datetime) -> str:
    return time.astimezone(timezone.utc).strftime(_TIME)


def _time(stamp: str) -> datetime:
    return datetime.strptime(stamp, _TIME).replace(tzinfo=timezone.utc)
