"""k-means: round clusters of like width."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.ml.clustering import KMeans
from sklearn.cluster import KMeans as SampleKMeans

from segmentation.models.methods.method import PREDICTION, Labels, Points, consecutive

if TYPE_CHECKING:
    from pyspark.ml import Transformer
    from pyspark.sql import DataFrame

    from segmentation.models.methods.micro import Reductions
    from segmentation.models.params import ClusterParams

NAME = "kmeans"


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
    """Group a sample: the start of least cost."""
    model = SampleKMeans(int(setting), n_init=params.restarts, max_iter=params.max_iterations, random_state=params.seed)
    return consecutive(model.fit_predict(points))


def fit(users: DataFrame, setting: float, *, features: str, params: ClusterParams) -> list[Transformer]:
    """Fit to all users: of all starts the one of least cost, the first on ties."""
    # By blocks of rows, as products of matrices: a sixth of the time that row by row takes, which is Spark's choice.
    kmeans = KMeans(
        featuresCol=features,
        predictionCol=PREDICTION,
        k=int(setting),
        maxIter=params.max_iterations,
        solver="block",
    )
    models = [kmeans.setSeed(params.seed + start).fit(users) for start in range(params.restarts)]
    return [min(models, key=lambda model: model.summary.trainingCost)]
