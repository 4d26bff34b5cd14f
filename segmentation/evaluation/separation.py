"""How well clusters are separated. Every figure names its distance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from pyspark.ml.evaluation import ClusteringEvaluator
from pyspark.ml.functions import vector_to_array
from pyspark.ml.stat import Summarizer
from pyspark.sql import functions as F

from segmentation.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pyspark.sql import Column, DataFrame

SILHOUETTE = "silhouette_squared_euclidean"
SILHOUETTE_EUCLIDEAN = "silhouette_euclidean"
DAVIES_BOULDIN = "davies_bouldin"


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


def euclidean_silhouette(df: DataFrame, *, features: str, cluster: str, point: str) -> float:
    """Compute the mean silhouette with Euclidean distance, exactly, over all pairs: for small data only.

    Grain: a point (unique in `point`) with its vector and cluster -> one figure in [-1, 1]. Formula: Rousseeuw
    (1987), Silhouettes, J. Comput. Appl. Math. 20; a cluster of one point counts 0, as in scikit-learn.

    Raises:
        DataError: there are fewer than two clusters.
    """
    _require_two_clusters(df, cluster)
    points = df.select(F.col(point).alias("id"), F.col(cluster).alias("c"), vector_to_array(F.col(features)).alias("x"))
    pairs = points.alias("a").crossJoin(F.broadcast(points.alias("b")))
    to_cluster = pairs.groupBy(F.col("a.id").alias("id"), F.col("a.c").alias("own"), F.col("b.c").alias("other")).agg(
        F.sum(_distance(F.col("a.x"), F.col("b.x"))).alias("total"), F.count(F.lit(1)).alias("n")
    )
    is_own = F.col("own") == F.col("other")
    per_point = to_cluster.groupBy("id").agg(
        F.max(F.when(is_own, F.col("n"))).alias("size"),
        F.max(F.when(is_own, F.col("total") / (F.col("n") - 1))).alias("within"),
        F.min(F.when(~is_own, F.col("total") / F.col("n"))).alias("between"),
    )
    width = (F.col("between") - F.col("within")) / F.nullif(F.greatest("between", "within"), F.lit(0.0))
    row = per_point.agg(F.avg(F.when(F.col("size") == 1, 0.0).otherwise(F.coalesce(width, F.lit(0.0))))).first()
    return float(row[0]) if row else 0.0


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
