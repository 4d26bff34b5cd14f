"""Lock a lake for one writer."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from segmentation.filesystem import is_local, local_path, scheme_of
from segmentation.filesystem.locks import hold_lease, hold_lock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyspark.sql import SparkSession

NO_ATOMIC_CREATE = frozenset({"s3", "s3a", "s3n"})
"""Schemes of stores on which two runs may create the same file, so that a lease would mean nothing."""
LOCK, LEASE = ".lock", "_lease"
"""Files in the lake's root."""


@contextmanager
def exclusive(spark: SparkSession, root: str, run_id: str) -> Iterator[None]:
    """Lock the lake for writing.

    A local lake is locked by the operating system. Other file systems hold a lease, a file that only one run can
    create. S3 has neither: there, the commits of the tables and of `publications` conflict, and the second run fails
    with the same exit code.

    Raises:
        RetryableError: another run has locked the lake.
    """
    with ExitStack() as held:
        if is_local(spark, root):
            held.enter_context(hold_lock(local_path(root) / LOCK, wait=False))
        elif scheme_of(root) not in NO_ATOMIC_CREATE:
            held.enter_context(hold_lease(spark, f"{root}/{LEASE}", run_id))
        yield
