"""Checkpoint frames that are used more than once, and release their memory."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from pyspark import StorageLevel
from pyspark.sql import Observation
from pyspark.sql import functions as F

from segmentation.frames import empty_frame
from segmentation.jvm import persistent_frames

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyspark.sql import Column, DataFrame, SparkSession

BROADCAST_ROWS = 2_000_000
"""So many rows of a few numbers fit into the memory of every executor."""
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


@dataclass(frozen=True)
class Counted:
    """Checkpointed rows and their number. Without any, the frame is an empty relation that Spark prunes from plans."""

    rows: DataFrame
    count: int

    @property
    def hinted(self) -> DataFrame:
        """The rows with a broadcast hint if they fit into the memory of every executor."""
        return F.broadcast(self.rows) if self.is_small else self.rows

    @property
    def is_small(self) -> bool:
        """Return whether the rows fit into the memory of every executor."""
        return self.count <= BROADCAST_ROWS

    def where(self, condition: Column | str) -> DataFrame:
        """Filter the rows."""
        return self.rows.where(condition)

    def select(self, *columns: str) -> Counted:
        """Select columns of the rows, whose number stays."""
        return Counted(self.rows.select(*columns), self.count)


def checkpoint_counted(df: DataFrame) -> Counted:
    """Checkpoint a frame and count its rows in the same job."""
    rows, figures = checkpoint_observing(df, F.count(F.lit(1)).alias("rows"))
    return Counted(rows, figures["rows"]) if figures["rows"] else no_rows(df)


def no_rows(like: DataFrame) -> Counted:
    """Return no rows of the columns of another frame; runs no job."""
    return Counted(empty_frame(like.sparkSession, like.schema), 0)


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
