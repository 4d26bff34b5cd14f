"""Sessions of stored events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from segmentation.frames import conform
from segmentation.sessions.money import reporting_revenue
from segmentation.tables import SESSIONS

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from segmentation.parameters import WorkspaceParams
    from segmentation.sessions.params import SessionParams

SESSION = ("user_id", "session_id")


def build_sessions(events: DataFrame, *, workspace: WorkspaceParams, params: SessionParams) -> DataFrame:
    """Summarise sessions.

    Grain: events of complete sessions (rows of `events`) in, a session out. Durations are ms: last less first event,
    or the end of the longest supplied duration; null if a single event has none supplied. `value` sums the revenue
    that has a rate to the reporting currency.
    """
    sums = _sum_events(events, workspace)
    last = _last_events(events)
    beats = _count_beats(events, params)
    grouped = last.join(sums, list(SESSION)).join(beats, list(SESSION), "left")
    known = (F.col("events") > 1) | F.col("_supplied")
    start = F.unix_micros("started_at")
    engaged = (F.lit(params.heartbeat_s) * (F.col("_beats") - 1) + params.heartbeat_s // 2) * 1000
    length = F.unix_micros("ended_at") - start
    sessions = grouped.select(
        *SESSION,
        "started_at",
        "ended_at",
        "session_date",
        "events",
        F.when(known, F.floor((F.col("_end") - start) / 1000)).alias("duration_ms"),
        (~known).alias("duration_imputed"),
        engaged.alias("engaged_ms"),
        "entry_state",
        "exit_state",
        "platform",
        "converted",
        "value",
        (length > params.cap_days * 86_400_000_000).alias("capped"),
    )
    return conform(sessions, SESSIONS)


def _sum_events(events: DataFrame, workspace: WorkspaceParams) -> DataFrame:
    """Sum the events of each session: numbers only, since a text in an aggregate would make Spark sort all events."""
    micros = F.unix_micros("event_at")
    supplied_end = F.max(micros + F.col("duration_ms") * 1000)
    return events.groupBy(*SESSION).agg(
        F.count(F.lit(1)).alias("events"),
        F.greatest(F.max(micros), supplied_end).alias("_end"),
        F.max("duration_ms").isNotNull().alias("_supplied"),
        F.max("is_conversion").alias("converted"),
        F.coalesce(F.sum(reporting_revenue(workspace)), F.lit(0)).cast("decimal(28,4)").alias("value"),
    )


def _last_events(events: DataFrame) -> DataFrame:
    """Return the last event of each session, which has the texts."""
    return events.where("ends_session").select(
        *SESSION,
        F.col("session_started_at").alias("started_at"),
        F.col("event_at").alias("ended_at"),
        "session_date",
        "entry_state",
        F.col("state").alias("exit_state"),
        F.col("session_platform").alias("platform"),
    )


def _count_beats(events: DataFrame, params: SessionParams) -> DataFrame:
    """Count the stretches of `heartbeat_s` seconds of a session that hold a heartbeat.

    Snowplow's engaged time is heartbeat_s x (stretches - 1) + half of it; a session without heartbeats has no row.
    """
    beats = events.where(F.col("event_name").isin(*params.heartbeat_events))
    stretch = F.floor(F.unix_micros("event_at") / (params.heartbeat_s * 1_000_000)).alias("_stretch")
    return beats.select(*SESSION, stretch).distinct().groupBy(*SESSION).agg(F.count(F.lit(1)).alias("_beats"))
