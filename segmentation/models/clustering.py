"""Cluster users by the candidate with the best evidence; one group if no candidate is accepted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from pyspark.ml import Pipeline, PipelineModel
from pyspark.ml.feature import PCA, SQLTransformer
from pyspark.ml.functions import vector_to_array
from pyspark.ml.stat import Summarizer
from pyspark.sql import functions as F
from sklearn.metrics import silhouette_samples

from segmentation.errors import DataError
from segmentation.evaluation.agreement import adjusted_rand_index, cross_tabulate, jaccard_matrix
from segmentation.evaluation.distributions import sample_users
from segmentation.evaluation.separation import (
    Silhouette,
    davies_bouldin,
    distances_to,
    silhouette_widths,
    squared_euclidean_silhouette,
    summarise_silhouette,
)
from segmentation.models.evidence import COMPONENTS_SPACE, Sample, Trial, components_of, gather_trials, rank
from segmentation.models.inputs import arrange, measure_features
from segmentation.models.methods import METHODS
from segmentation.models.methods.method import PREDICTION, Labels, Points
from segmentation.models.naming import name_segments
from segmentation.models.normalisation import normalisation_stages
from segmentation.models.preparation import SCALED
from segmentation.parameters import fingerprint_of

if TYPE_CHECKING:
    from pyspark.ml import Transformer
    from pyspark.sql import Column, DataFrame

    from segmentation.models.params import ClusterParams

CLUSTERS = "clusters"
"""Kind of the registered model."""
EVERYONE = "all customers"
"""Name of the one segment where there is no cluster structure."""
COMPONENTS = "features_components"
AGREEMENT = 0.8
"""Least adjusted Rand index of the candidate and the model of all users, for its evidence to apply to the model."""
FAR_OUT = 3.0
"""Interquartile ranges above the upper quartile: Tukey (1977), Exploratory Data Analysis."""


@dataclass(frozen=True)
class Segment:
    """A cluster with the identity and name that its model carries."""

    cluster_id: int
    segment_id: str
    segment_name: str
    users: int
    centre: Mapping[str, float]
    """Feature -> standardised difference of the centroid to the mean of all users, after clipping and transform."""
    jaccard: float | None = None
    """Mean Jaccard similarity of the cluster in bootstrap samples; None: not measured."""
    reach: float | None = None
    """Distance to the centroid from which on a user lies far out; None where that is not known."""

    def as_document(self) -> dict[str, object]:
        """Return the segment as JSON content."""
        return asdict(self)


@dataclass(frozen=True)
class Separation:
    """Separation of the training users by the fitted model."""

    silhouette: Silhouette
    silhouette_squared: float
    davies_bouldin: float
    cost: float
    """Sum of squared distances to the centroids."""
    agreement: float
    """Adjusted Rand index of the fitted model and of the candidate that it came from, on the sample."""


@dataclass(frozen=True)
class ClusterFit:
    """A trained cluster model with everything that was tried."""

    pipeline: PipelineModel
    features: tuple[str, ...]
    """The columns that the pipeline needs: those that span the space first."""
    left_out: Mapping[str, str]
    trials: tuple[Trial, ...]
    chosen: Trial | None
    """None: no cluster structure."""
    separation: Separation | None
    """None where there is no cluster structure."""
    segments: tuple[Segment, ...]


@dataclass(frozen=True)
class _Prepared:
    """Users in the scaled space, the sample of them that evidence rests on, and the stages that led there."""

    frame: DataFrame
    """`user_id` and `SCALED`."""
    sampled: DataFrame
    sample: Sample
    stages: tuple[Transformer, ...]
    features: tuple[str, ...]


def fit_clusters(users: DataFrame, *, params: ClusterParams, fingerprint: str) -> ClusterFit:
    """Cluster users: clip, transform, impute, scale; measure candidates on a sample; fit the best to all users.

    The candidate with the greatest Euclidean silhouette among those that break no rule (see `evidence`) is fitted to
    all users, and must keep to the rules there; if it does not, the next one is fitted. If none is left, there is no
    cluster structure: the model has one segment, all users.

    Grain: a user with features as doubles -> a model. Deterministic: input is arranged by user_id, the sample goes by
    hash of user_id, seeds are fixed.

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
    prepared, left_out = _prepare(data, count, params)
    trials = gather_trials(prepared.sample, params=params)
    fit = _everyone(prepared, count, fingerprint)
    for trial in rank(trials):
        found, flaw = _fit(prepared, trial, params, fingerprint)
        if found is not None:
            fit = found
            break
        trials = tuple(replace(t, flaws=(flaw,)) if t is trial else t for t in trials)
    prepared.frame.unpersist()
    data.unpersist()
    features = tuple(dict.fromkeys((*prepared.features, *params.platform_shares)))
    return replace(fit, features=features, trials=trials, left_out=left_out)


def assign_clusters(users: DataFrame, *, pipeline: PipelineModel, segments: Sequence[Segment]) -> DataFrame:
    """Put each user into a cluster.

    Grain: a user -> the same user with `cluster_id`, `distance` (Euclidean, to the own centroid in the model's scaled
    space), `margin` (distance to the nearest other centroid less `distance`; null with one cluster; below 0 where the
    method puts a user elsewhere than to the nearest centroid), `outlier` (whether the user lies far out: further from
    the centroid than the model's limit) and the scaled vector. k-means' ties go to the lowest cluster number.
    """
    placed = pipeline.transform(users).select(*users.columns, SCALED, F.col(PREDICTION).cast("int").alias("cluster_id"))
    return measure_places(placed, segments=segments)


def name_cluster(segments: Sequence[Segment], *, distinct: bool = False) -> Column:
    """Return the name of the segment of `cluster_id`.

    Args:
        segments: of the model.
        distinct: whether names that several segments share are followed by the number of the cluster.
    """
    times = Counter(segment.segment_name for segment in segments)
    shown = {
        s.cluster_id: f"{s.segment_name} ({s.cluster_id})" if distinct and times[s.segment_name] > 1 else s.segment_name
        for s in segments
    }
    pairs = (F.lit(part) for pair in shown.items() for part in pair)
    return F.element_at(F.create_map(*pairs), F.col("cluster_id"))


def measure_places(placed: DataFrame, *, segments: Sequence[Segment]) -> DataFrame:
    """Say how far users are from the centroids of their cluster and of the others.

    Grain: a user with `cluster_id` and the scaled vector -> the same with `distance`, `margin` and `outlier`, which
    `assign_clusters` explains.
    """
    ordered = sorted(segments, key=lambda segment: segment.cluster_id)
    numbers = F.array(*(F.lit(segment.cluster_id) for segment in ordered))
    reaches = F.array(*(F.lit(segment.reach).cast("double") for segment in ordered))
    centres = [list(segment.centre.values()) for segment in ordered]
    apart = placed.select("*", distances_to(F.col(SCALED), centres).alias("_distances"))
    place = F.array_position(numbers, F.col("cluster_id")).cast("int")
    others = F.filter("_distances", lambda _, i: i != place - 1)
    distance = F.element_at("_distances", place)
    return apart.select(
        *placed.columns,
        distance.alias("distance"),
        (F.array_min(others) - distance).alias("margin"),
        F.coalesce(distance > F.element_at(reaches, place), F.lit(False)).alias("outlier"),
    )


def silhouettes_of(users: DataFrame, *, pipeline: PipelineModel, most: int) -> Points | None:
    """Judge a cluster model on users: Euclidean silhouettes in the model's own scaled space, on at most so many users.

    One per user, in the order of the hashes of their ids; their mean is the model's. None where all of them are in one
    cluster, as with a model without cluster structure.
    """
    placed = sample_users(pipeline.transform(users).select("user_id", SCALED, PREDICTION), most).cache()
    several = placed.select(PREDICTION).distinct().count() > 1
    found = (
        silhouette_widths(placed, features=SCALED, cluster=PREDICTION, point="user_id", most=most)[0]
        if several
        else None
    )
    placed.unpersist()
    return found


def _prepare(data: DataFrame, count: int, params: ClusterParams) -> tuple[_Prepared, dict[str, str]]:
    ranges, left_out = measure_features(
        data, features=params.features, clip_lower=params.clip_lower, clip_upper=params.clip_upper
    )
    preparation = Pipeline(stages=normalisation_stages(data, ranges, params=params)).fit(data)
    frame = preparation.transform(data).select("user_id", SCALED).cache()
    sampled = sample_users(frame, params.evidence_users).orderBy("user_id")
    rows = sampled.select(vector_to_array(F.col(SCALED))).collect()  # bounded by evidence_users
    sample = Sample(np.array([row[0] for row in rows]), count)
    features = tuple(r.name for r in ranges)
    return _Prepared(frame, sampled, sample, tuple(preparation.stages), features), left_out


def _everyone(prepared: _Prepared, count: int, fingerprint: str) -> ClusterFit:
    """Return the model without cluster structure: one segment around the mean."""
    centre = dict.fromkeys(prepared.features, 0.0)
    constant = SQLTransformer(statement=f"SELECT *, 0 AS {PREDICTION} FROM __THIS__")  # noqa: S608  our own name
    distances = np.linalg.norm(prepared.sample.points, axis=1)
    segment = Segment(0, fingerprint_of([fingerprint, centre]), EVERYONE, count, centre, None, _reach(distances))
    pipeline = PipelineModel([*prepared.stages, constant])
    return ClusterFit(pipeline, prepared.features, {}, (), None, None, (segment,))


def _fit(prepared: _Prepared, trial: Trial, params: ClusterParams, fingerprint: str) -> tuple[ClusterFit | None, str]:
    """Fit a candidate to all users; return the model, or the rule that it then breaks."""
    stages: list[Transformer] = []
    features = SCALED
    if trial.space == COMPONENTS_SPACE:
        k = components_of(prepared.sample.points, params)
        stages.append(PCA(k=k, inputCol=SCALED, outputCol=COMPONENTS).fit(prepared.frame))
        features = COMPONENTS
    inside = PipelineModel(stages).transform(prepared.frame)
    stages += METHODS[trial.method].fit(inside, trial.setting, features=features, params=params)
    model = PipelineModel(stages)
    rows = model.transform(prepared.sampled).orderBy("user_id").select(PREDICTION).collect()  # bounded by the sample
    labels = np.array([row[0] for row in rows], dtype=np.int_)
    placed = model.transform(prepared.frame).select(SCALED, PREDICTION).cache()
    segments, cost = _segments(placed, labels, prepared, trial, params.vocabulary, fingerprint)
    agreement = adjusted_rand_index(cross_tabulate(trial.labels, labels))
    found = None
    flaw = _broken(segments, agreement, trial, params)
    if not flaw:
        widths = silhouette_samples(prepared.sample.points, labels)
        separation = Separation(
            silhouette=summarise_silhouette(widths, prepared.sample.users),
            silhouette_squared=squared_euclidean_silhouette(placed, features=SCALED, cluster=PREDICTION),
            davies_bouldin=davies_bouldin(placed, features=SCALED, cluster=PREDICTION),
            cost=cost,
            agreement=agreement,
        )
        pipeline = PipelineModel([*prepared.stages, *stages])
        found = ClusterFit(pipeline, prepared.features, {}, (), trial, separation, segments)
    placed.unpersist()
    return found, flaw


def _segments(
    placed: DataFrame,
    labels: Labels,
    prepared: _Prepared,
    trial: Trial,
    vocabulary: Mapping[str, tuple[str, str]],
    fingerprint: str,
) -> tuple[tuple[Segment, ...], float]:
    """Describe the clusters of all users; return them with the sum of squared distances to their centroids."""
    summary = Summarizer.metrics("count", "mean", "variance").summary(F.col(SCALED)).alias("of")
    rows = placed.groupBy(PREDICTION).agg(summary).orderBy(PREDICTION).collect()
    centres = [dict(zip(prepared.features, map(float, row["of"]["mean"]), strict=True)) for row in rows]
    likeness = jaccard_matrix(cross_tabulate(trial.labels, labels))
    segments = []
    for row, centre, name in zip(rows, centres, name_segments(centres, vocabulary=vocabulary), strict=True):
        own = labels == row[PREDICTION]
        distances = np.linalg.norm(prepared.sample.points[own] - list(centre.values()), axis=1)
        jaccard = trial.jaccard[int(likeness[:, row[PREDICTION]].argmax())] if trial.jaccard and own.any() else None
        identity = fingerprint_of([fingerprint, centre])
        users = int(row["of"]["count"])
        segments.append(Segment(int(row[PREDICTION]), identity, name, users, centre, jaccard, _reach(distances)))
    cost = sum(float(sum(row["of"]["variance"])) * (row["of"]["count"] - 1) for row in rows if row["of"]["count"] > 1)
    return tuple(segments), cost


def _broken(segments: Sequence[Segment], agreement: float, trial: Trial, params: ClusterParams) -> str:
    """Return the rule that the model of all users breaks; empty if it keeps to all."""
    share = min(segment.users for segment in segments) / sum(segment.users for segment in segments)
    if len(segments) != trial.k:
        return f"fitted to all users it has {len(segments)} clusters"
    if share < params.share_min:
        return f"fitted to all users its smallest cluster has {share:.2%} of the users"
    if agreement < AGREEMENT:
        return f"fitted to all users it groups the sample otherwise (adjusted Rand index {agreement:.2f})"
    return ""


def _reach(distances: Points) -> float | None:
    if not len(distances):
        return None
    lower, upper = np.percentile(distances, [25, 75])
    return float(upper + FAR_OUT * (upper - lower))
