"""Records that are received with their file: a late file changes no past cut, and a rebuild keeps its receipt."""

from __future__ import annotations

import os
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from jobs import ingest_events

if TYPE_CHECKING:
    from tests.spark.jobs.conftest import Workspace

pytestmark = pytest.mark.spark

MAPPING = """
format: csv
fields:
  event_id: id
  user_id: user
  event_name: {{constant: purchase}}
  event_at: at
  received_at: {received_at}
"""
ANY_SHARE = ("--set", "ingest.max_rejected_share=1.0")


def modify(path: str, at: str) -> None:
    seconds = datetime.fromisoformat(at).replace(tzinfo=timezone.utc).timestamp()
    os.utime(path, (seconds, seconds))


def receipts(workspace: Workspace) -> dict[str, str]:
    received = workspace.table("events").selectExpr("event_id", "CAST(received_at AS STRING) AS received_at")
    return {row["event_id"]: row["received_at"] for row in received.collect()}


@pytest.mark.faults  # an ingest and a rebuild: half a minute
def test_records_are_received_when_their_file_was_modified(workspace: Workspace) -> None:
    workspace.source("shop", MAPPING.format(received_at="{unit: modified, history_until: 2024-05-01}"))
    days = {"first": "2024-05-01T12:00:00", "late": "2024-07-01T06:00:00", "early": "2024-05-02T00:00:00"}
    rows = {"first": "1,ana,2021-05-01T10:00:00Z", "late": "2,ana,2024-05-01T11:00:00Z", "early": "3,bo,2024-05-09"}
    folder = workspace.folder / "in"
    folder.mkdir()
    for name, row in rows.items():
        modify(workspace.file(f"in/{name}.csv", f"id,user,at\n{row}\n"), days[name])
    outcome = workspace.run(ingest_events, "--source", "shop", "--input", str(folder))
    assert (outcome.code, outcome.result["quality"]["reasons"]) == (0, {"future_time": 1})
    wanted = {"1": "2021-05-01 10:00:00", "2": "2024-07-01 06:00:00"}
    assert receipts(workspace) == wanted
    # The late file is copied back, which makes it newer; its records were received when it came first.
    modify(str(folder / "late.csv"), "2024-09-01T00:00:00")
    rebuilt = workspace.run(ingest_events, "--source", "shop", "--rebuild")
    assert (rebuilt.code, receipts(workspace)) == (0, wanted)
    units = workspace.table("input_units").selectExpr("path", "CAST(arrived_at AS STRING) AS arrived_at").collect()
    assert {Path(row["path"]).stem: row["arrived_at"] for row in units} == {
        name: at.replace("T", " ") for name, at in days.items()
    }


@pytest.mark.faults  # four runs
def test_a_replay_of_a_file_that_was_copied_back(workspace: Workspace) -> None:
    mapping = MAPPING.format(received_at="{unit: modified}")
    workspace.source("shop", mapping + "rules: [{reason: staff, expr: \"user <> 'dee'\"}]\n")
    path = workspace.file("late.csv", "id,user,at\n1,ana,2024-05-01T11:00:00Z\n2,dee,2024-05-01T11:30:00Z\n")
    modify(path, "2024-07-01T06:00:00")
    assert workspace.run(ingest_events, "--source", "shop", "--input", path, *ANY_SHARE).code == 0
    modify(path, "2024-09-01T00:00:00")
    assert workspace.run(ingest_events, "--source", "shop", "--rebuild", *ANY_SHARE).code == 0
    workspace.source("shop", mapping)
    replayed = workspace.run(ingest_events, "--source", "shop", "--replay-quarantine", *ANY_SHARE)
    assert replayed.code == 0, replayed.stderr
    assert receipts(workspace) == dict.fromkeys(("1", "2"), "2024-07-01 06:00:00")


def test_a_name_that_does_not_tell_its_date_stops_the_run_before_it_reads(workspace: Workspace) -> None:
    workspace.source("shop", MAPPING.format(received_at=r"{unit: name, pattern: 'shop_(\d{8})'}"))
    path = workspace.file("shop_may.csv", "id,user,at\n1,ana,2024-05-01\n")
    outcome = workspace.run(ingest_events, "--source", "shop", "--input", path)
    assert (outcome.code, "shop_may.csv" in outcome.stderr, "received_at" in outcome.stderr) == (3, True, True)
