"""Checkpoint frames that are used more than once, and release their memory."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from pyspark import StorageLevel
from pyspark.sql import Observation
from pyspark.sql import functions as F

from segmentation.jvm import persistent_frames

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pyspark.sql import Column, DataFrame, SparkSession

AS_BYTES = StorageLevel(useDisk=True, useMemory=True, useOffHeap=False, deserialized=False)


def checkpoint(df: DataFrame) -> DataFrame:
    """Checkpoint a frame that is used more than once.

    A checkpoint cuts the plan; a cache does not, and Spark takes longer to compare plans of many cached frames than to
    compute a small batch. Rows are stored as bytes, because millions of objects keep the garbage collector busy.
    :func:`release_checkpoints` frees the memory.
    """
    return df.localCheckpoint(eager=True, storageLevel=AS_BYTES)


def checkpoint_observing(df: DataFrame, *figures: Column) -> tuple[DataFrame, dict[str, Any]]:
    """Checkpoint a frame and return aggregates of its rows that are computed in the same pass.

    Figures are integers and booleans only: write an instant as microseconds (:func:`instant`). A task that is lost and
    repeated may count its rows twice, so do not write sums to tables.
    """
    observation = Observation()
    checkpointed = checkpoint(df.observe(observation, *figures))
    return checkpointed, observation.get


def checkpoint_packed(df: DataFrame, alone: Sequence[str], near: Sequence[str]) -> DataFrame:
    """Checkpoint a wide frame so that reading a few of its columns is cheap.

    Spark copies every column of a checkpointed row on each read. Columns in `alone` (by which the frame is
    partitioned) stay columns, those in `near` are packed into one struct, and all others into another.
    """
    others = [name for name in df.columns if name not in (*alone, *near)]
    packed = checkpoint(df.select(*alone, F.struct(*near).alias("_near"), F.struct(*others).alias("_others")))
    return packed.select(*alone, "_near.*", "_others.*").select(*df.columns)


def instant(micros: int) -> datetime:
    """Return the instant that is so many microseconds after 1970."""
    return datetime.fromtimestamp(0, timezone.utc) + timedelta(microseconds=micros)


@contextmanager
def release_checkpoints(spark: SparkSession) -> Iterator[None]:
    """Free, on exit, the memory of all frames checkpointed inside.

    Otherwise Spark keeps them until the driver's next full garbage collection, on disk if memory is short.
    """
    before = set(persistent_frames(spark))
    try:
        yield
    finally:
        for number, frame in persistent_frames(spark).items():
            if number not in before:
                frame.unpersist(False)
