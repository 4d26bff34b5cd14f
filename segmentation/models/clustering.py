"""Groups of users by k-means, with k chosen by silhouette."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, cast

from pyspark.ml import Pipeline, PipelineModel
from pyspark.ml.clustering import KMeans, KMeansModel
from pyspark.sql import functions as F

from segmentation.errors import DataError
from segmentation.evaluation.separation import davies_bouldin, distances_to, squared_euclidean_silhouette
from segmentation.models.inputs import arrange, measure_features
from segmentation.models.naming import name_segments
from segmentation.models.normalisation import normalisation_stages
from segmentation.models.preparation import SCALED
from segmentation.parameters import fingerprint_of

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from segmentation.models.params import ClusterParams

CLUSTERS = "clusters"
"""Kind of the registered model."""
PREDICTION = "prediction"
"""Output column of the pipeline: the number of the cluster, which means nothing outside its model."""


@dataclass(frozen=True)
class Trial:
    """What one k gave."""

    k: int
    silhouette: float
    cost: float
    sizes: tuple[int, ...]


@dataclass(frozen=True)
class Segment:
    """A cluster with the identity and name that its model carries."""

    cluster_id: int
    segment_id: str
    segment_name: str
    users: int
    centre: Mapping[str, float]
    """Feature -> standardised difference of the centroid to the mean of all users, after clipping and transform."""

    def as_document(self) -> dict[str, object]:
        """Return the segment as JSON content."""
        return asdict(self)


@dataclass(frozen=True)
class ClusterFit:
    """A trained cluster model with everything that was tried."""

    pipeline: PipelineModel
    features: tuple[str, ...]
    """The columns that the pipeline needs: those that span the space first."""
    left_out: Mapping[str, str]
    trials: tuple[Trial, ...]
    chosen: Trial
    davies_bouldin: float
    segments: tuple[Segment, ...]


def fit_clusters(users: DataFrame, *, params: ClusterParams, fingerprint: str) -> ClusterFit:
    """Cluster users: clip, transform, impute, scale, k-means; k by silhouette, the smallest on ties.

    Grain: a user with features as doubles -> a model. Deterministic: input is arranged by user_id, seeds are fixed.

    Args:
        users: `user_id` and the configured features (and shares of platforms) at one cut.
        params: how to group.
        fingerprint: of the training; part of every segment's id.

    Raises:
        DataError: fewer users than the largest k, or no feature that tells them apart.
    """
    data = arrange(users, partitions=params.partitions).cache()
    count = data.count()
    if count < params.k_max:
        raise DataError(
            f"fewer users than clusters: {count} users cannot form up to {params.k_max} clusters; "
            f"lower clusters.k_max or choose a later --as-of"
        )
    ranges, left_out = measure_features(
        data, features=params.features, clip_lower=params.clip_lower, clip_upper=params.clip_upper
    )
    preparation = Pipeline(stages=normalisation_stages(data, ranges, params=params)).fit(data)
    prepared = preparation.transform(data).select(SCALED).cache()
    tried = [_try(prepared, k, params) for k in range(params.k_min, params.k_max + 1)]
    model, chosen = max(tried, key=lambda pair: (pair[1].silhouette, -pair[1].k))
    index = davies_bouldin(model.transform(prepared), features=SCALED, cluster=PREDICTION)
    prepared.unpersist()
    data.unpersist()
    features = tuple(r.name for r in ranges)
    return ClusterFit(
        pipeline=PipelineModel([*preparation.stages, model]),
        features=tuple(dict.fromkeys((*features, *params.platform_shares))),
        left_out=left_out,
        trials=tuple(trial for _, trial in tried),
        chosen=chosen,
        davies_bouldin=index,
        segments=_segments(model, chosen, features, params, fingerprint),
    )


def assign_clusters(users: DataFrame, *, pipeline: PipelineModel) -> DataFrame:
    """Put each user into the nearest cluster.

    Grain: a user -> the same user with `cluster_id`, `distance` (Euclidean, to the own centroid in the model's
    scaled space), `margin` (distance to the second nearest centroid less `distance`; null with one cluster) and
    the scaled vector. Ties go to the lowest cluster number.
    """
    centres = cast("KMeansModel", pipeline.stages[-1]).clusterCenters()
    placed = pipeline.transform(users).select(
        *users.columns,
        SCALED,
        F.col(PREDICTION).cast("int").alias("cluster_id"),
        F.array_sort(distances_to(F.col(SCALED), centres)).alias("_distances"),
    )
    nearest, second = F.get("_distances", F.lit(0)), F.get("_distances", F.lit(1))
    return placed.select(
        *users.columns, SCALED, "cluster_id", nearest.alias("distance"), (second - nearest).alias("margin")
    )


def silhouette_of(users: DataFrame, *, pipeline: PipelineModel) -> float:
    """Judge a cluster model on users: silhouette with squared Euclidean distance in the model's own scaled space."""
    placed = pipeline.transform(users).select(SCALED, PREDICTION).cache()
    value = squared_euclidean_silhouette(placed, features=SCALED, cluster=PREDICTION)
    placed.unpersist()
    return value


def _try(prepared: DataFrame, k: int, params: ClusterParams) -> tuple[KMeansModel, Trial]:
    kmeans = KMeans(featuresCol=SCALED, predictionCol=PREDICTION, k=k, seed=params.seed, maxIter=params.max_iterations)
    model = kmeans.fit(prepared)
    placed = model.transform(prepared).cache()
    trial = Trial(
        k=k,
        silhouette=squared_euclidean_silhouette(placed, features=SCALED, cluster=PREDICTION),
        cost=float(model.summary.trainingCost),
        sizes=tuple(int(n) for n in model.summary.clusterSizes)[: len(model.clusterCenters())],
    )
    placed.unpersist()
    return model, trial


def _segments(
    model: KMeansModel, chosen: Trial, features: tuple[str, ...], params: ClusterParams, fingerprint: str
) -> tuple[Segment, ...]:
    centres = [dict(zip(features, map(float, centre), strict=True)) for centre in model.clusterCenters()]
    names = name_segments(centres, vocabulary=params.vocabulary)
    return tuple(
        Segment(i, fingerprint_of([fingerprint, centre]), name, users, centre)
        for i, (centre, name, users) in enumerate(zip(centres, names, chosen.sizes, strict=True))
    )
