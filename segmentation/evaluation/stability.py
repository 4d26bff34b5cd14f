"""Whether clusters come back when the users are drawn again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from segmentation.evaluation.agreement import cross_tabulate, jaccard_matrix
from segmentation.statistics import draw_resamples

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Points = NDArray[np.float64]
    Labels = NDArray[np.int_]


def bootstrap_jaccard(
    points: Points, labels: Labels, *, cluster: Callable[[Points], Labels], draws: int, seed: int
) -> NDArray[np.float64]:
    """Compute how well each cluster comes back in bootstrap samples: its mean Jaccard to what is most like it.

    A bootstrap sample is clustered anew; each cluster, as far as its points were drawn, is compared with the cluster
    of the sample most like it, a point counting once however often it was drawn. Method: Hennig (2007), Cluster-wise
    assessment of cluster stability, Comput. Stat. Data Anal. 52 (`clusterboot` of R's fpc): .75 and more is a valid,
    stable cluster, .6 to .75 a pattern whose members are in doubt, .5 and less a cluster that dissolves.

    Args:
        points: a row per user.
        labels: their clusters, numbered from 0.
        cluster: the method that gave the labels: points -> labels numbered from 0.
        draws: bootstrap samples.
        seed: of the draws.

    Returns:
        A mean per cluster. A sample without a point of a cluster says nothing about it; one that the method finds
        nothing in counts 0 (labels are then empty).
    """
    found = np.full((draws, int(labels.max()) + 1), np.nan)
    for draw, resample in enumerate(draw_resamples(len(points), draws, seed)):
        drawn = np.sort(resample)
        again = cluster(points[drawn])
        once, first = np.unique(drawn, return_index=True)
        present = np.bincount(labels[once], minlength=found.shape[1]) > 0
        if len(again) == 0:
            found[draw, present] = 0.0
            continue
        best = jaccard_matrix(cross_tabulate(labels[once], again[first])).max(axis=1)
        found[draw, : len(best)] = np.where(present[: len(best)], best, np.nan)
    return np.asarray(np.nanmean(found, axis=0))
