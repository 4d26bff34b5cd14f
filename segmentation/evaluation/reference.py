"""Null model of clustering: the silhouette that k clusters reach in data without clusters."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from sklearn.metrics import pairwise_distances, silhouette_score

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Points = NDArray[np.float64]
    Labels = NDArray[np.int_]

STANDARD_ERRORS = 2.0
"""A silhouette must exceed the mean of the reference data by this many standard deviations."""


class Reference(NamedTuple):
    """Euclidean silhouettes in data without clusters, of the reference that comes closest to having some."""

    mean: float
    std: float

    @property
    def limit(self) -> float:
        """Return the silhouette that a clustering must exceed: the mean and two standard deviations between draws."""
        return self.mean + STANDARD_ERRORS * self.std


def reference_silhouettes(
    points: Points, *, ks: Sequence[int], cluster: Callable[[Points, int], Labels], draws: int, seed: int
) -> dict[int, Reference]:
    """Cluster data of one lump that are as large, as wide and as correlated as the points.

    Two kinds of lump are drawn, and for each k the one with the greater limit counts: normal with the points'
    covariance (the null of SigClust: Liu, Hayes, Nobel, Marron 2008, JASA 103), which has the correlations that make
    any cloud divisible along its length; and uniform in the box along the principal components (reference b of the gap
    statistic: Tibshirani, Walther, Hastie 2001, JRSS B 63), whose edges are sharp. Permuted columns are no reference
    here: a feature with two humps keeps them, so that real clusters would have to beat clusters.

    Args:
        points: standardised users.
        ks: numbers of clusters.
        cluster: points and k -> labels. k-means: nothing else cuts one lump into parts that are further apart.
        draws: data sets of either kind.
        seed: of the draws.
    """
    rng = np.random.default_rng(seed)
    centred = points - points.mean(axis=0)
    _, spread, axes = np.linalg.svd(centred, full_matrices=False)
    scores = centred @ axes.T
    scale, low, high = spread / np.sqrt(len(points)), scores.min(axis=0), scores.max(axis=0)
    size = (len(points), len(spread))
    kinds: tuple[Callable[[], Points], ...] = (
        lambda: rng.standard_normal(size) * scale,
        lambda: rng.uniform(low, high, size=size),
    )
    by_kind = [[_silhouettes(lump(), ks, cluster) for _ in range(draws)] for lump in kinds]
    references = [_summarise(np.array(silhouettes)) for silhouettes in by_kind]
    return {k: max((kind[i] for kind in references), key=lambda r: r.limit) for i, k in enumerate(ks)}


def _silhouettes(lump: Points, ks: Sequence[int], cluster: Callable[[Points, int], Labels]) -> list[float]:
    distances = pairwise_distances(lump)
    return [float(silhouette_score(distances, cluster(lump, k), metric="precomputed")) for k in ks]


def _summarise(silhouettes: NDArray[np.float64]) -> list[Reference]:
    means, spreads = silhouettes.mean(axis=0), silhouettes.std(axis=0, ddof=1)
    return [Reference(float(mean), float(std)) for mean, std in zip(means, spreads, strict=True)]
