"""What is received again, replaced, or given back: the tables are those of what stands, and so is a rebuild."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from jobs import build_sessions, erase_person, explain_customer, ingest_events
from segmentation.lake.lake import Lake
from segmentation.tables import EVENTS

if TYPE_CHECKING:
    from tests.spark.jobs.conftest import Outcome, Workspace

pytestmark = pytest.mark.spark

MAPPING = """
format: csv
fields:
  event_id: id
  user_id: user
  event_name: name
  event_at: at
  received_at: got
"""
SUPERSEDE = "supersede: {key: '(day)-[0-9]'}\n"
HEAD = "id,user,name,at,got\n"
AT = "2024-05-01 10:00:00"


def write(workspace: Workspace, name: str, *events: str, seconds: int) -> str:
    """Write a file of events (id, user, name, and when they were received), changed at so many seconds after 2001."""
    rows = [event.split() for event in events]
    lines = [f"{i},{user},{what},{AT},2024-05-{day} 12:00:00" for i, user, what, day in rows]
    path = workspace.file(name, HEAD + "\n".join(lines) + "\n")
    os.utime(path, (1e9 + seconds, 1e9 + seconds))
    return path


def ingest(workspace: Workspace, *arguments: str) -> Outcome:
    return workspace.run(ingest_events, "--source", "shop", *arguments)


def ids(workspace: Workspace) -> list[tuple[str, str]]:
    found = workspace.table("events").select("event_id", "event_name").collect()
    return sorted((row["event_id"], row["event_name"]) for row in found)


@pytest.mark.faults  # four runs: most of a minute
def test_files_of_an_export_are_replaced_one_by_one_and_a_rebuild_agrees(workspace: Workspace) -> None:
    workspace.source("shop", MAPPING + SUPERSEDE)
    first = write(workspace, "day-0.csv", "1 ana view 01", "2 ana view 01", seconds=1)
    second = write(workspace, "day-1.csv", "3 ben view 01", seconds=1)
    assert ingest(workspace, "--input", first, second).code == 0
    for n, (name, event) in enumerate([("day-0.csv", "1 ana cart 01"), ("day-1.csv", "4 ben view 01")]):
        again = write(workspace, name, event, seconds=2)
        outcome = ingest(workspace, "--input", first, second)
        assert outcome.result["notes"][-1] == "1 input units of earlier runs were superseded: records removed", n
    assert (again, ids(workspace)) == (second, [("1", "cart"), ("4", "view")])
    assert workspace.table("input_units").where("superseded_by IS NOT NULL").count() == 2
    assert ingest(workspace, "--rebuild").result["notes"] == ["rebuilt from all input units"]
    assert ids(workspace) == [("1", "cart"), ("4", "view")]


@pytest.mark.faults  # five runs: most of a minute
def test_a_rebuild_goes_by_what_the_mapping_says_today_and_names_files_that_changed(workspace: Workspace) -> None:
    workspace.source("shop", MAPPING)
    path = write(workspace, "day-0.csv", "1 ana view 01", seconds=1)
    newer = write(workspace, "day-1.csv", "2 ana view 01", seconds=2)
    assert ingest(workspace, "--input", path, newer).code == 0
    write(workspace, "day-1.csv", "3 ana view 01", seconds=3)
    assert ingest(workspace, "--input", newer).code == 0
    assert [name for name, _ in ids(workspace)] == ["1", "2", "3"]
    outcome = ingest(workspace, "--rebuild")
    assert outcome.result["notes"][1].startswith("shop: 1 files have changed since they were ingested: file:")
    assert [name for name, _ in ids(workspace)] == ["1", "3"]

    workspace.source("shop", MAPPING + "supersede: {key: '(day)-[0-9]', version: 'day-([0-9])'}\n")
    assert "--rebuild" in ingest(workspace, "--input", newer).stderr
    assert ingest(workspace, "--rebuild").code == 0
    assert [name for name, _ in ids(workspace)] == ["3"]


def test_a_first_run_that_published_nothing_binds_nobody_to_its_parameters(workspace: Workspace) -> None:
    workspace.source("shop", MAPPING)
    path = write(workspace, "late.csv", "1 ana view 20", seconds=1)
    refused = ingest(workspace, "--input", path)
    assert (refused.code, "no event was accepted" in refused.stderr) == (3, True)
    assert ingest(workspace, "--input", path, "--set", "ingest.allowed_lateness_days=25").code == 0
    assert ingest(workspace, "--input", path).code == 2, "now they bind"
    plan = workspace.folder / "conf" / "tracking_plan.yaml"
    plan.write_text(plan.read_text().replace("keep\n", "quarantine\n").replace("sources: [", "sources: [shop, "))
    enforced = ingest(workspace, "--input", path, "--set", "ingest.allowed_lateness_days=25")
    assert (enforced.code, "tracking_plan.shop" in enforced.stderr) == (2, True)


def test_a_job_that_writes_nothing_leaves_what_another_is_writing_alone(workspace: Workspace) -> None:
    workspace.source("shop", MAPPING)
    assert ingest(workspace, "--input", write(workspace, "0.csv", "1 ana view 01", seconds=1)).code == 0
    writer = Lake(workspace.spark, str(workspace.lake), "writer")
    writer.append(EVENTS, writer.read(EVENTS))
    assert workspace.run(explain_customer, "--user", "ana").code == 0
    writer.publish({})
    assert workspace.table("events").count() == 2


def test_times_that_no_clock_says_are_set_aside_and_hold_nothing_up(workspace: Workspace) -> None:
    workspace.source("shop", MAPPING.replace("  received_at: got\n", ""))
    defaults = ("0001-01-01 00:00:00", "1899-12-30 00:00:00", "9999-12-31 23:59:59", "1970-01-01 00:00:00", AT, AT)
    rows = [f"{n},ana,view,{at},\n" for n, at in enumerate(defaults)]
    for name in ("a", "b"):
        outcome = ingest(
            workspace, "--input", workspace.file(f"{name}.csv", HEAD + "".join(f"{name}{r}" for r in rows))
        )
        assert outcome.code == 0, outcome.stderr
    assert outcome.result["quality"]["reasons"] == {"unreadable_time": 6}
    assert outcome.result["as_of"] == "2024-05-02"
    assert workspace.run(build_sessions, "--rebuild").result["as_of"] == "2024-05-02"


@pytest.mark.faults  # three runs
def test_conflict__its_survivor_is_erased(workspace: Workspace) -> None:
    workspace.source("shop", MAPPING)
    files = [("1 ana view 01", "9 cay view 01", "4 ana view 20"), ("1 ben cart 04", "4 dan cart 21")]
    paths = [write(workspace, f"{n}.csv", *events, seconds=n) for n, events in enumerate(files)]
    assert ingest(workspace, "--input", *paths).result["quality"]["reasons"] == {"conflict": 2, "too_late": 1}
    (workspace.folder / "conf" / "sources" / "shop.yaml").rename(workspace.folder / "shop.yaml")
    refused = workspace.run(erase_person, "--person", "ana")
    assert (refused.code, "unknown source 'shop'" in refused.stderr) == (2, True)
    assert ids(workspace) == [("1", "view"), ("9", "view")]
    workspace.source("shop", MAPPING)
    assert workspace.run(erase_person, "--person", "ana").code == 0
    assert ids(workspace) == [("1", "cart"), ("9", "view")]
    assert [row["reason"] for row in workspace.table("quarantine").collect()] == ["too_late"]
    later = write(workspace, "2.csv", "1 ben cart 06", "2 cay view 03", seconds=2)
    quality = ingest(workspace, "--input", later).result["quality"]
    assert ids(workspace) == [("1", "cart"), ("2", "view"), ("9", "view")]
    assert (quality["accepted"], quality["duplicate"], quality["reasons"]) == (3, 1, {"too_late": 1})


@pytest.mark.faults  # three runs
def test_copies_of_an_erased_event_that_came_too_late_go_with_it(workspace: Workspace) -> None:
    workspace.source("shop", MAPPING)
    files = [("1 ana view 20", "9 cay view 01"), ("1 ana view 21",)]
    paths = [write(workspace, f"{n}.csv", *events, seconds=n) for n, events in enumerate(files)]
    quality = ingest(workspace, "--input", *paths).result["quality"]
    assert (quality["duplicate"], quality["reasons"]) == (1, {"too_late": 1})
    erased = workspace.run(erase_person, "--person", "ana").result["quality"]
    assert (erased["events"], erased["duplicates"], erased["quarantined"]) == (0, 1, 1)
    later = write(workspace, "2.csv", "1 ana cart 22", "2 cay view 03", seconds=2)
    quality = ingest(workspace, "--input", later).result["quality"]
    assert ids(workspace) == [("2", "view"), ("9", "view")]
    assert (quality["accepted"], quality["reasons"]) == (2, {"too_late": 1})
