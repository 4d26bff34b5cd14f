"""Options that make a JVM on this machine start faster."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from segmentation.filesystem import scheme_of
from segmentation.filesystem.local import local_sizes
from segmentation.filesystem.paths import LOCAL

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

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
        if scheme_of(place) not in {None, LOCAL}:
            return False
        for size in local_sizes(place):
            left -= size
            if left < 0:
                return False
    return True


def has_local_default(settings: Mapping[str, str]) -> bool:
    """Return whether a JVM that starts here surely takes a path without a scheme for one of the local disk.

    Hadoop's own configuration may name another default file system, and is not read here.
    """
    named = settings.get("spark.hadoop.fs.defaultFS", "")
    return (not named or scheme_of(named) == LOCAL) and not os.environ.get("HADOOP_CONF_DIR")
