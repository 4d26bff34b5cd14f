"""Ours: the shipped jobs under the shipped configuration, in a started and warmed-up session, writing Delta."""

from __future__ import annotations

import shutil
from contextlib import nullcontext
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from benchmarks.contract import SOURCE, TABLES
from benchmarks.engines.suite_behaviour import QUESTIONS, lay_out_steps, write_clusters, write_sequences
from benchmarks.engines.task import Clock, Task, main
from jobs import build_features, ingest_events, score_segments, train_clusters, train_propensity
from segmentation.lake.lock import exclusive
from segmentation.runtime.main import open_context
from segmentation.sessions.item_counts import count_items
from segmentation.tables import DUPLICATES, EVENTS, QUARANTINE, SESSIONS, USER_FEATURES
from segmentation.tables.items import DEVICE_TYPE, PURCHASE_NAME
from segmentation.tables.reference import all_tables

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from segmentation.runtime.context import Context
    from segmentation.runtime.main import Job

TINY, WARM_UP_DAYS = "tiny", 5
ONE_CUT = "propensity.horizon_days=10000"
"""No earlier cuts: the history is too short for any."""


def take_in(task: Task, clock: Clock) -> None:
    """Time the ingest job on all input files in one command: a full build, or what comes on top of one."""
    day = {"full": "history", "increment": "next-*", "backfill": "late-*"}[task.mode]
    with clock.phase("prepare"):
        _warm_up(task, _ingest_tiny(task, day))
    with clock.phase("job"):
        ingest_files(task, task.inputs)


def ingest_files(task: Task, files: Sequence[Path]) -> None:
    """Run the ingest job on the task's lake."""
    _run(open_task(task, task.state, files), ingest_events)


def snapshot(task: Task, clock: Clock) -> None:
    """Time the features of all users at one cut, the day after the history."""
    with clock.phase("prepare"):
        _warm_up(task, _ingest_tiny(task), (build_features,), ONE_CUT)
    with clock.phase("job"):
        context = open_task(task, task.state, (), ONE_CUT)
        _run(context, build_features)
    with clock.phase("prepare"):  # counting is in no figure
        clock.records = _users(context)


def prepare_training(task: Task, _clock: Clock) -> None:
    """Build the features at all cuts and the propensity models, which scoring asks for; no part of any figure."""
    context = open_task(task, task.state)
    for job in (build_features, train_propensity):
        _run(context, job)


def train(task: Task, clock: Clock) -> None:
    """Time training the clusters and scoring all users at the cut."""
    with clock.phase("prepare"):
        _warm_up(task, _ingest_tiny(task), (build_features, train_propensity, train_clusters, score_segments))
    for job in (train_clusters, score_segments):
        with clock.phase(job.__name__.rpartition(".")[2]):
            context = open_task(task, task.state)
            _run(context, job)
    with clock.phase("prepare"):  # counting is in no figure
        clock.records = _users(context)


def describe(task: Task, clock: Clock) -> None:
    """Time what is asked of behaviour, question by question, after the steps, which are held as the job holds them."""

    def ask(context: Context, clock: Clock, folder: Path) -> None:
        with clock.phase("steps"):
            steps = lay_out_steps(context.lake).persist()
            steps.count()
        for table, question in QUESTIONS.items():
            with clock.phase(table):
                question(context.lake, steps).write.parquet(str(folder / table), mode="overwrite")
        steps.unpersist()

    with clock.phase("prepare"):
        warm = SimpleNamespace(run=partial(ask, clock=Clock(), folder=task.scratch / "warm"))
        _warm_up(task, _ingest_tiny(task), (warm,))
        context = open_task(task, task.state)
    ask(context, clock, task.state / task.mode)
    with clock.phase("prepare"):  # counting is in no figure
        clock.records = context.lake.read(EVENTS).count()


def align(task: Task, clock: Clock) -> None:
    """Time sessions as sequences, typical ones of a sample by optimal matching, and every session with the nearest."""

    def cluster(context: Context, folder: Path) -> None:
        with clock.phase("sequences") if folder != warm else nullcontext():
            write_sequences(context.lake, str(folder / "sequences"))
        with clock.phase("clusters") if folder != warm else nullcontext():
            write_clusters(context.lake, str(folder / "sequences"), str(folder / "clusters"))

    warm = task.scratch / "warm"
    with clock.phase("prepare"):
        _warm_up(task, _ingest_tiny(task), (SimpleNamespace(run=partial(cluster, folder=warm)),))
        context = open_task(task, task.state)
    cluster(context, task.state / task.mode)
    with clock.phase("prepare"):  # counting is in no figure
        clock.records = context.spark.read.parquet(str(task.state / task.mode / "clusters")).count()


def export(task: Task, _clock: Clock) -> None:
    """Write the published tables as Parquet to the scratch folder, for the comparison; no part of any figure."""
    lake = open_task(task, task.state).lake
    for table in all_tables():
        if table.name in TABLES:
            columns = lake.read(table).select(*TABLES[table.name])
            columns.write.parquet(str(task.scratch / table.name), mode="overwrite")
    counts = count_items(lake.read(EVENTS), lake.read(SESSIONS), time_zone="UTC")
    counts = counts.where(~F.col("dimension").isin(PURCHASE_NAME, DEVICE_TYPE))  # no peer counts these
    counts.write.parquet(str(task.scratch / "user_day_counts"), mode="overwrite")
    copies = lake.read(DUPLICATES).select(F.lit("duplicate").alias("reason"))
    rejected = lake.read(QUARANTINE).select("reason").unionByName(copies).groupBy("reason")
    counts = rejected.agg(F.count(F.lit(1)).alias("records")).coalesce(1)
    counts.write.parquet(str(task.scratch / "rejections"), mode="overwrite")


def _ingest_tiny(task: Task, day: str = "") -> list[list[Path]]:
    """Return files for a lake of their own: a few tiny days, then a day like the task's; or all days at once."""
    tiny = task.work / "data" / TINY
    history = sorted((tiny / "history").glob("*.parquet"))
    return [history[:WARM_UP_DAYS], sorted(tiny.glob(f"{day}/*.parquet"))[-1:]] if day else [history]


def _warm_up(task: Task, batches: Iterable[Sequence[Path]], jobs: Sequence[Job] = (), *overrides: str) -> None:
    """Run the same on a tiny lake: code is loaded and compiled."""
    lake = task.scratch / "warm-up"
    for files in batches:
        _run(open_task(task, lake, files, *overrides), ingest_events)
    for job in jobs:
        _run(open_task(task, lake, (), *overrides), job)
    shutil.rmtree(lake)


def _run(context: Context, job: Job) -> None:
    """Do what the command line does once the session is there."""
    with exclusive(context.spark, context.lake.root, context.run_id):
        context.lake.recover()
        job.run(context)
    if context.lake.version(EVENTS) is None:
        raise RuntimeError(f"nothing was published to {context.lake.root}")


def _users(context: Context) -> int:
    return context.lake.read(USER_FEATURES).where(F.col("as_of") == F.lit(context.as_of)).count()


def open_task(task: Task, lake: Path, inputs: Sequence[Path] = (), *overrides: str) -> Context:
    """Open the shipped configuration on a lake, within the task's limits."""
    local = {"spark.driver.memory": task.memory.replace("GB", "g"), "spark.master": f"local[{task.threads}]"}
    return open_context(
        conf_dir=task.work / "conf",
        lake=str(lake),
        overrides=[
            f"ingest.max_events_per_user_day={task.cap}",
            *overrides,
            *(f"spark.{key}={value}" for key, value in {**local, **task.spark}.items()),
        ],
        options={"source": SOURCE, "input": [str(path) for path in inputs]},
        name="benchmark",
    )


INGESTS = dict.fromkeys(("full", "increment", "backfill"), take_in)


if __name__ == "__main__":
    main(
        {**INGESTS, "features": snapshot, "trained": prepare_training, "train": train, "export": export}
        | {"behaviour": describe, "sequences": align}
    )
