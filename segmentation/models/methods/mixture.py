"""Gaussian mixture: clusters of any width, length and direction; a user belongs to the likeliest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.ml.clustering import GaussianMixture
from sklearn.mixture import GaussianMixture as SampleGaussianMixture

from segmentation.models.methods.method import PREDICTION, Labels, Points, consecutive

if TYPE_CHECKING:
    from pyspark.ml import Transformer
    from pyspark.sql import DataFrame

    from segmentation.models.methods.micro import Reductions
    from segmentation.models.params import ClusterParams

NAME = "gaussian_mixture"
LEAST_VARIANCE = 1e-3
"""Added to each variance of a sample's components: a feature that is one value for many users has none."""


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
    """Group a sample, from k-means as start."""
    model = SampleGaussianMixture(
        int(setting), reg_covar=LEAST_VARIANCE, max_iter=params.max_iterations, random_state=params.seed
    )
    return consecutive(model.fit_predict(points))


def fit(users: DataFrame, setting: float, *, features: str, params: ClusterParams) -> list[Transformer]:
    """Fit to all users: of all starts the likeliest, the first on ties."""
    mixture = GaussianMixture(
        featuresCol=features,
        predictionCol=PREDICTION,
        probabilityCol="cluster_probabilities",
        k=int(setting),
        maxIter=params.max_iterations,
    )
    starts = range(params.restarts)
    models = [mixture.setSeed(params.seed + start).fit(users) for start in starts]
    return [max(models, key=lambda model: model.summary.logLikelihood)]
