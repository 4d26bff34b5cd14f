"""Measure the use of a score for decisions: lift, gains and the threshold of least cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from segmentation.statistics import wilson_interval

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Gain:
    """Positives among the users with the highest scores."""

    share: float
    """Share of users, best first; where scores tie it may be more than asked for."""
    users: int
    captured: float
    """Share of all positives among them."""
    precision: float
    """Share of positives among them, with its 95 % Wilson interval."""
    lower: float
    upper: float
    lift: float
    """Precision / share of positives over all."""


@dataclass(frozen=True)
class Decision:
    """Outcome of a decision to act on all users at or above a threshold."""

    threshold: float
    acted_on: float
    """Share of users."""
    precision: float | None
    """Share of those for whom it came true; None: no user is acted on."""
    recall: float
    """Share of those for whom it came true who were acted on."""
    cost: float
    """Mean cost of wrong decisions per user."""
    cost_of_all: float
    """The same if all users were acted on."""
    cost_of_none: float
    """The same if no user were."""


def measure_gains(score: Floats, label: Floats, *, steps: int = 10) -> tuple[Gain, ...]:
    """Measure the best 1/steps, 2/steps, ... of users; users of equal score are never parted.

    Grain: a user with a score (higher first) and a label of 0 or 1, at least one of them 1 -> a share of users. Shares
    that ties make equal come once.
    """
    ranked = np.sort(score)[::-1]
    positives, n = label.sum(), len(label)
    borders = dict.fromkeys(float(ranked[max(1, round(n * i / steps)) - 1]) for i in range(1, steps + 1))
    gains = []
    for border in borders:
        chosen = score >= border
        users, found = int(chosen.sum()), float(label[chosen].sum())
        precision = found / users
        interval = wilson_interval(found, users)
        gains.append(
            Gain(users / n, users, found / float(positives), precision, *interval, precision * n / float(positives))
        )
    return tuple(gains)


def decide(probability: Floats, label: Floats, *, threshold: float, false_alarm: float, miss: float) -> Decision:
    """Say what acting on all users from a threshold on would have cost.

    Args:
        probability: calibrated, of users whose outcome is known.
        label: 0 or 1, at least one of them 1.
        threshold: of the probability; `false_alarm / (false_alarm + miss)` costs least where it is calibrated (Elkan
            2001, The Foundations of Cost-Sensitive Learning, IJCAI).
        false_alarm: cost of acting on a user for whom it does not come true.
        miss: cost of not acting on a user for whom it does.
    """
    acted = probability >= threshold
    hits, positives, n = float(label[acted].sum()), float(label.sum()), len(label)
    alarms = float(acted.sum()) - hits
    return Decision(
        threshold,
        float(acted.mean()),
        hits / float(acted.sum()) if acted.any() else None,
        hits / positives,
        (alarms * false_alarm + (positives - hits) * miss) / n,
        (n - positives) * false_alarm / n,
        positives * miss / n,
    )
