"""Lock a local lake for one writer. The operating system releases the lock when the process ends."""

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
    """Lock the lake for writing.

    An object store has no lock: there, the commit of `publications` conflicts, and the second run fails with the
    same exit code.

    Raises:
        RetryableError: another run has locked the lake.
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
