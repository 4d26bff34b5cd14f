"""Whether a probability means what it says."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import DataFrame

Z_95 = 1.959963984540054


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


def calibration_bins(df: DataFrame, *, probability: str, label: str, bins: int) -> tuple[CalibrationBin, ...]:
    """Bin users by score into equal-frequency bins and compare predicted with observed shares.

    Grain: a user with a probability and a label of 0 or 1 -> a bin, in ascending order of score. Borders are exact
    percentiles; equal scores are never split, so that a stepwise score may give fewer bins than asked for.
    Only bins reach the driver.
    """
    shares = [i / bins for i in range(1, bins)]
    row = df.agg(F.percentile(probability, F.array(*map(F.lit, shares)))).first()
    borders = sorted(set(row[0] or ())) if row else []
    above = [(F.col(probability) > border).cast("int") for border in borders]
    number = F.aggregate(F.array(F.lit(0), *above), F.lit(0), lambda total, one: total + one)
    counted = df.groupBy(number.alias("bin")).agg(
        F.count(F.lit(1)).alias("users"),
        F.avg(probability).alias("predicted"),
        F.sum(label).alias("positives"),
    )
    return tuple(
        CalibrationBin(
            r["users"],
            r["predicted"],
            r["positives"] / r["users"],
            *wilson_interval(r["positives"], r["users"]),
        )
        for r in counted.orderBy("bin").collect()
    )


def expected_calibration_error(bins: Sequence[CalibrationBin]) -> float:
    """Return the mean distance of predicted and observed shares, weighted by users.

    Formula: Naeini, Cooper and Hauskrecht (2015), AAAI 29, here with equal-frequency bins.
    """
    users = sum(b.users for b in bins)
    return sum(b.users * abs(b.predicted - b.observed) for b in bins) / users


def wilson_interval(positives: float, total: int, z: float = Z_95) -> tuple[float, float]:
    """Return the score interval of a share. Formula: Wilson (1927), JASA 22(158)."""
    share = positives / total
    centre = (share + z * z / (2 * total)) / (1 + z * z / total)
    half = z / (1 + z * z / total) * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    return max(0.0, centre - half), min(1.0, centre + half)
