"""The rows of one person are written to a file that only its owner may read; nothing else learns of them."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from jobs import export_person, ingest_events

if TYPE_CHECKING:
    from tests.spark.jobs.conftest import Workspace

pytestmark = pytest.mark.spark

MAPPING = """
format: csv
fields: {event_id: id, user_id: user, event_name: name, event_at: at, value: value}
order: {id: cart}
conversions: [buy]
"""
ROWS = """id,user,name,at,value,cart
1,canary,buy,2024-05-01 10:00:00,5,c1
1,canary,buy,2024-05-01 10:00:00,5,c1
1,canary,buy,2024-05-01 10:00:00,6,c1
2,canary,view,2024-05-01 10:00:01.5,,
3,ben,view,2024-05-01 10:00:02,,
4,ben,view,2024-05-01 10:00:02,,
5,canary,,2024-05-01 10:00:03,,
"""


def test_export_person(workspace: Workspace) -> None:
    workspace.source("shop", MAPPING)
    assert workspace.run(ingest_events, "--source", "shop", "--input", workspace.file("0.csv", ROWS)).code == 0
    out = Path(workspace.file("person.json", "an older export"))
    out.chmod(0o644)
    outcome = workspace.run(export_person, "--person", "canary", "--out", str(out))
    assert outcome.code == 0, outcome.stderr
    assert "canary" not in outcome.stderr + json.dumps(outcome.result)
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert {path.name for path in workspace.folder.iterdir()} == {"conf", "lake", "0.csv", "person.json"}
    tables = json.loads(out.read_text())
    counts = {"events": 2, "sessions": 1, "user_days": 1, "order_events": 1, "quarantine": 2, "duplicates": 1}
    assert {name: len(rows) for name, rows in tables.items()} == counts == outcome.result["quality"]["rows"]
    assert [(row["event_id"], row["event_at"], row["revenue"]) for row in tables["events"]] == [
        ("1", "2024-05-01T10:00:00.000000Z", 5),
        ("2", "2024-05-01T10:00:01.500000Z", None),
    ]
    assert {row["reason"] for row in tables["quarantine"]} == {"conflict", "null_event_name"}
    assert "ben" not in out.read_text()
    for person, words in (("nobody", "no table has a row of this person"), ("", "--person is empty")):
        refused = workspace.run(export_person, "--person", person, "--out", str(out))
        assert (refused.code, words in refused.stderr) == (2, True)
        assert "nobody" not in refused.stderr
    nowhere = workspace.run(export_person, "--person", "canary", "--out", str(workspace.folder / "none" / "a.json"))
    assert (nowhere.code, "cannot be written: No such file" in nowhere.stderr) == (2, True)
    assert json.loads(out.read_text()) == tables
