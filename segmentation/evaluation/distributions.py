"""Describe the distributions of features, their correlations, and their changes between two cuts."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
from pyspark.sql import functions as F
from scipy.stats import chi2

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from pyspark.sql import DataFrame

    from segmentation.evaluation.params import FeatureReportParams

PERCENTILES = (5, 25, 50, 75, 95)
STABLE, MOVED, SHIFTED, INFO = "stable", "moved", "shifted", "info"
CHANCE = 0.95
FEWEST_FOR_RANKS = 30


class Stability(NamedTuple):
    """Change of a distribution, and the change that chance alone would cause."""

    psi: float | None
    noise: float | None
    status: str


def count_values(users: DataFrame, features: Sequence[str]) -> DataFrame:
    """Count users, nulls and zeros of every feature, and find its range; exact, over all users.

    Grain: a user with features as doubles -> a feature. One exchange of a few rows per feature and task.
    """
    pairs = F.array(*(F.struct(F.lit(name).alias("feature"), F.col(name).alias("value")) for name in features))
    return (
        users.select(F.inline(pairs))
        .groupBy("feature")
        .agg(
            F.count(F.lit(1)).alias("users"),
            F.count_if(F.col("value").isNull()).alias("nulls"),
            F.count_if(F.col("value") == 0).alias("zeros"),
            F.min("value").alias("minimum"),
            F.max("value").alias("maximum"),
        )
    )


def sample_users(users: DataFrame, most: int) -> DataFrame:
    """Take at most so many users, always the same ones: those with the smallest hashes, in that order."""
    return users.orderBy(F.xxhash64("user_id"), "user_id").limit(most)


def describe(values: pd.Series, *, bins: int) -> dict[str, object]:
    """Describe a sample of a feature: moments, percentiles (linear interpolation) and a histogram from p1 to p99."""
    known = values.dropna().to_numpy(dtype=float)
    nothing = {"mean": None, "std": None, **{f"p{share:02d}": None for share in PERCENTILES}}
    if not len(known):
        return {**nothing, "bin_edges": [], "bin_counts": []}
    counts, edges = np.histogram(known, bins=_edges(known, bins))
    return {
        "mean": float(known.mean()),
        "std": float(known.std(ddof=1)) if len(known) > 1 else None,
        **{f"p{share:02d}": float(np.percentile(known, share)) for share in PERCENTILES},
        "bin_edges": [float(edge) for edge in edges],
        "bin_counts": [int(count) for count in counts],
    }


def compare(before: pd.Series, now: pd.Series, *, params: FeatureReportParams) -> Stability:
    """Compare two samples of a feature by the population stability index.

    PSI = sum over bins of (q - p) ln(q / p), with the shares p before and q now. The bins are the deciles before (equal
    ones are one), and one for null. Half a user is added to each bin, so that an empty one is not infinitely far. If
    nothing changed, PSI x n m / (n + m) is about chi-squared with one degree of freedom less than there are bins
    (Yurdakul 2018, Statistical Properties of the Population Stability Index): `noise` is its 95th percentile.
    """
    if before.empty or now.empty:
        return Stability(None, None, INFO)
    then, later = (side.to_numpy(dtype=float) for side in (before, now))
    edges = decile_edges(then)
    counts = count_bins(then, edges), count_bins(later, edges)
    psi = stability_index(*counts)
    noise = float(chi2.ppf(CHANCE, len(edges) + 1) * (1 / len(before) + 1 / len(now)))
    beyond_chance = psi > noise
    if beyond_chance and psi >= params.psi_shifted:
        return Stability(psi, noise, SHIFTED)
    return Stability(psi, noise, MOVED if beyond_chance and psi >= params.psi_moved else STABLE)


def decile_edges(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the deciles of the known values (nan: null), equal ones once: the borders of at most ten bins."""
    known = values[~np.isnan(values)]
    return np.asarray(np.unique(np.percentile(known, range(10, 100, 10))) if len(known) else np.array([]))


def count_bins(values: NDArray[np.float64], edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """Count values per bin (a border belongs to the bin below it), nulls in a last bin of their own."""
    known = values[~np.isnan(values)]
    bins = np.bincount(np.searchsorted(edges, known, side="left"), minlength=len(edges) + 1)
    return np.append(bins, len(values) - len(known)).astype(float)


def smoothed_shares(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return shares of bins, half a user added to each, so that an empty bin is not infinitely far from any other."""
    return np.asarray((counts + 0.5) / (counts + 0.5).sum())


def stability_index(before: NDArray[np.float64], now: NDArray[np.float64]) -> float:
    """Return the population stability index of two counts of the same bins: see :func:`compare`."""
    p, q = smoothed_shares(before), smoothed_shares(now)
    return float(((q - p) * np.log(q / p)).sum())


def correlate(values: pd.DataFrame, *, at_least: float) -> list[tuple[str, str, float, int]]:
    """Find the pairs of features whose ranks go together at least so closely (Spearman; ties share their mean rank).

    Returns:
        the two names in order, the coefficient and the users of whom both are known (30 or more); by name.
    """
    ordered = values[sorted(values.columns)]
    ranks = ordered.corr(method="spearman", min_periods=FEWEST_FOR_RANKS).to_numpy()
    known = ordered.notna().to_numpy(dtype=float)
    both = known.T @ known
    above = np.argwhere(np.triu(np.abs(np.nan_to_num(ranks)) >= at_least, k=1))
    names = list(ordered.columns)
    return [(names[i], names[j], float(ranks[i, j]), int(both[i, j])) for i, j in above]


def _edges(known: NDArray[np.float64], bins: int) -> NDArray[np.float64]:
    """Cut the range from p1 to p99 into bins, of equally many numbers each where all are whole; at most so many."""
    low, high = np.percentile(known, [1, 99])
    if (known == np.floor(known)).all():
        low, high = np.floor(low), np.ceil(high)
        width = np.ceil((high - low + 1) / bins)
        return np.asarray(low - 0.5 + width * np.arange(np.ceil((high - low + 1) / width) + 1))
    return np.linspace(low, high, bins + 1) if high > low else np.array([low - 0.5, low + 0.5])
