"""What events and sessions add to a user's day: exact sums."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from segmentation.frames import conform, union_all
from segmentation.sessions.money import reporting_revenue
from segmentation.tables import USER_DAYS
from segmentation.tables.events import REFUND

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import Column, DataFrame

    from segmentation.parameters import WorkspaceParams

SIGN = "sign"
"""+1: add the row, -1: subtract it."""


def build_user_days(events: DataFrame, sessions: DataFrame, *, workspace: WorkspaceParams) -> DataFrame:
    """Sum events by their day and sessions by the day they started.

    Grain: events and sessions in, a user's day out. If rows carry a `sign`, those with -1 are subtracted: the result is
    the change between two states, and a day may sum to 0 events. Money is in the reporting currency; revenue without
    a rate is counted in no_rate. Capped sessions count as sessions and add no duration.
    """
    return sum_user_days([_event_parts(events, workspace), _session_parts(sessions)])


def sum_user_days(parts: Sequence[DataFrame]) -> DataFrame:
    """Sum rows of `user_days` by user and day."""
    types = {column.name: column.type for column in USER_DAYS.columns}
    sums = [F.sum(name).cast(types[name]).alias(name) for name in USER_DAYS.measures]
    return conform(union_all(parts).groupBy(*USER_DAYS.key).agg(*sums), USER_DAYS)


def _event_parts(events: DataFrame, workspace: WorkspaceParams) -> DataFrame:
    revenue, purchase = reporting_revenue(workspace), F.col("is_conversion")
    refund = F.coalesce(F.col("transaction_kind") == REFUND, F.lit(False))

    def count(condition: Column) -> Column:
        return F.sum(_signed(events, condition.cast("bigint")))

    sums = events.groupBy("user_id", "event_date").agg(
        F.sum(_signed(events, F.lit(1))).alias("events"),
        count(purchase).alias("purchases"),
        count(purchase & revenue.isNull()).alias("purchases_without_value"),
        count(refund & ~F.col("repeated_order")).alias("refunds"),
        F.sum(_signed(events, revenue)).alias("value"),
        F.sum(_signed(events, F.when(~refund, revenue))).alias("purchase_value"),
        count(F.col("revenue").isNotNull() & revenue.isNull()).alias("no_rate"),
        F.sum(_signed(events, F.col("gap_s"))).alias("gap_s_sum"),
        F.sum(_signed(events, F.col("gap_s") * F.col("gap_s"))).alias("gap_s2_sum"),
    )
    return _completed(sums)


def _session_parts(sessions: DataFrame) -> DataFrame:
    counted = ~F.col("capped")
    sums = sessions.groupBy("user_id", F.col("session_date").alias("event_date")).agg(
        F.sum(_signed(sessions, F.lit(1))).alias("sessions"),
        F.sum(_signed(sessions, F.when(counted, F.col("duration_ms")))).alias("duration_ms"),
        F.sum(_signed(sessions, F.when(counted, F.col("engaged_ms")))).alias("engaged_ms"),
        F.sum(_signed(sessions, F.col("duration_ms").isNull().cast("bigint"))).alias("sessions_without_duration"),
    )
    return _completed(sums)


def _signed(rows: DataFrame, measure: Column) -> Column:
    return F.when(F.col(SIGN) < 0, -measure).otherwise(measure) if SIGN in rows.columns else measure


def _completed(sums: DataFrame) -> DataFrame:
    """Add the measures that a frame lacks as 0."""

    def measure(name: str, kind: object) -> Column:
        given = F.coalesce(F.col(name), F.lit(0)) if name in sums.columns else F.lit(0)
        return given.cast(kind).alias(name)  # type: ignore[arg-type]

    types = {column.name: column.type for column in USER_DAYS.columns}
    return sums.select(*USER_DAYS.key, *(measure(name, types[name]) for name in USER_DAYS.measures))
