"""xgboost: boosted trees by histograms; it has no k-means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from xgboost import XGBClassifier

from benchmarks.models.peers import measure
from benchmarks.models.task import DEPTH, STEP, TREES, Scored, Task, main

if TYPE_CHECKING:
    from benchmarks.engines.task import Clock


def classifier(task: Task) -> Any:
    """Build the boosted trees."""
    return XGBClassifier(
        n_estimators=TREES, max_depth=DEPTH, learning_rate=STEP, tree_method="hist", n_jobs=task.threads, random_state=7
    )


def work(task: Task, clock: Clock) -> Scored:
    """Train the trees, then score."""
    return measure(task, clock, classifier, clusters=False)


if __name__ == "__main__":
    main(work)
