"""Many small clusters in place of all users, for methods that look at all pairs."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from pyspark.ml.clustering import KMeans
from pyspark.ml.feature import SQLTransformer
from sklearn.cluster import KMeans as SampleKMeans

from segmentation.models.methods.method import PREDICTION, Labels, Points

if TYPE_CHECKING:
    from pyspark.ml import Transformer
    from pyspark.sql import DataFrame

    from segmentation.models.params import ClusterParams

MICRO_CLUSTER = "micro_cluster"


class MicroClusters(NamedTuple):
    """Centres of small clusters and how many users each stands for."""

    centres: Points
    weights: Labels


Grouping = Callable[[MicroClusters], Labels]
"""Labels of micro-clusters, counted from 0; none where nothing was found."""


class Reduced(NamedTuple):
    """A sample in micro-clusters."""

    micro: MicroClusters
    labels: Labels
    """The micro-cluster of each point."""


class Reductions:
    """The newest reductions of samples, kept because every setting of a method is tried on the same samples.

    The bootstrap samples of a trial are those of any other trial in the same space. The search for a clustering makes
    one of these and passes it to the methods, so that it is dropped with the samples.
    """

    def __init__(self, most: int = 128) -> None:
        """Keep at most so many, by default those of the sample and of its bootstrap samples in one space."""
        self._most = most
        self._kept: dict[tuple[object, ...], Reduced] = {}

    def of(self, points: Points, params: ClusterParams) -> Reduced:
        """Return the micro-clusters of some points, computed once for equal points and parameters."""
        settings = (params.micro_clusters, params.max_iterations, params.seed)
        key = (blake2b(np.ascontiguousarray(points).tobytes()).digest(), points.shape, *settings)
        found = self._kept.pop(key, None) or _reduce(points, params)
        self._kept[key] = found
        if len(self._kept) > self._most:
            del self._kept[next(iter(self._kept))]
        return found


def label_by_micro_clusters(
    points: Points, group: Grouping, *, params: ClusterParams, reductions: Reductions | None = None
) -> Labels:
    """Group a sample: each point has the label of its micro-cluster. Without `reductions`, it is reduced anew."""
    reduced = _reduce(points, params) if reductions is None else reductions.of(points, params)
    labels = group(reduced.micro)
    return labels[reduced.labels] if len(labels) else labels


def _reduce(points: Points, params: ClusterParams) -> Reduced:
    most = min(params.micro_clusters, len(np.unique(points, axis=0)))
    reduced = SampleKMeans(most, n_init=1, max_iter=params.max_iterations, random_state=params.seed).fit(points)
    weights = np.bincount(reduced.labels_, minlength=most)
    return Reduced(MicroClusters(reduced.cluster_centers_, weights), reduced.labels_)


def fit_by_micro_clusters(
    users: DataFrame, group: Grouping, *, features: str, params: ClusterParams
) -> list[Transformer]:
    """Group all users: k-means with many centres, whose labels a second stage looks up.

    Both are Spark's own stages, so that the model is saved, loaded and applied like any other: a user scored later
    has the label of the nearest micro-cluster. If no cluster was found, all users have label 0.
    """
    kmeans = KMeans(
        featuresCol=features,
        predictionCol=MICRO_CLUSTER,
        k=params.micro_clusters,
        maxIter=params.max_iterations,
        seed=params.seed,
    )
    model = kmeans.fit(users)
    centres = np.array(model.clusterCenters())
    weights = np.array(model.summary.clusterSizes[: len(centres)], dtype=np.int_)
    labels = group(MicroClusters(centres, weights))
    found = ", ".join(map(str, labels if len(labels) else [0] * len(centres)))
    lookup = f"SELECT *, element_at(array({found}), {MICRO_CLUSTER} + 1) AS {PREDICTION} FROM __THIS__"  # noqa: S608  numbers
    return [model, SQLTransformer(statement=lookup)]
