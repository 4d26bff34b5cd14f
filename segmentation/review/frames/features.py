"""Read the results of describe_features at a cut."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from segmentation.review.frames.records import Records, fetch_records

if TYPE_CHECKING:
    from datetime import date

    from pyspark.sql import DataFrame


def list_statistics(feature_statistics: DataFrame, cut: date) -> Records:
    """List the features of a cut, those that changed most first, ties by name; shares of users beside the counts."""
    known = feature_statistics.where(F.col("as_of") == F.lit(cut))
    shares = [(F.col(name) / F.col("users")).alias(f"{name}_share") for name in ("nulls", "zeros")]
    return fetch_records(known.select("*", *shares).orderBy(F.col("psi").desc_nulls_last(), "feature"))


def list_correlations(feature_correlations: DataFrame, cut: date) -> Records:
    """List the pairs of a cut, the closest first, ties by name."""
    known = feature_correlations.where(F.col("as_of") == F.lit(cut))
    return fetch_records(known.orderBy(F.abs("spearman").desc(), "feature", "other"))
