"""All that is known of one person at a cut, as plain records. A few look-ups by user_id; nothing of other people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from segmentation.event_order import newest_first
from segmentation.review.frames.records import Record, Records, fetch_one, fetch_records

if TYPE_CHECKING:
    from datetime import date

    from pyspark.sql import DataFrame

EVENT_COLUMNS = ("event_at", "source", "event_name", "platform", "channel", "value", "currency", "session_id")
SESSION_COLUMNS = (
    "started_at", "ended_at", "events", "duration_ms", "entry_state", "exit_state", "platform", "converted", "value",
    "session_id",
)  # fmt: skip


def summarise_events(events: DataFrame) -> Record:
    """Count a person's events and name the first and last moment (UTC) of them, with the platforms, sorted."""
    return fetch_one(
        events.agg(
            F.count("*").alias("events"),
            F.min("event_at").alias("first_at"),
            F.max("event_at").alias("last_at"),
            F.array_sort(F.collect_set("platform")).alias("platforms"),
            F.array_sort(F.collect_set("source")).alias("sources"),
        )
    )


def list_newest_events(events: DataFrame, limit: int) -> Records:
    """List a person's newest events, newest first, in the order that all sequences have."""
    return fetch_records(events.orderBy(*newest_first()).select(*EVENT_COLUMNS).limit(limit))


def list_newest_sessions(sessions: DataFrame, limit: int) -> Records:
    """List a person's newest sessions, newest first."""
    ordered = sessions.orderBy(F.col("started_at").desc(), "session_id")
    return fetch_records(ordered.select(*SESSION_COLUMNS).limit(limit))


def list_scores(assignments: DataFrame, until: date) -> Records:
    """List a person's segments and scores at every scored cut, newest first; held_back: the model says another."""
    held = (F.col("cluster_id") != F.col("model_cluster_id")).alias("held_back")
    known = assignments.where(F.col("as_of") <= F.lit(until)).select("*", held)
    known = known.drop("user_id", "cluster_id", "model_cluster_id")
    return fetch_records(known.orderBy(F.col("as_of").desc()))


def list_traits(periods: DataFrame) -> Records:
    """List the periods of a person's traits, by trait and the newest first."""
    return fetch_records(periods.drop("user_id").orderBy("trait", F.col("valid_from_at").desc()))


def list_history(changes: DataFrame, until: date) -> Records:
    """List a person's entries and exits, newest first."""
    known = changes.where(F.col("changed_at") <= F.lit(until)).drop("user_id", "evidence")
    order = (F.col("changed_at").desc(), "segmentation", "direction", "segment_id")
    return fetch_records(known.orderBy(*order))
