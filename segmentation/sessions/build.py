"""The sessions of sessionised events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from segmentation.frames import conform
from segmentation.sessions.money import reporting_value
from segmentation.sessions.sessionise import SIGN
from segmentation.tables import SESSIONS

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from segmentation.parameters import WorkspaceParams
    from segmentation.sessions.params import SessionParams

SESSION = ("user_id", "session_id", SIGN)


def build_sessions(laid_out: DataFrame, *, workspace: WorkspaceParams, params: SessionParams) -> DataFrame:
    """Summarise sessions.

    Grain: events of complete sessions, laid out by `sessionise`, in; a session (and its sign) out. Durations are ms:
    last less first event, or the end of the longest supplied duration; null where one event has none supplied.
    engaged_ms is Snowplow's 10 x (distinct heartbeat buckets - 1) + 5 seconds, null without heartbeats.
    `value` sums what has a value in the reporting currency.
    """
    # Numbers alone fit a hash aggregate; the texts stand in the session's last event, found without an exchange.
    last = laid_out.where("ends").select(
        *SESSION,
        "session_started_at",
        "session_date",
        "entry_state",
        F.col("event_at").alias("ended_at"),
        F.col("state").alias("exit_state"),
        F.col("session_platform").alias("platform"),
    )
    grouped = last.join(_sums(laid_out, workspace).hint("shuffle_hash"), list(SESSION))
    known = (F.col("events") > 1) | F.col("_supplied")
    observed = F.floor((F.col("_end") - F.unix_micros("session_started_at")) / 1000)
    length = F.unix_micros("ended_at") - F.unix_micros("session_started_at")
    engaged = (F.lit(params.heartbeat_s) * (F.col("_beats") - 1) + params.heartbeat_s // 2) * 1000
    sessions = grouped.select(
        "session_id",
        "user_id",
        F.col("session_started_at").alias("started_at"),
        "ended_at",
        "session_date",
        "events",
        F.when(known, observed).alias("duration_ms"),
        (~known).alias("duration_imputed"),
        F.when(F.col("_beats") > 0, engaged).alias("engaged_ms"),
        "entry_state",
        "exit_state",
        "platform",
        "converted",
        "value",
        (length > params.cap_days * 86_400_000_000).alias("capped"),
        SIGN,
    )
    return conform(sessions, SESSIONS, SIGN)


def _sums(laid_out: DataFrame, workspace: WorkspaceParams) -> DataFrame:
    """Sum the events of every session."""
    micros = F.unix_micros("event_at")
    supplied_end = F.max(micros + F.col("duration_ms") * 1000)
    return laid_out.groupBy(*SESSION).agg(
        F.count(F.lit(1)).alias("events"),
        F.greatest(F.max(micros), supplied_end).alias("_end"),
        F.max("duration_ms").isNotNull().alias("_supplied"),
        F.sum("heartbeat_bucket_starts").alias("_beats"),
        F.max(F.col("event_name").isin(*workspace.conversion_events)).alias("converted"),
        F.coalesce(F.sum(reporting_value(workspace)), F.lit(0)).cast("decimal(28,4)").alias("value"),
    )
