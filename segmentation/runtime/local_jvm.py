"""Options that make a JVM on this machine start faster."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SHORT_RUN_MB = 16
"""So little data is processed before Java's optimising compiler has paid for itself (measured on two cores)."""
QUICK_COMPILER = "-XX:TieredStopAtLevel=1"
CLASS_ARCHIVE = "classes.jsa"
"""File beside the jars that `make setup` makes: Spark's classes as the JVM keeps them in memory."""


def options_of_run(jars: Iterable[str], *, is_short: bool) -> str:
    """Return the JVM options for a run, depending on what `make setup` has made and on how long the run takes."""
    archives = {Path(jar).parent / CLASS_ARCHIVE for jar in jars}
    # A JVM for which the archive was not made ignores it; its warnings about that help no one.
    shared = [f'"-XX:SharedArchiveFile={path}" -Xshare:auto -Xlog:disable' for path in archives if path.is_file()]
    return " ".join([*shared[:1], *([QUICK_COMPILER] if is_short else [])])


def is_short_run(places: Iterable[str]) -> bool:
    """Return whether all files in the given places are local, and together at most SHORT_RUN_MB.

    A place is a file, a folder or a pattern; one that does not exist has no bytes.
    """
    left = SHORT_RUN_MB * 2**20
    for place in places:
        if "://" in place:
            return False
        for size in _sizes(place):
            left -= size
            if left < 0:
                return False
    return True


def _sizes(place: str) -> Iterator[int]:
    # An absolute pattern is one of its root.
    root = Path(place).anchor
    paths = [Path(place)] if Path(place).exists() else Path(root).glob(place.removeprefix(root))
    for path in paths:
        for file in [path] if path.is_file() else path.rglob("*"):
            if file.is_file():
                yield file.stat().st_size
