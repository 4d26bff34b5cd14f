"""Bisecting k-means: the largest cluster is cut in two, again and again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.ml.clustering import BisectingKMeans
from sklearn.cluster import BisectingKMeans as SampleBisectingKMeans

from segmentation.models.methods.method import PREDICTION, Labels, Points, consecutive

if TYPE_CHECKING:
    from pyspark.ml import Transformer
    from pyspark.sql import DataFrame

    from segmentation.models.methods.micro import Reductions
    from segmentation.models.params import ClusterParams

NAME = "bisecting_kmeans"


def settings(points: Points, *, params: ClusterParams) -> tuple[float, ...]:  # noqa: ARG001  as all methods
    """Return the numbers of clusters."""
    return params.ks


def label(
    points: Points,
    setting: float,
    *,
    params: ClusterParams,
    reductions: Reductions | None = None,  # noqa: ARG001  as all methods
) -> Labels:
    """Group a sample; as Spark's, it cuts the cluster with the most users."""
    model = SampleBisectingKMeans(
        int(setting),
        n_init=params.restarts,
        max_iter=params.max_iterations,
        random_state=params.seed,
        bisecting_strategy="largest_cluster",
    )
    return consecutive(model.fit_predict(points))


def fit(users: DataFrame, setting: float, *, features: str, params: ClusterParams) -> list[Transformer]:
    """Fit to all users."""
    bisecting = BisectingKMeans(
        featuresCol=features,
        predictionCol=PREDICTION,
        k=int(setting),
        maxIter=params.max_iterations,
        seed=params.seed,
    )
    return [bisecting.fit(users)]
