"""Have distributions changed between two cuts, and is it other people or the same people behaving otherwise?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy.spatial.distance import jensenshannon
from scipy.stats import chi2_contingency, ks_2samp

from segmentation.evaluation.distributions import count_bins, decile_edges, smoothed_shares, stability_index
from segmentation.statistics import with_q_values

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from numpy.typing import NDArray

    Values = NDArray[np.float64]

SEGMENTS = "segments"
"""The subject that tells whether the shares of segments changed."""


class DriftSample(NamedTuple):
    """Users of a cut."""

    values: Values
    """Of one subject; nan: null."""
    segments: NDArray[Any]


class Split(NamedTuple):
    """A change taken apart: other shares of segments, and change within segments."""

    mix_effect: float | None
    within_effect: float | None
    psi_mix: float
    psi_within: float


@dataclass(frozen=True)
class Drift:
    """One distribution at two cuts."""

    scope: str
    """Name of the compared feature, score or segmentation."""
    users_before: int
    users_now: int
    psi: float
    js_distance: float
    ks: float | None
    p_value: float
    q_value: float
    mean_before: float | None
    mean_now: float | None
    split: Split | None
    """None for the shares of segments themselves."""


def measure_drift(before: pd.DataFrame, now: pd.DataFrame, *, subjects: Mapping[str, str], segment: str) -> list[Drift]:
    """Compare the distributions of two samples of users.

    Grain: a user with numbers and a segment -> one entry per subject and one for the segments, by subject. Segments are
    those of one model at both cuts. Null is a value of its own: a bin for the indices, below all others for the test.
    The tests take the samples for independent; where people are in both and hardly change, they find less than they
    might. Nothing is compared where a sample is empty.

    Args:
        before: users of the earlier cut.
        now: users of the cut in question.
        subjects: subject -> its column.
        segment: column of the segment.

    Source: A. N. Kolmogorov (1933), N. V. Smirnov (1939); J. Lin (1991), IEEE Transactions on Information Theory 37;
    Y. Benjamini, Y. Hochberg (1995), Journal of the Royal Statistical Society B 57.
    """
    if before.empty or now.empty:
        return []
    segments = before[segment].to_numpy(), now[segment].to_numpy()
    found = [
        _compare_numbers(name, *map(DriftSample, (df[column].to_numpy(dtype=float) for df in (before, now)), segments))
        for name, column in sorted(subjects.items())
    ]
    found.append(_compare_segments(*segments))
    return with_q_values(found)


def split_change(before: DriftSample, now: DriftSample, *, edges: NDArray[np.float64]) -> Split:
    """Take a change apart into mix shift and change within segments.

    The change of the mean is the sum of both effects, exactly: shares of segments differ at the mean of the two cuts'
    segment means, segment means at the mean of the two cuts' shares; nulls are left out. The stability indices go from
    before to the distribution that the present segments would have if each had stayed as it was, and from there to now:
    they do not add up. A segment without users at one of the cuts counts as mix alone.

    Args:
        before: values (nan: null) and segments of the users of the earlier cut.
        now: the same at the later cut.
        edges: of the bins.

    Source: E. M. Kitagawa (1955), Components of a difference between two rates, Journal of the American Statistical
    Association 50, 1168-1194.
    """
    pairs = [
        (before.values[before.segments == name], now.values[now.segments == name])
        for name in np.union1d(before.segments, now.segments)
    ]
    expected = np.zeros(len(edges) + 2)
    for then, later in pairs:
        counts = count_bins(then if len(then) else later, edges)
        expected += len(later) * counts / counts.sum()
    psi_mix = stability_index(count_bins(before.values, edges), expected)
    psi_within = stability_index(expected, count_bins(now.values, edges))
    return Split(*_effects(pairs), psi_mix, psi_within)


def _effects(pairs: Sequence[tuple[Values, Values]]) -> tuple[float | None, float | None]:
    known = [(then[~np.isnan(then)], later[~np.isnan(later)]) for then, later in pairs]
    total_then, total_later = sum(len(then) for then, _ in known), sum(len(later) for _, later in known)
    if not total_then or not total_later:
        return None, None
    mix = within = 0.0
    for then, later in known:
        if not len(then) and not len(later):
            continue
        p, q = len(then) / total_then, len(later) / total_later
        mean_later = (later if len(later) else then).mean()
        mean_then = (then if len(then) else later).mean()
        mix += (q - p) * (mean_then + mean_later) / 2
        within += (mean_later - mean_then) * (p + q) / 2
    return float(mix), float(within)


def _compare_numbers(scope: str, before: DriftSample, now: DriftSample) -> Drift:
    edges = decile_edges(before.values)
    counts = count_bins(before.values, edges), count_bins(now.values, edges)
    ranked = (np.where(np.isnan(side.values), -np.inf, side.values) for side in (before, now))
    test = ks_2samp(*ranked, method="asymp")
    return Drift(
        scope=scope,
        users_before=len(before.values),
        users_now=len(now.values),
        psi=stability_index(*counts),
        js_distance=_js_distance(*counts),
        ks=float(test.statistic),
        p_value=float(test.pvalue),
        q_value=float(test.pvalue),
        mean_before=_mean(before.values),
        mean_now=_mean(now.values),
        split=split_change(before, now, edges=edges),
    )


def _compare_segments(before: NDArray[Any], now: NDArray[Any]) -> Drift:
    names = np.union1d(before, now)
    counts = tuple(np.array([(side == name).sum() for name in names], dtype=float) for side in (before, now))
    p_value = float(chi2_contingency(np.array(counts), correction=False).pvalue) if len(names) > 1 else 1.0
    index, distance = stability_index(*counts), _js_distance(*counts)
    return Drift(SEGMENTS, len(before), len(now), index, distance, None, p_value, p_value, None, None, None)


def _js_distance(before: NDArray[np.float64], now: NDArray[np.float64]) -> float:
    return float(jensenshannon(smoothed_shares(before), smoothed_shares(now), base=2))


def _mean(values: Values) -> float | None:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else None
