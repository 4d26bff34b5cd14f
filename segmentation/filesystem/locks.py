"""Lock a file for one process: by the operating system, or by a lease on a file system that has no locks."""

from __future__ import annotations

import fcntl
import threading
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING

from segmentation.errors import RetryableError, SegmentationError
from segmentation.filesystem.files import create_file, delete_path, modified_ms, move_file, read_file, write_text
from segmentation.filesystem.problems import named_problems
from segmentation.jvm import Py4JError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pyspark.sql import SparkSession

EXPIRES_S = 120
"""A lease whose holder has given no sign of life for so many seconds is free."""
BEAT_S = 20
"""Seconds between two signs of life."""


@contextmanager
def hold_lock(file: Path, *, wait: bool) -> Iterator[None]:
    """Lock a file of the local disk; creates its folder. The operating system releases it when the process ends.

    Raises:
        RetryableError: another process has locked it, and `wait` is false.
        ConfigurationError: the folder may not be written to.
    """
    with ExitStack() as held:
        with named_problems(str(file.parent)):
            file.parent.mkdir(parents=True, exist_ok=True)
            handle = held.enter_context(file.open("w"))
        try:
            fcntl.flock(handle, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise RetryableError(f"another run is writing to {file.parent}; try again when it has ended") from error
        yield


@contextmanager
def hold_lease(spark: SparkSession, path: str, owner: str) -> Iterator[None]:
    """Hold a file that only one run can create, and write it again every BEAT_S seconds as a sign of life.

    A holder that is cut off for more than EXPIRES_S seconds loses the lease without noticing. The lease therefore
    spares two runs the work of the one that loses; the commits of Delta keep the tables right.

    Raises:
        RetryableError: another run holds the lease, or the file system failed.
    """
    _acquire(spark, path, owner)
    ended = threading.Event()
    keeper = threading.Thread(target=_keep, args=(spark, path, owner, ended), daemon=True)
    keeper.start()
    try:
        yield
    finally:
        ended.set()
        keeper.join()
        with suppress(SegmentationError, Py4JError):  # an error of the run itself counts; the lease expires
            if read_file(spark, path) == owner:
                delete_path(spark, path)


def _acquire(spark: SparkSession, path: str, owner: str) -> None:
    if create_file(spark, path, owner):
        return
    holder, silent_s = read_file(spark, path), _seconds_silent(spark, path, owner)
    if silent_s is not None and silent_s < EXPIRES_S:
        raise RetryableError(
            f"another run is writing: {path} is held by run {holder}, whose last sign of life was {silent_s:.0f} s "
            f"ago; a run that died frees it after {EXPIRES_S} s"
        )
    if silent_s is not None:
        _remove(spark, path, holder, owner)
    if not create_file(spark, path, owner):
        raise RetryableError(f"{path}: another run was faster")


def _seconds_silent(spark: SparkSession, path: str, owner: str) -> float | None:
    """Return the time since a file was written, by the clock of its file system; None if it is gone."""
    probe = f"{path}.{owner}"
    write_text(spark, probe, owner)
    now, written = modified_ms(spark, probe), modified_ms(spark, path)
    delete_path(spark, probe)
    return None if now is None or written is None else (now - written) / 1000


def _remove(spark: SparkSession, path: str, holder: str | None, owner: str) -> None:
    """Remove an expired lease. Another run may have done so and hold a new one: that is put back."""
    aside = f"{path}.{owner}"
    move_file(spark, path, aside)
    if read_file(spark, aside) != holder:
        move_file(spark, aside, path)
        raise RetryableError(f"{path}: another run was faster")
    delete_path(spark, aside)


def _keep(spark: SparkSession, path: str, owner: str, ended: threading.Event) -> None:
    while not ended.wait(BEAT_S):
        with suppress(SegmentationError, Py4JError):  # the next sign of life may get through
            if read_file(spark, path) != owner:
                return
            write_text(spark, path, owner)
