"""Whether a probability means what it says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from segmentation.statistics import wilson_interval

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


@dataclass(frozen=True)
class CalibrationBin:
    """A bin of users with about equal scores: what was predicted for them and what happened."""

    users: int
    predicted: float
    """Mean predicted probability."""
    observed: float
    """Share of positives."""
    lower: float
    upper: float
    """95 % interval of the observed share (Wilson)."""


@dataclass(frozen=True)
class BrierParts:
    """Brier score = reliability - resolution + uncertainty + within_bins."""

    reliability: float
    """Mean squared distance of predicted and observed shares of the bins: 0 is perfect."""
    resolution: float
    """Mean squared distance of the bins' observed shares from the share over all: more is better."""
    uncertainty: float
    """Variance of the outcome: what always saying the share over all would score."""
    within_bins: float
    """Error within bins: the variance of scores inside them, less twice its covariance with the outcome."""


def calibration_bins(probability: Floats, label: Floats, *, bins: int) -> tuple[CalibrationBin, ...]:
    """Bin users by score into equal-frequency bins and compare predicted with observed shares.

    Grain: a user with a probability and a label of 0 or 1 -> a bin, in ascending order of score. Borders are exact
    percentiles; equal scores are never split, so that a stepwise score may give fewer bins than asked for.
    """
    number = _bin_numbers(probability, bins)
    found = []
    for one in np.unique(number):
        inside = number == one
        users, positives = int(inside.sum()), float(label[inside].sum())
        interval = wilson_interval(positives, users)
        found.append(CalibrationBin(users, float(probability[inside].mean()), positives / users, *interval))
    return tuple(found)


def decompose_brier(probability: Floats, label: Floats, *, bins: int) -> BrierParts:
    """Take the Brier score apart; the parts add up to it exactly.

    Formula: Murphy (1973), Journal of Applied Meteorology 12, with the two terms for scores that differ within bins of
    Stephenson, Coelho, Jolliffe (2008), Weather and Forecasting 23.
    """
    overall = float(label.mean())
    reliability = resolution = within = 0.0
    number = _bin_numbers(probability, bins)
    for one in np.unique(number):
        p, y = probability[number == one], label[number == one]
        share = len(p) / len(label)
        reliability += share * (p.mean() - y.mean()) ** 2
        resolution += share * (y.mean() - overall) ** 2
        within += share * (p.var() - 2 * np.mean((p - p.mean()) * (y - y.mean())))
    return BrierParts(float(reliability), float(resolution), overall * (1 - overall), float(within))


def calibration_error_by_chance(
    probability: Floats, *, bins: int, rounds: int, seed: int, share: float = 0.95
) -> float:
    """Return the calibration error that a perfectly calibrated score exceeds in 1 - `share` of samples like this one.

    Outcomes are drawn from the probabilities themselves (consistency resampling: Broecker and Smith (2007), Weather and
    Forecasting 22); deterministic by its seed. With few users, or few per bin, chance alone is far off the diagonal.
    """
    random = np.random.default_rng(seed)
    number = _bin_numbers(probability, bins)
    members = (number[:, None] == np.unique(number)).astype(float)
    predicted = probability @ members
    errors = [
        np.abs((random.random(len(probability)) < probability) @ members - predicted).sum() / len(probability)
        for _ in range(rounds)
    ]
    return float(np.quantile(errors, share))


def _bin_numbers(probability: Floats, bins: int) -> NDArray[np.int64]:
    borders = np.unique(np.quantile(probability, [i / bins for i in range(1, bins)]))
    return np.searchsorted(borders, probability, side="left").astype(np.int64)


def expected_calibration_error(bins: Sequence[CalibrationBin]) -> float:
    """Return the mean distance of predicted and observed shares, weighted by users.

    Formula: Naeini, Cooper and Hauskrecht (2015), AAAI 29, here with equal-frequency bins.
    """
    users = sum(b.users for b in bins)
    return sum(b.users * abs(b.predicted - b.observed) for b in bins) / users
