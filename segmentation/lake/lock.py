"""One writer per lake: an OS lock on a local lake, which dies with its process."""

from __future__ import annotations

import fcntl
from contextlib import contextmanager
from typing import TYPE_CHECKING

from segmentation.errors import RetryableError
from segmentation.filesystem import is_local, local_path

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def exclusive(root: str) -> Iterator[None]:
    """Hold the lake for writing.

    On an object store there is nothing to hold: there the commit of `publications` conflicts, and the loser
    ends as it would here.

    Raises:
        RetryableError: another run holds the lake.
    """
    if not is_local(root):
        yield
        return
    folder = local_path(root)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise RetryableError(f"another run is writing to {root}; try again when it has ended") from error
        yield
