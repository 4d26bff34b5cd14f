"""What each segment looks like beside everyone else, in original units."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from segmentation.frames import conform
from segmentation.tables import SEGMENT_PROFILES
from segmentation.tables.segment_profiles import DISTINCTION, PORTRAIT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from pyspark.sql import Column, DataFrame

    from segmentation.segments.portraits import Portrait

ROUNDING = 1e-12
"""Share of a sum of squares below which what is left of it is rounding."""
IDENTITY = ("segment_id", "segment_name", "cluster_model_version")


def build_segment_profiles(
    users: DataFrame,
    assignments: DataFrame,
    *,
    features: Sequence[str],
    portraits: Mapping[str, Portrait],
    as_of: date,
) -> DataFrame:
    """Describe each segment by means and by what sets it apart.

    Grain: a user with features as doubles, and the same users' assignments at one cut -> a segment. Means leave nulls
    out; a feature that is null for a whole segment is absent from `centroid` and `distinctions`. `effect_size` is the
    segment's mean less everyone's, over everyone's standard deviation (population), 0 where that is 0; ordered by
    its size, ties by name. `cohens_d` is the segment's mean less that of all others, over the pooled standard deviation
    (Cohen 1988, Statistical power analysis): null where there are no others, or all values of each side are equal.

    Args:
        users: with the features.
        assignments: of the same users.
        features: what is described.
        portraits: segment_id -> rule of thumb (see `draw_portraits`).
        as_of: the cut.
    """
    members = assignments.select("user_id", *IDENTITY, "propensities")
    values = F.explode(F.array(*(F.struct(F.lit(n).alias("feature"), F.col(n).alias("value")) for n in features)))
    long = members.join(users, "user_id").select("segment_id", values.alias("_")).select("segment_id", "_.*")
    centroids = _describe_features(long)
    sizes = members.groupBy(*IDENTITY).agg(F.count(F.lit(1)).alias("users"))
    total = members.agg(F.count(F.lit(1)).alias("_total"))
    profiles = (
        sizes.crossJoin(F.broadcast(total))
        .join(centroids, "segment_id")
        .join(_average_propensities(members), "segment_id")
        .select(
            "*",
            F.lit(as_of).alias("as_of"),
            (F.col("users") / F.col("_total")).alias("share"),
            _portrait(portraits).alias("portrait"),
        )
    )
    return conform(profiles, SEGMENT_PROFILES)


def _average_propensities(members: DataFrame) -> DataFrame:
    """Grain: a member with `propensities` -> a segment with target -> mean; of targets that nobody has, none."""
    return (
        members.select("segment_id", F.explode_outer("propensities").alias("p"))
        .groupBy("segment_id", F.col("p.target").alias("target"))
        .agg(F.avg("p.calibrated").alias("mean"))
        .groupBy("segment_id")
        .agg(F.array_sort(F.collect_list(F.when(F.col("target").isNotNull(), F.struct("target", "mean")))).alias("_"))
        .select("segment_id", F.map_from_entries("_").alias("propensities"))
    )


def _describe_features(long: DataFrame) -> DataFrame:
    """Grain: segment x feature x value -> a segment with `centroid` and `distinctions`."""
    overall = long.groupBy("feature").agg(
        F.avg("value").alias("overall_mean"), F.stddev_pop("value").alias("_std"), F.count("value").alias("_all")
    )
    means = long.groupBy("segment_id", "feature").agg(
        F.avg("value").alias("segment_mean"), F.count("value").alias("_own")
    )
    difference = F.col("segment_mean") - F.col("overall_mean")
    effect = F.when(F.col("_std") > 0, difference / F.col("_std")).otherwise(F.lit(0.0)).alias("effect_size")
    compared = (
        means.join(F.broadcast(overall), "feature")
        .where(F.col("segment_mean").isNotNull())
        .select("*", _mean_of_others().alias("rest_mean"))
    )
    entry = F.struct("feature", "segment_mean", "overall_mean", "effect_size", "rest_mean", "cohens_d")
    ordered = F.array_sort(
        F.collect_list(
            F.struct((-F.abs("effect_size")).alias("rank"), F.col("feature").alias("tie"), entry.alias("entry"))
        )
    )
    by_name = F.array_sort(F.collect_list(F.struct("feature", "segment_mean")))
    return (
        compared.select("*", effect, _cohens_d().alias("cohens_d"))
        .groupBy("segment_id")
        .agg(
            F.map_from_entries(by_name).alias("centroid"),
            F.transform(ordered, lambda item: item["entry"].cast(DISTINCTION)).alias("distinctions"),
        )
    )


def _mean_of_others() -> Column:
    """Return what is left of everyone's mean without the segment; null where nobody else is known."""
    others = F.col("_all") - F.col("_own")
    rest = F.col("overall_mean") * F.col("_all") - F.col("segment_mean") * F.col("_own")
    return F.when(others > 0, rest / others)


def _cohens_d() -> Column:
    """Return Cohen's d of the segment against all others.

    The sum of squares around the two means is everyone's around the overall mean less what lies between the two.
    """
    others, apart = F.col("_all") - F.col("_own"), F.col("segment_mean") - F.col("rest_mean")
    total = F.col("_std") * F.col("_std") * F.col("_all")
    between = apart * apart * F.col("_own") * others / F.col("_all")
    pooled = F.sqrt((total - between) / F.nullif(F.col("_all") - 2, F.lit(0)))
    return F.when(total - between > total * ROUNDING, apart / pooled)


def _portrait(portraits: Mapping[str, Portrait]) -> Column:
    """Look up a segment's portrait; null where it has none."""
    found = F.lit(None).cast(PORTRAIT)
    for segment, portrait in sorted(portraits.items()):
        fields = F.struct(*(F.lit(value).alias(name) for name, value in portrait._asdict().items()))
        found = F.when(F.col("segment_id") == segment, fields.cast(PORTRAIT)).otherwise(found)
    return found
