"""The order of a user's events is total: it hangs on nothing but the events."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING

import pytest

from segmentation.sessions.params import SessionParams
from segmentation.sessions.sessionise import sessionise

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = pytest.mark.spark

AT = datetime(2024, 5, 1, 12, tzinfo=timezone.utc)
COLUMNS = """source string, event_name string, state string, event_id string, user_id string, identifier string,
session_hint string, event_at timestamp, sequence_no bigint, position string, received_at timestamp, platform string"""


def test_events_of_two_sources_may_share_id_and_instant(spark: SparkSession) -> None:
    def before(*sources: str) -> dict[str, str | None]:
        rows = [(source, source, source, "42", "u", "u", None, AT, None, None, AT, "web") for source in sources]
        frame = spark.createDataFrame(rows, COLUMNS).coalesce(1)
        laid_out = sessionise(frame, params=SessionParams(), time_zone="UTC")
        return {row["state"]: row["previous_state"] for row in laid_out.collect()}

    assert before("app", "shop") == before("shop", "app") == {"app": None, "shop": "app"}
