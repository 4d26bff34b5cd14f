"""scikit-learn: KMeans and HistGradientBoostingClassifier."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sklearn.ensemble import HistGradientBoostingClassifier

from benchmarks.models.peers import measure
from benchmarks.models.task import DEPTH, STEP, TREES, Scored, Task, main

if TYPE_CHECKING:
    from benchmarks.engines.task import Clock


def classifier(_task: Task) -> Any:
    """Build the boosted trees."""
    return HistGradientBoostingClassifier(
        max_iter=TREES, max_depth=DEPTH, learning_rate=STEP, early_stopping=False, random_state=7
    )


def work(task: Task, clock: Clock) -> Scored:
    """Train both models, then score."""
    return measure(task, clock, classifier, clusters=True)


if __name__ == "__main__":
    main(work)
