"""The three inputs of the features as their expressions see them, one row per user's day, item or session."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import Window as Over
from pyspark.sql import functions as F

from segmentation.features.feature import DAYS_AGO, windows_of
from segmentation.tables.user_day_counts import STEP_SEPARATOR, TRANSITION

if TYPE_CHECKING:
    from datetime import date

    from pyspark.sql import Column, DataFrame

    from segmentation.features.params import FeatureParams

PLATFORM_OF_STEP = f"^[^{STEP_SEPARATOR}]*{STEP_SEPARATOR}"


def view_days(user_days: DataFrame, *, as_of: date) -> DataFrame:
    """Add to each user's day how long ago it was.

    Grain: a user's day -> the same, of days before the cut. `days_ago` counts from the day to the cut (1 =
    the last day), `previous_days_ago` is that of the user's active day before (null: the first).
    """
    order = Over.partitionBy("user_id").orderBy("event_date")
    return _before(user_days, "event_date", as_of).withColumn("previous_days_ago", F.lag(DAYS_AGO).over(order))


def view_items(user_day_counts: DataFrame, *, as_of: date, params: FeatureParams) -> DataFrame:
    """Sum each user's counts per item over the windows, before the cut.

    Grain: a user's day x dimension x item -> user x dimension x item, with `n_<window>`. Transitions are
    summed over platforms: the item loses its first part.
    """
    of_all_platforms = F.regexp_replace("item", PLATFORM_OF_STEP, "")
    item = F.when(F.col("dimension") == TRANSITION, of_all_platforms).otherwise(F.col("item"))
    sums = [F.sum(F.when(F.expr(w.holds()), F.col("n")).otherwise(0)).alias(f"n_{w}") for w in windows_of(params)]
    return _before(user_day_counts, "event_date", as_of).groupBy("user_id", "dimension", item.alias("item")).agg(*sums)


def view_sessions(sessions: DataFrame, *, as_of: date) -> DataFrame:
    """Give each session a duration: the observed one, or its platform's median.

    Grain: a session -> the same, of sessions begun before the cut, without capped ones (they are no part of
    duration statistics). `duration_ms` stays null where no session of the platform has a known duration.
    """
    begun = _before(sessions, "session_date", as_of).where(~F.col("capped"))
    medians = median_durations(begun)
    imputed = F.coalesce(F.col("duration_ms"), F.col("median_duration_s") * 1000)
    return begun.join(F.broadcast(medians), "platform", "left").withColumn("duration_ms", imputed)


def median_durations(sessions: DataFrame) -> DataFrame:
    """Return the median session duration per platform.

    Grain: a session -> a platform with at least one known duration. Read from a histogram in whole seconds (a
    duration counts in the second it falls in, rounded down), which adds over any parts of the sessions. Of
    the two middle values of an even number the lower one is taken. `sessions` of the result says how many
    durations it rests on.

    Args:
        sessions: rows of `sessions` up to the cut, capped ones left out.
    """
    histogram = (
        sessions.where(F.col("duration_ms").isNotNull())
        .groupBy("platform", F.floor(F.col("duration_ms") / 1000).cast("bigint").alias("second"))
        .agg(F.count("*").alias("sessions"))
    )
    up_to = Over.partitionBy("platform").orderBy("second").rowsBetween(Over.unboundedPreceding, Over.currentRow)
    cumulated = histogram.select(
        "platform",
        "second",
        "sessions",
        F.sum("sessions").over(up_to).alias("up_to"),
        F.sum("sessions").over(Over.partitionBy("platform")).alias("all"),
    )
    return cumulated.groupBy("platform").agg(
        F.min(F.when(F.col("up_to") * 2 >= F.col("all"), F.col("second"))).alias("median_duration_s"),
        F.max("all").alias("sessions"),
    )


def _before(df: DataFrame, day: str, as_of: date) -> DataFrame:
    """Keep rows of days before the cut, with their distance to it."""
    return df.where(F.col(day) < F.lit(as_of)).withColumn(DAYS_AGO, _days_ago(day, as_of))


def _days_ago(day: str, as_of: date) -> Column:
    return F.datediff(F.lit(as_of), F.col(day))
