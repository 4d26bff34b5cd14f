"""Measure files of the local disk before there is a JVM to ask, and write files for one reader there."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from tempfile import mkstemp
from typing import TYPE_CHECKING

from segmentation.errors import ConfigurationError
from segmentation.filesystem.paths import local_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


def local_sizes(place: str) -> Iterator[int]:
    """Return the sizes in bytes of the files at a place: a file, a folder or a pattern."""
    # An absolute pattern is one of its root.
    path = local_path(place)
    root = path.anchor
    for found in [path] if path.exists() else Path(root).glob(str(path).removeprefix(root)):
        for file in [found] if found.is_file() else found.rglob("*"):
            if file.is_file():
                yield file.stat().st_size


def write_private(place: str, lines: Iterable[str]) -> None:
    """Write lines to a file of this machine that only its owner may read (mode 0600), and replace a file of that name.

    The file appears when it is complete. Until then the lines are in a hidden file of the same mode beside it, which
    is deleted if they cannot all be written.

    Raises:
        ConfigurationError: there is no such folder, or it may not be written to.
    """
    path = local_path(place)
    try:
        handle, hidden = mkstemp(dir=path.parent, prefix=f".{path.name}.")  # creates it with mode 0600
    except (FileNotFoundError, NotADirectoryError, PermissionError) as error:
        raise ConfigurationError(f"{path} cannot be written: {error.strerror}") from error
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in lines)
        Path(hidden).replace(path)
    except BaseException as error:
        with suppress(FileNotFoundError):
            Path(hidden).unlink()
        if isinstance(error, IsADirectoryError):
            raise ConfigurationError(f"{path} cannot be written: it is a folder") from error
        raise
