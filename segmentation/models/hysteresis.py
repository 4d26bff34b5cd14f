"""Hysteresis: users between two segments stay where they clearly were, instead of going back and forth."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from segmentation.models.clustering import assign_clusters, measure_places
from segmentation.models.inputs import select_cuts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from pyspark.ml import PipelineModel
    from pyspark.sql import Column, DataFrame

    from segmentation.models.clustering import Segment
    from segmentation.models.params import HysteresisParams

MODEL_CLUSTER = "model_cluster_id"
"""The cluster that the model alone gives, beside `cluster_id`, in which the user is."""


def place_with_hysteresis(
    users: DataFrame,
    user_features: DataFrame,
    *,
    pipeline: PipelineModel,
    segments: Sequence[Segment],
    features: Sequence[str],
    as_of: date,
    params: HysteresisParams,
) -> DataFrame:
    """Place users into the clusters of a model, and by earlier cuts too if `hysteresis.earlier_cuts` asks for it.

    Grain: a user at the cut -> the same with the columns of :func:`hold_clusters`.

    Args:
        users: users at the cut, with the features as doubles.
        user_features: rows of `user_features`; those of earlier cuts are read.
        pipeline: of the model.
        segments: of the model.
        features: that the model reads.
        as_of: the cut.
        params: which earlier cuts, and what counts as clear.
    """
    placed, before = assign_clusters(users, pipeline=pipeline, segments=segments), None
    cuts = params.cuts_before(as_of)
    if cuts:
        earlier = select_cuts(user_features, cuts=cuts, features=features)
        before = assign_clusters(earlier, pipeline=pipeline, segments=segments)
    return hold_clusters(placed, before, as_of=as_of, segments=segments, params=params)


def hold_clusters(
    now: DataFrame, earlier: DataFrame | None, *, as_of: date, segments: Sequence[Segment], params: HysteresisParams
) -> DataFrame:
    """Put users at a cut into segments by where the same model puts them at this cut and at earlier ones.

    Grain: a user at the cut (`assign_clusters`) -> the same with `MODEL_CLUSTER`, and with `cluster_id`, `distance`,
    `margin` (below 0 for whom another centroid is nearer) and `outlier` of the cluster that `settle_places` gives.
    A function of the features at these cuts alone: whatever was scored before, and in whatever order, changes nothing.

    Args:
        now: users at the cut.
        earlier: `user_id`, `as_of`, `cluster_id`, `distance` and `margin` of users at the earlier cuts, by the same
            model; None: no earlier cuts are read, and the model alone decides for all users.
        as_of: the cut.
        segments: of the model.
        params: what counts as clear.
    """
    if earlier is None:
        return now.withColumn(MODEL_CLUSTER, F.col("cluster_id"))
    seen = now.select("user_id", F.lit(as_of).alias("as_of"), "cluster_id", _is_clear(params).alias("is_clear"))
    before = earlier.select("user_id", "as_of", "cluster_id", _is_clear(params).alias("is_clear"))
    settled = settle_places(seen.unionByName(before), sizes={s.cluster_id: s.users for s in segments})
    kept = [name for name in now.columns if name not in {"cluster_id", "distance", "margin", "outlier"}]
    joined = now.select(*kept, F.col("cluster_id").alias(MODEL_CLUSTER)).join(settled, "user_id")
    return measure_places(joined, segments=segments)


def settle_places(places: DataFrame, *, sizes: Mapping[int, int]) -> DataFrame:
    """Decide in which cluster a user is who was placed at several cuts.

    Grain: a user at a cut (`user_id`, `as_of`, `cluster_id`, `is_clear`) -> a user with `cluster_id`: that of the
    latest cut at which it was clear; where it was at none, the largest of those the user was put into, which is the
    likelier a priori (ties: the lower number).

    Args:
        places: one row per user and cut.
        sizes: cluster -> users of it at training.
    """
    by_cluster = F.create_map(*(F.lit(part) for pair in sorted(sizes.items()) for part in pair))
    size = F.element_at(by_cluster, F.col("cluster_id"))
    clear = F.max(F.when(F.col("is_clear"), F.struct("as_of", "cluster_id")))
    largest = F.max(F.struct(size.alias("size"), (-F.col("cluster_id")).alias("low"), "cluster_id"))
    found = places.groupBy("user_id").agg(clear.alias("clear"), largest.alias("largest"))
    return found.select("user_id", F.coalesce("clear.cluster_id", "largest.cluster_id").alias("cluster_id"))


def _is_clear(params: HysteresisParams) -> Column:
    """Return whether the next centroid is far enough; with one cluster it always is."""
    return F.coalesce(F.col("margin") >= params.clear_by * F.col("distance"), F.lit(True))
