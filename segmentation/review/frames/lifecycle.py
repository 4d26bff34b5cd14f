"""Read the results of build_lifecycle at a cut."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from segmentation.review.frames.records import Records, fetch_records

if TYPE_CHECKING:
    from datetime import date

    from pyspark.sql import DataFrame


def list_periods(lifecycle: DataFrame, cut: date, granularity: str, limit: int) -> Records:
    """List the newest periods of a cut, in their order."""
    known = lifecycle.where((F.col("as_of") == F.lit(cut)) & (F.col("granularity") == granularity))
    return fetch_records(known.orderBy(F.col("period").desc()).limit(limit))[::-1]


def list_retention(retention: DataFrame, cut: date, granularity: str, limit: int) -> Records:
    """List the newest cohorts of a cut, in their order, each with what came later; periods not over are left out."""
    known = retention.where((F.col("as_of") == F.lit(cut)) & (F.col("granularity") == granularity) & F.col("complete"))
    newest = known.select("cohort").distinct().orderBy(F.col("cohort").desc()).limit(limit)
    return fetch_records(known.join(newest, "cohort", "left_semi").orderBy("cohort", "periods_later"))
