"""What the two peers share: users as a matrix in memory, one process, as many threads as ours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from pyarrow import parquet
from sklearn.cluster import KMeans
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from benchmarks.models.data import LABEL
from benchmarks.models.task import CLUSTERS, ITERATIONS, Scored, Task

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from benchmarks.engines.task import Clock


def measure(task: Task, clock: Clock, classifier: Callable[[Task], Any], *, clusters: bool) -> Scored:
    """Train and score; the k-means is scikit-learn's, and left out where `clusters` is not set."""
    with threadpool_limits(limits=task.threads):
        return _measure(task, clock, classifier, clusters=clusters)


def _measure(task: Task, clock: Clock, classifier: Callable[[Task], Any], *, clusters: bool) -> Scored:
    with clock.phase("read"):
        matrix, label = _read(task, task.users.train)
        scaler = StandardScaler().fit(matrix)
        scaled = scaler.transform(matrix)
    cluster = None
    if clusters:
        with clock.phase("kmeans"):
            centres = KMeans(CLUSTERS, n_init=1, max_iter=ITERATIONS, random_state=7).fit(scaled)
        with clock.phase("kmeans_score"):
            cluster = centres.predict(scaler.transform(_read(task, task.users.test)[0]))
    with clock.phase("gbt"):
        model = classifier(task).fit(matrix, label)
    with clock.phase("gbt_score"):
        probability = model.predict_proba(_read(task, task.users.test)[0])[:, 1]
    return Scored(cluster, probability)


def _read(task: Task, path: Path) -> tuple[np.ndarray, np.ndarray]:
    table = parquet.read_table(path, columns=[*task.users.names, LABEL])
    return np.column_stack([table[name].to_numpy() for name in task.users.names]), table[LABEL].to_numpy()
