"""Our ingest with Spark's event log on, which `python -m benchmarks profile` reads."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from benchmarks.engines.suite import ingest_files, take_in
from benchmarks.engines.task import Clock, Task, main
from benchmarks.profile.event_log import event_log_settings

if TYPE_CHECKING:
    from collections.abc import Callable

KNOWN_BATCHES = 2
"""Batches of mode *small* that are in the lake before the first one is measured."""


def ingest_batches(task: Task, clock: Clock) -> None:
    """Time the ingest job on each file by itself, after the first two."""
    files = [path for folder in task.inputs for path in sorted(folder.glob("*.parquet"))]
    for number, file in enumerate(files):
        with clock.phase("prepare" if number < KNOWN_BATCHES else "job"):
            ingest_files(task, [file])


def with_event_log(mode: Callable[[Task, Clock], None], task: Task, clock: Clock) -> None:
    """Run a mode with an event log in the folder `event-log` of the scratch folder."""
    folder = task.scratch / "event-log"
    folder.mkdir(parents=True)
    mode(replace(task, spark=event_log_settings(folder)), clock)


MODES = {"full": take_in, "increment": take_in, "small": ingest_batches}


if __name__ == "__main__":
    main({name: partial(with_event_log, mode) for name, mode in MODES.items()})
