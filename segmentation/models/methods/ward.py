"""Ward's hierarchical clustering: whichever two clusters are joined, the variance within grows least."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sklearn.cluster import AgglomerativeClustering

from segmentation.models.methods.method import Labels, Points, consecutive
from segmentation.models.methods.micro import MicroClusters, fit_by_micro_clusters, label_by_micro_clusters

if TYPE_CHECKING:
    from pyspark.ml import Transformer
    from pyspark.sql import DataFrame

    from segmentation.models.methods.micro import Reductions
    from segmentation.models.params import ClusterParams

NAME = "ward"
MOST_POINTS = 1_000
"""Rows that stand for the weighted micro-clusters, at most about so many."""


def settings(points: Points, *, params: ClusterParams) -> tuple[float, ...]:  # noqa: ARG001  as all methods
    """Return the numbers of clusters."""
    return params.ks


def label(points: Points, setting: float, *, params: ClusterParams, reductions: Reductions | None = None) -> Labels:
    """Group a sample."""
    return label_by_micro_clusters(
        points, lambda micro: merge(micro, int(setting)), params=params, reductions=reductions
    )


def fit(users: DataFrame, setting: float, *, features: str, params: ClusterParams) -> list[Transformer]:
    """Fit to all users."""
    return fit_by_micro_clusters(users, lambda micro: merge(micro, int(setting)), features=features, params=params)


def merge(micro: MicroClusters, k: int) -> Labels:
    """Join weighted micro-clusters until k are left.

    A centre is repeated as often as it weighs (in proportion, at least once): equal points are joined first and at no
    cost, after which every further step is Ward's with those weights.
    """
    k = min(k, int((micro.weights > 0).sum()))
    scale = min(1.0, MOST_POINTS / micro.weights.sum())
    times = np.maximum(1, np.round(micro.weights * scale)).astype(np.int_)
    first = np.cumsum(times) - times
    labels = AgglomerativeClustering(k, linkage="ward").fit_predict(np.repeat(micro.centres, times, axis=0))
    return consecutive(labels[first])
