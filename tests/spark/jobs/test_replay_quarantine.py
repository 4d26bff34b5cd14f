"""Units with rejected records are read again after the mapping was relaxed: the tables are those of a rebuild."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest

from jobs import ingest_events
from segmentation.runtime.rebuild import REBUILT

if TYPE_CHECKING:
    from tests.spark.jobs.conftest import Outcome, Workspace

pytestmark = pytest.mark.spark

STRICT = """
format: csv
fields:
  event_id: id
  user_id: user
  event_name: {column: name, required: true}
  event_at: {column: at, format: ["yyyy-MM-dd HH:mm"]}
  received_at: {column: got, format: ["yyyy-MM-dd HH:mm"]}
  value: {column: value, min: 0, max: 100}
order: {id: cart}
conversions: [buy]
rules:
  - {reason: no_staff, expr: "user <> 'staff'"}
  - {reason: no_test, expr: "name <> 'test'", exclude: true}
"""
RELAXED = (
    STRICT.replace("required: true}", "required: true, default: view}")
    .replace(
        'format: ["yyyy-MM-dd HH:mm"]}\n  received', 'format: ["yyyy-MM-dd HH:mm", "dd.MM.yyyy HH:mm"]}\n  received'
    )
    .replace("min: 0, max: 100", "max: 200")
    .replace("expr: \"user <> 'staff'\"", "expr: \"(user <> 'staff') OR name = 'buy'\"")
    .replace("""  - {reason: no_test, expr: "name <> 'test'", exclude: true}\n""", "")
)
HEAD = "id,user,name,at,got,value,cart\n"
CAP = ("--set", "ingest.max_events_per_user_day=6")
ANY_SHARE = ("--set", "ingest.max_rejected_share=1")


def random_file(generator: random.Random, *, clean: bool) -> str:
    """Write records of few ids, users, days and orders, so that copies, conflicts, full days and orders collide."""
    rows = []
    for _ in range(25):
        day, minute = generator.randint(1, 3), generator.randint(10, 59)
        at = f"2024-05-0{day} 10:{minute}" if clean or generator.random() < 0.8 else f"0{day}.05.2024 10:{minute}"
        user = generator.choice(["ana", "ben"] if clean else ["ana", "ben", "staff"])
        name = generator.choice(["view", "buy"] if clean else ["view", "buy", "test", ""])
        value = generator.choice([5, 20] if clean else [5, 20, -3, 150, 500])
        got = f"2024-05-0{generator.randint(4, 6)} 12:{minute}"
        rows.append(f"e{generator.randint(1, 40)},{user},{name},{at},{got},{value},c{generator.randint(1, 4)}\n")
    return HEAD + "".join(rows)


def ingest(workspace: Workspace, *arguments: str) -> Outcome:
    return workspace.run(ingest_events, "--source", "shop", *CAP, *arguments)


def tables(workspace: Workspace) -> dict[str, list[Any]]:
    """Return the rows of all tables of ingest, without the id of the run that wrote them."""
    published = [table for table in REBUILT if table.name in workspace.pointer()]
    return {table.name: sorted(map(repr, workspace.table(table.name).drop("run_id").collect())) for table in published}


def check_replay(workspace: Workspace, seed: int) -> None:
    """Ingest three files in a run each, relax the mapping, and compare a replay with a rebuild."""
    generator = random.Random(seed)
    workspace.source("shop", STRICT)
    files = [workspace.file(f"{n}.csv", random_file(generator, clean=n == 0)) for n in range(3)]
    for path in files:
        assert ingest(workspace, "--input", path, *ANY_SHARE).code == 0
    before = tables(workspace)
    workspace.source("shop", RELAXED)
    outcome = ingest(workspace, "--replay-quarantine")
    assert outcome.code == 0, outcome.stderr
    assert outcome.result["quality"]["replayed_units"] == 2
    again = ingest(workspace, "--replay-quarantine")
    assert again.result["notes"] == ["the mapping of 'shop' has not changed: nothing to read again"]
    replayed = tables(workspace)
    assert len(replayed["events"]) > len(before["events"])
    assert ingest(workspace, "--rebuild", *ANY_SHARE).code == 0
    for name, rows in tables(workspace).items():
        assert replayed[name] == rows, name


@pytest.mark.faults  # six runs
def test_replay_quarantine__equals_a_rebuild(workspace: Workspace) -> None:
    check_replay(workspace, 1)


@pytest.mark.endurance
@pytest.mark.parametrize("seed", [2, 3, 4])
def test_replay_quarantine__equals_a_rebuild_for_more_seeds(workspace: Workspace, seed: int) -> None:
    check_replay(workspace, seed)


def test_replay_quarantine__refused(workspace: Workspace) -> None:
    workspace.source("shop", STRICT)
    path = workspace.file("0.csv", HEAD + "1,ana,view,2024-05-01 10:00,2024-05-01 12:00,5,\n2,staff,,x,y,-1,\n")
    nothing = ingest(workspace, "--replay-quarantine")
    assert (nothing.code, "run jobs/ingest_events.py first" in nothing.stderr) == (2, True)
    assert ingest(workspace, "--input", path).code == 0
    before = tables(workspace)
    workspace.source("shop", STRICT.replace("event_name: {column: name", "event_name: {column: cart"))
    refused = ingest(workspace, "--replay-quarantine")
    assert refused.code == 2
    assert "fields.event_name changed, so accepted records may be read differently" in refused.stderr
    assert "--set ingest.max_events_per_user_day=6 --rebuild" in refused.stderr
    workspace.source("shop", RELAXED)
    other = ingest(workspace, "--replay-quarantine", "--set", "sessions.timeout_s=60")
    assert (other.code, "other parameters (sessions)" in other.stderr) == (2, True)
    workspace.file("0.csv", HEAD + "1,ana,view,2024-05-01 10:00,2024-05-01 12:00,6,\n")
    changed = ingest(workspace, "--replay-quarantine")
    assert (changed.code, "is not the file that was ingested" in changed.stderr) == (2, True)
    assert tables(workspace) == before
