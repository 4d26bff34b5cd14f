"""Segments, their profiles, the cohorts beside them and who moved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from segmentation.evaluation.distributions import sample_users
from segmentation.review.frames.records import Records, fetch_records

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from pyspark.sql import DataFrame

# Predicted probabilities are looked at in thousandths: bounded work and exact quantiles of what is shown.
_QUANTILE = "percentile_disc({share}) WITHIN GROUP (ORDER BY ROUND(p.calibrated, 3))"
_QUANTILES = {"lowest": 0.05, "lower": 0.25, "median": 0.5, "upper": 0.75, "highest": 0.95}


def list_profiles(profiles: DataFrame, cut: date) -> Records:
    """List the segments of a cut, largest first, each with its centroid and what sets it apart."""
    return fetch_records(profiles.where(F.col("as_of") == F.lit(cut)).orderBy(F.col("users").desc(), "segment_id"))


def measure_engagement(user_days: DataFrame, assignments: DataFrame, cut: date, weeks: int) -> Records:
    """Measure what the present members of each segment did in every one of the last weeks before a cut.

    Grain: a user's day, a scored user -> segment x week, weeks counted back from the cut (so all are whole), oldest
    first. Weeks in which no user of a segment was active are left out.

    Returns:
        week (its first day), segment_id, active (distinct users), events, sessions, purchases.
    """
    days_ago = F.datediff(F.lit(cut), "event_date")
    recent = user_days.where((days_ago >= 1) & (days_ago <= 7 * weeks))
    week = F.date_sub(F.lit(cut), 7 * F.ceil(days_ago / 7).cast("int")).alias("week")
    scored = assignments.where(F.col("as_of") == F.lit(cut)).select("user_id", "segment_id")
    counted = (
        recent.join(scored, "user_id")
        .groupBy(week, "segment_id")
        .agg(
            F.countDistinct("user_id").alias("active"),
            *(F.sum(n).alias(n) for n in ("events", "sessions", "purchases")),
        )
    )
    return fetch_records(counted.orderBy("week", "segment_id"))


def count_segment_moves(assignments: DataFrame, before: date, cut: date) -> Records:
    """Count users by their segment at two cuts.

    Grain: a user scored at either cut -> segment before x segment now, null where not scored then.

    Returns:
        before, now (segment ids), before_name, now_name, users.
    """
    names = ("segment_id", "segment_name")
    then, today = (
        assignments.where(F.col("as_of") == F.lit(day)).select(
            "user_id", *(F.col(name).alias(f"{role}_{name}") for name in names)
        )
        for role, day in (("before", before), ("now", cut))
    )
    moved = (
        then.join(today, "user_id", "full")
        .groupBy("before_segment_id", "now_segment_id")
        .agg(
            F.max("before_segment_name").alias("before_name"),
            F.max("now_segment_name").alias("now_name"),
            F.count(F.lit(1)).alias("users"),
        )
    )
    named = moved.withColumnsRenamed({"before_segment_id": "before", "now_segment_id": "now"})
    return fetch_records(named.orderBy("before", "now"))


def sample_members(features: DataFrame, assignments: DataFrame, cut: date, names: Sequence[str], most: int) -> Records:
    """Take a fixed sample of the scored users of a cut with the named features as doubles.

    Grain: a scored user -> at most `most` users, those with the smallest hashes, in that order; no user_id.
    """
    at_cut = F.col("as_of") == F.lit(cut)
    scored = assignments.where(at_cut).select("user_id", "segment_id")
    values = (F.col(name).cast("double").alias(name) for name in names)
    users = features.where(at_cut).select("user_id", *values).join(scored, "user_id")
    return fetch_records(sample_users(users, most).drop("user_id"))


def count_changes(changes: DataFrame, cut: date) -> Records:
    """Count entries and exits at a cut per segmentation, segment, direction and cause."""
    at_cut = changes.where(F.col("changed_at") == F.lit(cut))
    counts = at_cut.groupBy("segmentation", "segment_id", "direction", "cause").agg(F.count("*").alias("users"))
    return fetch_records(counts.orderBy("segmentation", "segment_id", "direction", "cause"))


def count_cohorts(cohorts: DataFrame, cut: date) -> Records:
    """Count the members of every rule segment at a cut, largest first, with the thresholds in force."""
    sorted_thresholds = F.map_from_entries(F.array_sort(F.map_entries("thresholds")))
    counts = (
        cohorts.where(F.col("as_of") == F.lit(cut))
        .groupBy("rule")
        .agg(
            F.count("*").alias("users"),
            F.max("rule_version").alias("rule_version"),
            F.max(F.to_json(sorted_thresholds)).alias("thresholds"),
        )
    )
    return fetch_records(counts.orderBy(F.col("users").desc(), "rule"))


def cross_cohorts(cohorts: DataFrame, assignments: DataFrame, cut: date) -> Records:
    """Count the members of every rule segment per model segment at a cut.

    Grain: a user in a rule segment, a scored user -> rule x segment. Who was not scored is left out.
    """
    at_cut = F.col("as_of") == F.lit(cut)
    members = cohorts.where(at_cut).select("user_id", "rule")
    scored = assignments.where(at_cut).select("user_id", "segment_id")
    counts = members.join(scored, "user_id").groupBy("rule", "segment_id").agg(F.count("*").alias("users"))
    return fetch_records(counts.orderBy("rule", "segment_id"))


def measure_scores(assignments: DataFrame, cut: date) -> Records:
    """Measure the distribution of predicted probabilities per target and segment.

    Returns:
        target, segment_id, segment_name, users, mean, raw_mean and the 5, 25, 50, 75 and 95 % quantiles of the
        calibrated probability (in thousandths).
    """
    scores = assignments.where(F.col("as_of") == F.lit(cut)).select(
        "segment_id", "segment_name", F.explode("propensities").alias("p")
    )
    quantiles = (F.expr(_QUANTILE.format(share=q)).alias(name) for name, q in _QUANTILES.items())
    return fetch_records(
        scores.groupBy(F.col("p.target").alias("target"), "segment_id", "segment_name")
        .agg(F.count("*").alias("users"), F.avg("p.calibrated").alias("mean"), F.avg("p.raw").alias("raw"), *quantiles)
        .orderBy("target", F.col("mean").desc(), "segment_id")
    )


def list_scorers(assignments: DataFrame, cut: date) -> Records:
    """List which version of which propensity model scored at a cut: target, model_version."""
    scores = assignments.where(F.col("as_of") == F.lit(cut)).select(F.explode("propensities").alias("p"))
    versions = scores.groupBy(F.col("p.target").alias("target")).agg(F.max("p.model_version").alias("model_version"))
    return fetch_records(versions.orderBy("target"))
