"""The first figures of the overview."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from segmentation.review.frames.records import Record, fetch_one

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def measure_events(events: DataFrame) -> Record:
    """Count accepted events and people (exact), and tell the first and last moment (UTC) of the data."""
    return fetch_one(
        events.agg(
            F.count("*").alias("events"),
            F.countDistinct("user_id").alias("users"),
            F.min("event_at").alias("first_at"),
            F.max("event_at").alias("last_at"),
            F.min("event_date").alias("first_day"),
            F.max("event_date").alias("last_day"),
        )
    )


def measure_sessions(sessions: DataFrame) -> Record:
    """Count sessions, those that converted, and those whose duration is unknown."""
    return fetch_one(
        sessions.agg(
            F.count("*").alias("sessions"),
            F.count_if("converted").alias("converted"),
            F.count_if("duration_imputed").alias("unknown"),
            F.min("session_date").alias("first_day"),
            F.max("session_date").alias("last_day"),
        )
    )
