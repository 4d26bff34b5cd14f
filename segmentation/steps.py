"""Name the steps of a run: Spark shows the name beside every job, and the event log keeps it."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, TypeVar

from pyspark import inheritable_thread_target

from segmentation.jvm import Py4JError, spark_context

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pyspark.sql import SparkSession

V = TypeVar("V")

DESCRIPTION = "spark.job.description"
"""Local property of a thread: Spark copies it to each job and SQL execution that the thread starts."""


@contextmanager
def step(spark: SparkSession | None, name: str) -> Iterator[None]:
    """Describe the Spark jobs that the current thread starts within the block; then restore the former description.

    An inner step replaces the outer one until it ends. Threads of a pool inherit no description: wrap what they run
    with :func:`in_step`. Without a session, and with Spark Connect, which has no SparkContext, nothing is described.
    """
    context = spark_context(spark)
    if context is None:
        yield
        return
    former = context.getLocalProperty(DESCRIPTION)
    context.setLocalProperty(DESCRIPTION, name)
    try:
        yield
    finally:
        with suppress(Py4JError):  # the JVM may be gone: the error that ended the block is the one to report
            context.setLocalProperty(DESCRIPTION, former)  # type: ignore[arg-type]  # None removes it


def in_step(spark: SparkSession, run: Callable[..., V]) -> Callable[..., V]:
    """Return `run` for a worker thread: its jobs have the description that the calling thread has now.

    Wrap every task of a pool by itself: calls of one wrapped function share their thread's properties.
    """
    inherited: Any = inheritable_thread_target(spark)
    return inherited(run)
