"""What an engine is asked for, and how it answers: each runs as a process of its own."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pyarrow import parquet
from sklearn.metrics import adjusted_rand_score, average_precision_score, log_loss, roc_auc_score

from benchmarks.engines.task import Clock
from benchmarks.models.data import SEGMENTS, Users

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

CLUSTERS, ITERATIONS = SEGMENTS, 30
TREES, DEPTH, STEP = 20, 4, 0.2
"""The same for every engine: k-means with so many centres from one start, trees of such a depth; no early stop."""


@dataclass(frozen=True)
class Task:
    """Train on one file, score the other."""

    users: Users
    threads: int
    memory: str


@dataclass(frozen=True)
class Scored:
    """What an engine says of the test users, in the order of the file."""

    cluster: NDArray[np.int_] | None
    """None: the engine has no k-means."""
    probability: NDArray[np.float64]


def main(work: Callable[[Task, Clock], Scored]) -> None:
    """Run an engine from the command line; the last line of stdout is JSON with its phases' seconds and its quality.

    Phases: `read` (from Parquet to scaled features in memory), `kmeans`, `gbt` (training), `kmeans_score` and
    `gbt_score` (from Parquet to the answer for every test user). Start and warm-up are `prepare`.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--users", type=int, required=True)
    parser.add_argument("--features", type=int, required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--memory", required=True)
    given = parser.parse_args()
    task = Task(Users(given.root, given.users, given.features), given.threads, given.memory)
    clock = Clock()
    scored = work(task, clock)
    answer = {"seconds": clock.wall_s, "processor_s": clock.cpu_s, "quality": _judge(task.users, scored)}
    sys.stdout.write("\n" + json.dumps(answer) + "\n")


def _judge(users: Users, scored: Scored) -> dict[str, float]:
    table = parquet.read_table(users.test, columns=["segment", "label"])
    segment, label = (table[name].to_numpy() for name in ("segment", "label"))
    groups = {} if scored.cluster is None else {"adjusted_rand": float(adjusted_rand_score(segment, scored.cluster))}
    return {
        **groups,
        "auc_roc": float(roc_auc_score(label, scored.probability)),
        "auc_pr": float(average_precision_score(label, scored.probability)),
        "log_loss": float(log_loss(label, scored.probability)),
    }
