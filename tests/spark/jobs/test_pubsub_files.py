"""Files as a Cloud Storage subscription of Pub/Sub writes them: any name, and a message that comes twice."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from jobs import ingest_events

if TYPE_CHECKING:
    from tests.spark.jobs.conftest import Workspace

pytestmark = [pytest.mark.spark, pytest.mark.endurance]
MAPPING = """
description: Clicks of the shop, from Pub/Sub.
format: json
fields:
  event_id: id
  user_id: user
  event_name: name
  event_at: {column: at, unit: ms}
"""


def message(number: int) -> str:
    return json.dumps({"id": f"m{number}", "user": "u1", "name": "view", "at": 1_709_287_200_000 + number}) + "\n"


def test_files_of_a_subscription__each_message_is_one_event(workspace: Workspace) -> None:
    workspace.source("clicks", MAPPING)
    folder = workspace.folder / "clicks"
    folder.mkdir()
    (folder / "2024-03-01T10:00:00+00:00_3f2a1b.json").write_text(message(1) + message(2))
    (folder / "2024-03-01T10:05:00+00:00_9c0d4e.json").write_text(message(2) + message(3))
    run = ("--source", "clicks", "--input", str(folder))
    assert workspace.run(ingest_events, *run).code == 0
    (folder / "2024-03-01T10:10:00+00:00_77aa01.json").write_text(message(3) + message(4))
    assert workspace.run(ingest_events, *run).code == 0
    assert sorted(row["event_id"] for row in workspace.table("events").collect()) == ["m1", "m2", "m3", "m4"]
    ledger = workspace.table("ingest_ledger").groupBy("stage").sum("records").collect()
    counts = {row["stage"]: row["sum(records)"] for row in ledger}
    assert (counts["read"], counts["accepted"], counts["duplicate"]) == (6, 4, 2)
