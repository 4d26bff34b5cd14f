"""How often a user's day holds each event name, platform, device type, channel, hour and transition."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from segmentation.frames import union_all
from segmentation.local_time import local_hour
from segmentation.tables import USER_DAYS, items
from segmentation.tables.transitions import EXIT, START

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame


def count_items(events: DataFrame, sessions: DataFrame, *, time_zone: str) -> DataFrame:
    """Count the items of users' days.

    Grain: events and sessions in; user x day x dimension x item out (`segmentation.tables.items`), `n` is positive.
    Event names (once more those of purchases that count), platforms, device types and channels (null: not counted) and
    hours of the reporting zone carry the event's day.
    Transitions carry the session's day and the platform of its first event; each session has one START and one EXIT.
    """
    hour = F.lpad(local_hour("event_at", time_zone).cast("string"), 2, "0")
    of_events = {
        items.EVENT_NAME: F.col("event_name"),
        items.PURCHASE_NAME: F.when(F.col("is_conversion"), F.col("event_name")),
        items.PLATFORM: F.col("platform"),
        items.DEVICE_TYPE: F.col("device_type"),
        items.CHANNEL: F.col("channel"),
        items.HOUR: hour,
    }
    counts = [_count(events, dimension, item) for dimension, item in of_events.items()]
    return union_all([*counts, count_steps(events, sessions)])


def count_steps(events: DataFrame, sessions: DataFrame) -> DataFrame:
    """Count the transitions of users' days: steps into an event, and the ends of sessions."""
    day = F.col("session_date").alias("event_date")
    before = F.coalesce("previous_state", F.lit(START)).alias("from_state")
    steps = events.select("user_id", day, F.col("session_platform").alias("platform"), before, "state")
    exits = sessions.select(
        "user_id", day, "platform", F.col("exit_state").alias("from_state"), F.lit(EXIT).alias("state")
    )
    counts = steps.unionByName(exits).groupBy(*USER_DAYS.key, "platform", "from_state", "state").agg(_rows())
    item = F.concat_ws(items.STEP_SEPARATOR, "platform", "from_state", "state").alias("item")
    return counts.select(*USER_DAYS.key, F.lit(items.TRANSITION).alias("dimension"), item, "n")


def _count(events: DataFrame, dimension: str, item: Column) -> DataFrame:
    named = events.select(*USER_DAYS.key, item.alias("item")).where(F.col("item").isNotNull())
    counts = named.groupBy(*USER_DAYS.key, "item").agg(_rows())
    return counts.select(*USER_DAYS.key, F.lit(dimension).alias("dimension"), "item", "n")


def _rows() -> Column:
    return F.count(F.lit(1)).alias("n")
