"""Ours: the shipped jobs under the shipped configuration, in a started and warmed-up session, writing Delta."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from benchmarks.contract import SOURCE, TABLES
from benchmarks.engines.task import Clock, Task, main
from jobs import ingest_events
from segmentation.runtime.main import open_context
from segmentation.storage.lock import exclusive
from segmentation.tables.duplicates import DUPLICATES
from segmentation.tables.events import EVENTS
from segmentation.tables.quarantine import QUARANTINE
from segmentation.tables.reference import all_tables

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from segmentation.runtime.context import Context

TINY, WARM_UP_DAYS = "tiny", 5


def take_in(task: Task, clock: Clock) -> None:
    """Time the ingest job on all input files in one command: a full build, or what comes on top of one."""
    with clock.phase("prepare"):
        _warm_up(task)
    with clock.phase("job"):
        _ingest(_context(task, task.state, task.inputs))


def export(task: Task, _clock: Clock) -> None:
    """Write the published tables as Parquet to the scratch folder, for the comparison; no part of any figure."""
    lake = _context(task, task.state, ()).lake
    for table in all_tables():
        if table.name in TABLES:
            columns = lake.read(table).select(*TABLES[table.name])
            columns.write.parquet(str(task.scratch / table.name), mode="overwrite")
    copies = lake.read(DUPLICATES).select(F.lit("duplicate").alias("reason"))
    rejected = lake.read(QUARANTINE).select("reason").unionByName(copies).groupBy("reason")
    counts = rejected.agg(F.count(F.lit(1)).alias("records")).coalesce(1)
    counts.write.parquet(str(task.scratch / "rejections"), mode="overwrite")


def _warm_up(task: Task) -> None:
    """Take a few tiny days in, then a day like the task's, into a lake of their own: code is loaded and compiled."""
    tiny, day = task.scratch / "warm-up", {"full": "history", "increment": "next-*", "backfill": "late-*"}[task.mode]
    history = sorted((task.work / "data" / TINY / "history").glob("*.parquet"))
    for files in (history[:WARM_UP_DAYS], sorted((task.work / "data" / TINY).glob(f"{day}/*.parquet"))[-1:]):
        _ingest(_context(task, tiny, files))
    shutil.rmtree(tiny)


def _ingest(context: Context) -> None:
    """Do what the command line does once the session is there."""
    with exclusive(context.lake.root):
        context.lake.recover()
        ingest_events.run(context)
    if context.lake.version(EVENTS) is None:
        raise RuntimeError(f"nothing was published to {context.lake.root}")


def _context(task: Task, lake: Path, inputs: Sequence[Path]) -> Context:
    settings = {"driver.memory": task.memory.replace("GB", "g"), "master": f"local[{task.threads}]"}
    return open_context(
        conf_dir=task.work / "conf",
        lake=str(lake),
        overrides=[
            f"ingest.user_day_cap={task.cap}",
            *(f"spark.spark.{key}={value}" for key, value in settings.items()),
        ],
        options={"source": SOURCE, "input": [str(path) for path in inputs]},
        name="benchmark",
    )


if __name__ == "__main__":
    main({"full": take_in, "increment": take_in, "backfill": take_in, "export": export})
