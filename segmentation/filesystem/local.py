"""Measure files of the local disk before there is a JVM to ask."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from segmentation.filesystem.paths import local_path

if TYPE_CHECKING:
    from collections.abc import Iterator


def local_sizes(place: str) -> Iterator[int]:
    """Return the sizes in bytes of the files at a place: a file, a folder or a pattern."""
    # An absolute pattern is one of its root.
    path = local_path(place)
    root = path.anchor
    for found in [path] if path.exists() else Path(root).glob(str(path).removeprefix(root)):
        for file in [found] if found.is_file() else found.rglob("*"):
            if file.is_file():
                yield file.stat().st_size
