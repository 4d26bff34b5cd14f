"""The rows of a change of `events` or `sessions`, as the later steps read them, are those that it adds."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING

import pytest

from segmentation.ingest.apply import choose_store
from segmentation.ingest.changes import Deletion, TableChange
from segmentation.lake.lake import Lake
from segmentation.tables import EVENTS
from tests.spark.stored import stored_event, stored_events

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import SparkSession

pytestmark = pytest.mark.spark

AT = datetime(2024, 5, 1, 10, tzinfo=timezone.utc)


@pytest.mark.parametrize("is_small", [True, False])
def test_choose_store__deletions_and_rows(spark: SparkSession, tmp_path: Path, *, is_small: bool) -> None:
    lake = Lake(spark, str(tmp_path / "lake"), "run")
    events = {
        user: stored_events(spark, [stored_event(user_id=user, event_name="view", event_at=AT)]).coalesce(1)
        for user in ("ana", "ben", "cay", "dan")
    }
    lake.append(EVENTS, events["ana"].union(events["ben"]).union(events["cay"]).coalesce(1))
    store = choose_store(lake, is_small=is_small)
    for left, added, expected in (("ana", None, []), ("ben", "dan", ["dan"])):
        deletion = Deletion(events[left].select("user_id"), ("user_id",))
        rows = events["dan"] if added else events["dan"].where("false")
        stored = store(TableChange(EVENTS, (deletion,), rows))
        assert [row["user_id"] for row in stored.rows.collect()] == expected
