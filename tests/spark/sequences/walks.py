"""Events of sessions written as words, for the tests of sequences."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from segmentation.sequences.states import StateMapping
from segmentation.sequences.steps import build_steps

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pyspark.sql import DataFrame, SparkSession

AT = datetime(2024, 5, 1, 12, tzinfo=timezone.utc)
SCHEMA = """source string, event_id string, user_id string, session_id string, event_name string, state string,
properties string, platform string, device_type string, channel string, event_at timestamp, received_at timestamp,
sequence_no bigint, session_started_at timestamp, position string"""


def event(user: str, session: str, number: int, state: str, **other: Any) -> dict[str, Any]:
    """An event of a session, a second after the one before."""
    at = AT + timedelta(seconds=number)
    return {
        "source": "shop", "event_id": f"{session}-{number:05d}", "user_id": user, "session_id": session,
        "event_name": state, "state": state, "properties": "{}", "platform": "web", "device_type": None,
        "channel": None,
        "event_at": at, "received_at": at, "sequence_no": None, "session_started_at": AT, "position": None, **other,
    }  # fmt: skip


def events_of(walks: Mapping[str, str], **other: Any) -> list[dict[str, Any]]:
    """Events of sessions given as 'user/session' -> states."""
    return [
        event(*key.split("/"), number, state, **other)
        for key, walk in walks.items()
        for number, state in enumerate(walk.split())
    ]


def frame_of(spark: SparkSession, events: Iterable[dict[str, Any]]) -> DataFrame:
    """Events as a frame, in another order than they happened."""
    return spark.createDataFrame(sorted(events, key=lambda e: e["event_id"][::-1]), SCHEMA)


def steps_of(spark: SparkSession, walks: Mapping[str, str], **mapping: Any) -> DataFrame:
    """Steps of sessions given as words."""
    return build_steps(frame_of(spark, events_of(walks)), states=StateMapping(**mapping), time_zone="UTC")
