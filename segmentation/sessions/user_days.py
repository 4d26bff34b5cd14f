"""What events and sessions add to a user's day: exact sums that can be added and taken back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from segmentation.frames import conform, union_all
from segmentation.sessions.build import reporting_value
from segmentation.tables import user_day_counts as dimensions
from segmentation.tables.transitions import EXIT, START
from segmentation.tables.user_day_counts import USER_DAY_COUNTS
from segmentation.tables.user_days import USER_DAYS

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

    from segmentation.parameters import WorkspaceParams
    from segmentation.tables.table import Table


def build_user_days(laid_out: DataFrame, sessions: DataFrame, *, workspace: WorkspaceParams) -> DataFrame:
    """Sum events by their day and sessions by the day they started.

    Grain: events laid out by `sessionise`, and their sessions, in; a user's day out. Money in the reporting
    currency; values in others are counted in no_rate. Capped sessions count as sessions and add no duration.
    """
    return sum_by_key([_event_sums(laid_out, workspace), _session_sums(sessions)], USER_DAYS)


def build_user_day_counts(
    laid_out: DataFrame, *, time_zone: str, days: DataFrame | None = None, how: str = "left_semi"
) -> DataFrame:
    """Count event names, platforms, channels, hours and transitions of a user's day.

    Grain: events laid out by `sessionise` in; user x day x dimension x item out. Transitions carry the session's
    day and the platform of its first event; each session has one START and one EXIT.

    Args:
        laid_out: the events.
        time_zone: reporting zone, of the hours.
        days: users' days (user_id, event_date; few) to count alone (`left_semi`) or to leave out (`left_anti`).
        how: which of the two.
    """
    platform, first = "session_platform", F.coalesce("previous_state", F.lit(START))
    local_hour = F.lpad(F.hour(F.from_utc_timestamp("event_at", time_zone)).cast("string"), 2, "0")
    with_channel, ends = laid_out.where(F.col("channel").isNotNull()), laid_out.where("ends")
    step = F.concat_ws(dimensions.STEP_SEPARATOR, platform, first, "state")
    leave = F.concat_ws(dimensions.STEP_SEPARATOR, platform, "state", F.lit(EXIT))
    # No state is called EXIT: the items of two parts never meet, and need no sum.
    parts = [
        (laid_out, "event_date", dimensions.EVENT_NAME, F.col("event_name")),
        (laid_out, "event_date", dimensions.PLATFORM, F.col("platform")),
        (with_channel, "event_date", dimensions.CHANNEL, F.col("channel")),
        (laid_out, "event_date", dimensions.HOUR, local_hour),
        (laid_out, "session_date", dimensions.TRANSITION, step),
        (ends, "session_date", dimensions.TRANSITION, leave),
    ]
    counted = []
    for events, day, dimension, item in parts:
        items = events.select("user_id", F.col(day).alias("event_date"), item.alias("item"))
        if days is not None:
            items = items.join(days, ["user_id", "event_date"], how)
        counts = items.groupBy("user_id", "event_date", "item").agg(F.count(F.lit(1)).alias("n"))
        counted.append(conform(counts.select("*", F.lit(dimension).alias("dimension")), USER_DAY_COUNTS))
    return union_all(counted)


def sum_by_key(parts: list[DataFrame], table: Table) -> DataFrame:
    """Sum the measures of frames that fit the table, one row per key each, by its key."""
    if len(parts) == 1:
        return conform(parts[0], table)
    whole = union_all(parts)
    types = {column.name: column.type for column in table.columns}
    sums = [F.sum(name).cast(types[name]).alias(name) for name in table.measures]
    return conform(whole.groupBy(*table.key).agg(*sums), table)


def negate(df: DataFrame, table: Table) -> DataFrame:
    """Turn sums into what takes them back."""
    types = {column.name: column.type for column in table.columns}
    return df.select(*table.key, *((-F.col(name)).cast(types[name]).alias(name) for name in table.measures))


def _event_sums(laid_out: DataFrame, workspace: WorkspaceParams) -> DataFrame:
    value = reporting_value(workspace.currency)
    purchase = F.col("event_name").isin(*workspace.conversion_events)
    sums = laid_out.groupBy("user_id", "event_date").agg(
        F.count(F.lit(1)).alias("events"),
        F.sum(purchase.cast("bigint")).alias("purchases"),
        F.sum(value).alias("value"),
        F.sum(F.when(purchase, value)).alias("purchase_value"),
        F.sum((F.col("value").isNotNull() & value.isNull()).cast("bigint")).alias("no_rate"),
        F.sum("gap_s").alias("gap_s_sum"),
        F.sum(F.col("gap_s") * F.col("gap_s")).alias("gap_s2_sum"),
    )
    return _completed(sums)


def _session_sums(sessions: DataFrame) -> DataFrame:
    counted = ~F.col("capped")
    sums = sessions.groupBy("user_id", F.col("session_date").alias("event_date")).agg(
        F.count(F.lit(1)).alias("sessions"),
        F.sum(F.when(counted, F.col("duration_ms"))).alias("duration_ms"),
        F.sum(F.when(counted, F.col("engaged_ms"))).alias("engaged_ms"),
        F.sum(F.col("duration_ms").isNull().cast("bigint")).alias("sessions_without_duration"),
    )
    return _completed(sums)


def _completed(sums: DataFrame) -> DataFrame:
    """Give a frame all measures of a user's day: 0 where it has none."""

    def measure(name: str, kind: object) -> Column:
        given = F.coalesce(F.col(name), F.lit(0)) if name in sums.columns else F.lit(0)
        return given.cast(kind).alias(name)  # type: ignore[arg-type]

    types = {column.name: column.type for column in USER_DAYS.columns}
    return sums.select(*USER_DAYS.key, *(measure(name, types[name]) for name in USER_DAYS.measures))
