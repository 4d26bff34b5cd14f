"""What each segment looks like beside everyone else, in original units."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from segmentation.frames import conform
from segmentation.tables.segment_profiles import DISTINCTION, SEGMENT_PROFILES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from pyspark.sql import DataFrame

IDENTITY = ("segment_id", "segment_name", "cluster_model_version")


def build_segment_profiles(
    users: DataFrame, assignments: DataFrame, *, features: Sequence[str], as_of: date
) -> DataFrame:
    """Describe each segment by means and by what sets it apart.

    Grain: a user with features as doubles, and the same users' assignments at one cut -> a segment. Means leave nulls
    out; a feature that is null for a whole segment is absent from `centroid` and `distinctions`. `effect_size` is the
    segment's mean less everyone's, over everyone's standard deviation (population), 0 where that is 0; ordered by
    its size, ties by name.
    """
    members = assignments.select("user_id", *IDENTITY, "propensities")
    values = F.explode(F.array(*(F.struct(F.lit(n).alias("feature"), F.col(n).alias("value")) for n in features)))
    long = members.join(users, "user_id").select("segment_id", values.alias("_")).select("segment_id", "_.*")
    centroids = _describe_features(long)
    propensities = (
        members.select("segment_id", F.explode("propensities").alias("p"))
        .groupBy("segment_id", F.col("p.target").alias("target"))
        .agg(F.avg("p.calibrated").alias("mean"))
        .groupBy("segment_id")
        .agg(F.map_from_entries(F.array_sort(F.collect_list(F.struct("target", "mean")))).alias("propensities"))
    )
    sizes = members.groupBy(*IDENTITY).agg(F.count(F.lit(1)).alias("users"))
    total = members.agg(F.count(F.lit(1)).alias("_total"))
    profiles = (
        sizes.crossJoin(F.broadcast(total))
        .join(centroids, "segment_id")
        .join(propensities, "segment_id")
        .select("*", F.lit(as_of).alias("as_of"), (F.col("users") / F.col("_total")).alias("share"))
    )
    return conform(profiles, SEGMENT_PROFILES)


def _describe_features(long: DataFrame) -> DataFrame:
    """Grain: segment x feature x value -> a segment with `centroid` and `distinctions`."""
    overall = long.groupBy("feature").agg(F.avg("value").alias("overall_mean"), F.stddev_pop("value").alias("_std"))
    means = long.groupBy("segment_id", "feature").agg(F.avg("value").alias("segment_mean"))
    difference = F.col("segment_mean") - F.col("overall_mean")
    effect = F.when(F.col("_std") > 0, difference / F.col("_std")).otherwise(F.lit(0.0)).alias("effect_size")
    compared = means.join(F.broadcast(overall), "feature").where(F.col("segment_mean").isNotNull())
    entry = F.struct("feature", "segment_mean", "overall_mean", "effect_size")
    ordered = F.array_sort(
        F.collect_list(
            F.struct((-F.abs("effect_size")).alias("rank"), F.col("feature").alias("tie"), entry.alias("entry"))
        )
    )
    by_name = F.array_sort(F.collect_list(F.struct("feature", "segment_mean")))
    return (
        compared.select("*", effect)
        .groupBy("segment_id")
        .agg(
            F.map_from_entries(by_name).alias("centroid"),
            F.transform(ordered, lambda item: item["entry"].cast(DISTINCTION)).alias("distinctions"),
        )
    )
