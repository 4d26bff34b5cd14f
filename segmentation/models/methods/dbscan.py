"""DBSCAN: clusters of any shape, where users are dense; who is in no dense place goes with the nearest."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from sklearn.cluster import DBSCAN
from sklearn.metrics import pairwise_distances

from segmentation.models.methods.method import Labels, Points, consecutive
from segmentation.models.methods.micro import MicroClusters, fit_by_micro_clusters, label_by_micro_clusters

if TYPE_CHECKING:
    from pyspark.ml import Transformer
    from pyspark.sql import DataFrame

    from segmentation.models.methods.micro import Reductions
    from segmentation.models.params import ClusterParams

NAME = "dbscan"
QUANTILES = np.linspace(0.5, 0.95, 10)
"""Of the distances within which a point has enough neighbours: these are tried as reach."""


def settings(points: Points, *, params: ClusterParams) -> tuple[float, ...]:
    """Return the reaches: quantiles of the distance to the neighbour that makes a point dense."""
    neighbour = min(len(points) - 1, max(1, round(params.density_share * len(points))))
    distances = np.partition(pairwise_distances(points), neighbour, axis=1)[:, neighbour]
    reaches = np.unique(np.round(np.quantile(distances, QUANTILES), 6))
    return tuple(float(reach) for reach in reaches if reach > 0)


def label(points: Points, setting: float, *, params: ClusterParams, reductions: Reductions | None = None) -> Labels:
    """Group a sample."""
    return label_by_micro_clusters(
        points, lambda micro: group(micro, setting, params=params), params=params, reductions=reductions
    )


def fit(users: DataFrame, setting: float, *, features: str, params: ClusterParams) -> list[Transformer]:
    """Fit to all users."""
    return fit_by_micro_clusters(
        users, lambda micro: group(micro, setting, params=params), features=features, params=params
    )


def group(micro: MicroClusters, reach: float, *, params: ClusterParams) -> Labels:
    """Group weighted micro-clusters: dense ones are those with `density_share` of all users within reach.

    Sparse micro-clusters take the label of the nearest that has one; where none is dense there are no labels.
    """
    dense = max(1, math.ceil(params.density_share * int(micro.weights.sum())))
    labels = DBSCAN(eps=reach, min_samples=dense).fit(micro.centres, sample_weight=micro.weights).labels_
    placed = np.flatnonzero(labels >= 0)
    if not len(placed):
        return np.array([], dtype=np.int_)
    nearest = placed[pairwise_distances(micro.centres, micro.centres[placed]).argmin(axis=1)]
    return consecutive(labels[nearest])
