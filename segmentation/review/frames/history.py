"""Read the figures of all cuts, oldest first, and the log of publications."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from segmentation.review.frames.records import Records, fetch_records

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from pyspark.sql import DataFrame

RECENT_DAYS = 7
"""Days before each cut in which members are counted as active."""


def list_sizes(profiles: DataFrame, cuts: Sequence[date]) -> Records:
    """List the size of every segment at the cuts, oldest first, the largest of a cut first."""
    known = profiles.where(F.col("as_of").isin(list(cuts)))
    columns = ("as_of", "segment_id", "segment_name", "users", "share", "cluster_model_version")
    return fetch_records(known.select(*columns).orderBy("as_of", F.col("users").desc(), "segment_id"))


def list_measures(evaluations: DataFrame, cuts: Sequence[date], scopes: Sequence[str]) -> Records:
    """List the figures of models at the cuts: those whose scope is `clusters` or begins with one of `scopes`."""
    known = evaluations.where(F.col("as_of").isin(list(cuts)) & F.col("value").isNotNull())
    of_models = F.col("scope").startswith(scopes[0])
    for scope in scopes[1:]:
        of_models = of_models | F.col("scope").startswith(scope)
    columns = ("as_of", "scope", "metric", "value", "lower", "upper", "threshold", "status")
    return fetch_records(known.where(of_models).select(*columns).orderBy("scope", "metric", "as_of"))


def list_past_drift(drift: DataFrame, cuts: Sequence[date]) -> Records:
    """List the stability indices of every subject at the cuts, oldest first."""
    known = drift.where(F.col("as_of").isin(list(cuts)))
    return fetch_records(known.select("as_of", "subject", "psi", "status").orderBy("as_of", "subject"))


def count_alerts(alerts: DataFrame, cuts: Sequence[date]) -> Records:
    """Count the alerts of every cut by metric, oldest first; a quiet cut has no row."""
    known = alerts.where(F.col("as_of").isin(list(cuts)))
    counted = known.groupBy("as_of", "metric").agg(F.count(F.lit(1)).alias("alerts"))
    return fetch_records(counted.orderBy("as_of", "metric"))


def measure_past_engagement(user_days: DataFrame, assignments: DataFrame, cuts: Sequence[date]) -> Records:
    """Measure which share of the members of each segment, as they were at each cut, was active in the week before it.

    Grain: a scored user at a cut, a user's day -> segment x cut, oldest first.

    Returns:
        as_of, segment_id, members, active (those with an event in the seven days before the cut), active_share.
    """
    members = assignments.where(F.col("as_of").isin(list(cuts))).select("as_of", "user_id", "segment_id")
    week = (F.col("event_date") < F.col("as_of")) & (F.datediff("as_of", "event_date") <= RECENT_DAYS)
    days = user_days.where(
        (F.col("event_date") < max(cuts)) & (F.datediff(F.lit(min(cuts)), "event_date") <= RECENT_DAYS)
    )
    days = days.select("user_id", "event_date")
    active = (
        members.join(days, "user_id")
        .where(week)
        .groupBy("as_of", "segment_id")
        .agg(F.countDistinct("user_id").alias("active"))
    )
    sizes = members.groupBy("as_of", "segment_id").agg(F.count(F.lit(1)).alias("members"))
    counted = sizes.join(active, ["as_of", "segment_id"], "left").na.fill(0, ["active"])
    share = (F.col("active") / F.col("members")).alias("active_share")
    return fetch_records(counted.select("*", share).orderBy("as_of", "segment_id"))


def list_publications(publications: DataFrame, newest: int, limit: int) -> Records:
    """List publications up to number `newest`, newest first: number, run_id, published_at, tables (name -> version)."""
    number = F.col("publication_id").cast("long")
    known = publications.where(number <= newest)
    columns = (number.alias("number"), "run_id", "published_at", "tables")
    return fetch_records(known.select(*columns).orderBy(F.col("number").desc()).limit(limit))
