"""Measure the separation of clusters. Every figure names its distance."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from pyspark.ml.evaluation import ClusteringEvaluator
from pyspark.ml.functions import vector_to_array
from pyspark.ml.stat import Summarizer
from pyspark.sql import functions as F
from sklearn.metrics import silhouette_samples

from segmentation.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray
    from pyspark.sql import Column, DataFrame

SILHOUETTE = "silhouette_squared_euclidean"
SILHOUETTE_EUCLIDEAN = "silhouette_euclidean"
DAVIES_BOULDIN = "davies_bouldin"


class Silhouette(NamedTuple):
    """A mean silhouette with Euclidean distance."""

    value: float
    standard_error: float
    """0 if all users were measured."""
    sampled: int
    users: int

    @property
    def exact(self) -> bool:
        """Return whether all users were measured."""
        return self.sampled == self.users


def squared_euclidean_silhouette(df: DataFrame, *, features: str, cluster: str) -> float:
    """Compute the mean silhouette with squared Euclidean distance (Spark ML's, linear in the rows).

    Grain: a point with its vector and integer cluster -> one figure in [-1, 1]. A cluster of one point counts 0.

    Raises:
        DataError: there are fewer than two clusters.
    """
    _require_two_clusters(df, cluster)
    evaluator = ClusteringEvaluator(
        featuresCol=features,
        predictionCol=cluster,
        metricName="silhouette",
        distanceMeasure="squaredEuclidean",
    )
    return float(evaluator.evaluate(df))


def euclidean_silhouette(df: DataFrame, *, features: str, cluster: str, point: str, most: int) -> Silhouette:
    """Compute the mean silhouette with Euclidean distance: exact up to `most` points, of more an estimate.

    Grain: a point (unique in `point`) with its vector and cluster -> one figure in [-1, 1]. Formula: Rousseeuw
    (1987), Silhouettes, J. Comput. Appl. Math. 20; a cluster of one point counts 0, as in scikit-learn. The estimate
    rests on the points with the least hashes, silhouettes being taken among themselves.

    Raises:
        DataError: there are fewer than two clusters, or only one in the sample.
    """
    widths, more = silhouette_widths(df, features=features, cluster=cluster, point=point, most=most)
    return summarise_silhouette(widths, df.count() if more else len(widths))


def silhouette_widths(
    df: DataFrame, *, features: str, cluster: str, point: str, most: int
) -> tuple[NDArray[np.float64], bool]:
    """Compute the silhouettes that `euclidean_silhouette` averages, in the order of the points' hashes.

    Returns:
        One per point, of at most `most`, and whether there are more points. The same points give the same order,
        whatever the clusters.

    Raises:
        DataError: there are fewer than two clusters, or only one in the sample.
    """
    _require_two_clusters(df, cluster)
    sample = df.orderBy(F.xxhash64(point), point).limit(most + 1)  # one more tells whether there are more
    rows = sample.select(vector_to_array(F.col(features)).alias("x"), F.col(cluster).alias("c")).collect()  # bounded
    points, clusters = np.array([row["x"] for row in rows[:most]]), np.array([row["c"] for row in rows[:most]])
    found = len(np.unique(clusters))
    if found < 2:  # noqa: PLR2004
        raise DataError(f"a sample of {most} points has one cluster only: its size is too small for a silhouette")
    widths = np.zeros(len(points)) if found == len(points) else silhouette_samples(points, clusters)
    return widths, len(rows) > most


def summarise_silhouette(widths: NDArray[np.float64], users: int) -> Silhouette:
    """Average the silhouettes of sampled points, with the standard error of a sample from so many users."""
    n = len(widths)
    left_out = max(0.0, 1 - n / users)
    return Silhouette(float(widths.mean()), float(widths.std(ddof=1) * math.sqrt(left_out / n)), n, users)


def davies_bouldin(df: DataFrame, *, features: str, cluster: str) -> float:
    """Compute the Davies-Bouldin index with Euclidean distance: the lower, the better separated.

    Grain: a point with its vector and cluster -> one figure >= 0. Distributed in the points: two passes, and one
    row per cluster reaches the driver. Formula: Davies and Bouldin (1979), IEEE TPAMI 1(2), with means as
    centroids; coincident centroids leave their pair out, as in scikit-learn.

    Raises:
        DataError: there are fewer than two clusters.
    """
    means = (
        df.groupBy(F.col(cluster).alias("c")).agg(Summarizer.mean(F.col(features)).alias("mean")).orderBy("c").collect()
    )
    if len(means) < 2:  # noqa: PLR2004  two clusters are what "between" means
        raise DataError(f"separation needs at least two clusters, found {len(means)}")
    centroids = {row["c"]: [float(v) for v in row["mean"]] for row in means}
    to_own = F.element_at(F.create_map(*(F.lit(v) for pair in centroids.items() for v in pair)), F.col(cluster))
    scatter_rows = (
        df.groupBy(F.col(cluster).alias("c"))
        .agg(F.avg(_distance(vector_to_array(F.col(features)), to_own)).alias("scatter"))
        .collect()
    )
    scatter_of = {row["c"]: row["scatter"] for row in scatter_rows}
    return _index(np.array([scatter_of[c] for c in centroids]), np.array(list(centroids.values())))


def distances_to(vector: Column, centres: Iterable[Iterable[float]]) -> Column:
    """Return the Euclidean distances from a vector to each centre, as an array in their order."""
    values = vector_to_array(vector)
    return F.array(*(_distance(values, F.lit([float(v) for v in centre])) for centre in centres))


def _index(scatter: np.ndarray, centroids: np.ndarray) -> float:
    apart = np.linalg.norm(centroids[:, None, :] - centroids[None, :, :], axis=2)
    if np.allclose(scatter, 0) or np.allclose(apart, 0):
        return 0.0
    apart[apart == 0] = np.inf
    return float(np.mean(np.max((scatter[:, None] + scatter[None, :]) / apart, axis=1)))


def _distance(left: Column, right: Column) -> Column:
    squares = F.zip_with(left, right, lambda a, b: (a - b) * (a - b))
    return F.sqrt(F.aggregate(squares, F.lit(0.0), lambda total, square: total + square))


def _require_two_clusters(df: DataFrame, cluster: str) -> None:
    found = df.select(cluster).distinct().limit(2).count()
    if found < 2:  # noqa: PLR2004
        raise DataError(f"separation needs at least two clusters, found {found}")
