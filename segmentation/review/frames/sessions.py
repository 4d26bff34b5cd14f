"""Sessions over time and per platform."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pyspark.sql import functions as F

from segmentation.review.frames.records import Records, fetch_records, keep_largest

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from pyspark.sql import Column, DataFrame

Period = Literal["day", "week", "month"]
OTHER_PLATFORMS = "(all other platforms)"
_DAYS: dict[Period, int] = {"day": 1, "week": 7}
# The lower median in whole seconds, as the imputation reads it: ties resolve downwards, and nothing is interpolated.
_MEDIAN_S = "percentile_disc({share}) WITHIN GROUP (ORDER BY CAST(duration_ms DIV 1000 AS BIGINT))"


def choose_period(first: date, last: date, periods: int) -> Period:
    """Return the finest period that covers the days with at most so many points."""
    days = (last - first).days + 1
    return next((period for period, length in _DAYS.items() if days <= periods * length), "month")


def count_sessions(sessions: DataFrame, *, period: Period, platforms: Sequence[str]) -> Records:
    """Count sessions per period and platform.

    Grain: a session -> period (its first day; weeks start on Monday) x platform.
    """
    return fetch_records(
        sessions.groupBy(_start_of(period), keep_largest("platform", platforms, OTHER_PLATFORMS).alias("platform"))
        .agg(F.count("*").alias("sessions"), F.count_if("converted").alias("converted"))
        .orderBy("period", "platform")
    )


def measure_periods(sessions: DataFrame, *, period: Period) -> Records:
    """Measure conversion and duration per period.

    Returns:
        period, sessions, converted, unknown (sessions without an observed duration), median_s (lower median of the
        observed durations of uncapped sessions, whole seconds; null: none observed).
    """
    return fetch_records(_measure(sessions, _start_of(period)).orderBy("period"))


def measure_platforms(sessions: DataFrame) -> Records:
    """Measure the same per platform, most sessions first; median_s is what unknown durations are imputed with."""
    return fetch_records(_measure(sessions, F.col("platform")).orderBy(F.col("sessions").desc(), "platform"))


def _measure(sessions: DataFrame, by: Column) -> DataFrame:
    observed = "FILTER (WHERE duration_ms IS NOT NULL AND NOT capped)"
    quantiles = {"lower_quartile_s": 0.25, "median_s": 0.5, "upper_quartile_s": 0.75}
    return sessions.groupBy(by).agg(
        F.count("*").alias("sessions"),
        F.count_if("converted").alias("converted"),
        F.count_if("duration_imputed").alias("unknown"),
        F.count_if("capped").alias("capped"),
        *(F.expr(f"{_MEDIAN_S.format(share=q)} {observed}").alias(name) for name, q in quantiles.items()),
    )


def _start_of(period: Period) -> Column:
    return F.to_date(F.date_trunc(period, F.col("session_date"))).alias("period")
