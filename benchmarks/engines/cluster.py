"""Ours on a standalone cluster on this machine, of as many workers of one core as there are threads."""

from __future__ import annotations

import atexit
import re
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

from benchmarks.engines import suite
from benchmarks.engines.task import Clock, Task, main
from benchmarks.standalone import standalone_cluster

if TYPE_CHECKING:
    from collections.abc import Callable

DRIVER_SHARE = 4
"""The driver gets a quarter of the memory, the workers share the rest."""


def on_cluster(mode: Callable[[Task, Clock], None]) -> Callable[[Task, Clock], None]:
    """Run a mode on a cluster that is started for it; its start is no part of the figure."""
    # What a process has used is known while it runs: the cluster outlives the measurement.
    until_exit = ExitStack()
    atexit.register(until_exit.close)

    def run(task: Task, clock: Clock) -> None:
        megabytes = 1024 * int(re.sub(r"\D", "", task.memory))
        driver, each = megabytes // DRIVER_SHARE, (megabytes - megabytes // DRIVER_SHARE) // task.threads
        folder = task.scratch / "cluster"
        folder.mkdir(parents=True)
        with clock.phase("prepare"):
            cluster = until_exit.enter_context(
                standalone_cluster(folder, workers=task.threads, memory=f"{each}m"),
            )
        spark = {
            "spark.master": cluster.master,
            "spark.driver.memory": f"{driver}m",
            "spark.executor.memory": f"{each}m",
            "spark.executor.cores": "1",
            "spark.default.parallelism": str(task.threads),
            "spark.executor.extraJavaOptions": "-XX:+UseParallelGC",
        }
        mode(replace(task, spark=spark), clock)

    return run


if __name__ == "__main__":
    main({name: on_cluster(mode) for name, mode in suite.INGESTS.items()} | {"export": suite.export})
