"""Read the results of monitor_segments at a cut."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from segmentation.review.frames.records import Records, fetch_records

if TYPE_CHECKING:
    from datetime import date

    from pyspark.sql import DataFrame


def list_alerts(alerts: DataFrame, cut: date) -> Records:
    """List the alerts of a cut, the least explained by chance first, ties by key."""
    known = alerts.where(F.col("as_of") == F.lit(cut))
    return fetch_records(known.orderBy("q_value", "metric", "scope"))


def list_drift(drift: DataFrame, cut: date) -> Records:
    """List what was compared at a cut, breaches first, then what changed most, ties by name."""
    known = drift.where(F.col("as_of") == F.lit(cut))
    return fetch_records(known.orderBy(F.col("status") != "breach", F.col("psi").desc(), "subject"))


def list_rates(rates: DataFrame, cut: date) -> Records:
    """List the rates of a cut with their difference from what was expected, breaches first, ties by name."""
    known = rates.where(F.col("as_of") == F.lit(cut))
    difference = (F.col("rate") - F.col("reference")).alias("difference")
    return fetch_records(known.select("*", difference).orderBy(F.col("status") != "breach", "p_value", "scope"))
