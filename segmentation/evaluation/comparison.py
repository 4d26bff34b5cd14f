"""Whether one model is better than another on the same users, beyond chance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from segmentation.evaluation.classification import AUC_PR, log_losses
from segmentation.statistics import draw_resamples, percentile_interval

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Metric = Literal["log_loss", "auc_pr"]


@dataclass(frozen=True)
class Difference:
    """Difference between two models with a 95 % interval; for every metric, a value above 0 is better."""

    metric: str
    value: float
    lower: float
    upper: float

    @property
    def is_ahead(self) -> bool:
        """Return whether the whole interval is on the better side."""
        return self.lower > 0

    def __str__(self) -> str:
        """The difference in words."""
        return f"{self.metric} better by {self.value:.4f} (95 % {self.lower:.4f} to {self.upper:.4f})"


def compare_paired(one: Floats, other: Floats, label: Floats, *, metric: Metric, rounds: int, seed: int) -> Difference:
    """Compare two scores of the same users by a paired bootstrap over users (percentile interval).

    The difference is the other's log loss less the one's, or the one's AUC-PR less the other's. Deterministic by its
    seed. Resamples that lack a class are left out of AUC-PR. Efron, Tibshirani (1993), An Introduction to the
    Bootstrap, chapter 13.

    Args:
        one: its probabilities (log loss) or scores (AUC-PR).
        other: those of the other, in the same order of users.
        label: 0 or 1.
        metric: by what.
        rounds: resamples.
        seed: of the draws.
    """
    n = len(label)
    if metric == AUC_PR:
        first, second = _RankedCurve(one, label), _RankedCurve(other, label)
        measured = first.area(np.ones(n)) - second.area(np.ones(n))
        draws = (np.bincount(drawn, minlength=n).astype(float) for drawn in draw_resamples(n, rounds, seed))
        differences = [first.area(w) - second.area(w) for w in draws if 0 < w @ label < n]
        return Difference(metric, float(measured), *percentile_interval(differences))
    return compare_means(log_losses(other, label), log_losses(one, label), metric=metric, rounds=rounds, seed=seed)


def compare_means(one: Floats, other: Floats, *, metric: str, rounds: int, seed: int) -> Difference:
    """Compare the means of two measures of the same users, the one's less the other's, by a paired bootstrap.

    Percentile interval over users; deterministic by its seed. Efron, Tibshirani (1993), chapter 13.
    """
    gains = one - other
    means = [float(gains[drawn].mean()) for drawn in draw_resamples(len(gains), rounds, seed)]
    return Difference(metric, float(gains.mean()), *percentile_interval(means))


class _RankedCurve:
    """The area under a precision-recall curve for any weights of its users, sorted only once."""

    def __init__(self, score: Floats, label: Floats) -> None:
        self._order = np.argsort(-score, kind="stable")
        ranked = score[self._order]
        self._ends = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))
        self._label = label[self._order]

    def area(self, weights: Floats) -> float:
        """Return the area; every score with some weight is a threshold."""
        w = weights[self._order]
        everybody, positives = np.cumsum(w)[self._ends], np.cumsum(w * self._label)[self._ends]
        there = everybody > 0
        everybody, positives = everybody[there], positives[there]
        recall, precision = positives / positives[-1], positives / everybody
        steps = np.diff(recall, prepend=0.0)
        before = np.concatenate([precision[:1], precision[:-1]])
        return float(steps @ (precision + before) / 2)
