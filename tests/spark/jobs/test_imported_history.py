"""History that was imported years later is rejected by the lateness bound, and every command says so."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from jobs import check_source, ingest_events

if TYPE_CHECKING:
    from tests.spark.jobs.conftest import Workspace

pytestmark = pytest.mark.spark


def test_late_records_are_noted_with_bound_and_key(workspace: Workspace) -> None:
    at = [f"{year}-05-01T10:00:00Z" for year in (2019, 2020, 2021, 2024)]
    lines = [
        {"uuid": str(n), "event": "purchase", "distinct_id": "ana", "timestamp": time, "created_at": at[-1]}
        for n, time in enumerate(at)
    ]
    path = workspace.file("import.jsonl", "\n".join(map(json.dumps, lines)))
    looked = workspace.run(check_source, "--source", "posthog", "--input", path)
    assert (looked.code, looked.result["quality"]["late"]) == (0, 3)
    assert "3 of these events would be rejected as too_late" in looked.stderr
    outcome = workspace.run(ingest_events, "--source", "posthog", "--input", path)
    assert (outcome.code, outcome.result["quality"]["reasons"]) == (0, {"too_late": 3})
    [note] = outcome.result["notes"]
    for word in ("too_late: 3 records", "(of 4), 3 of them purchases", "'posthog'", "30 days", "allowed_lateness_days"):
        assert word in note
    shipped = workspace.folder / "conf" / "sources" / "posthog.yaml"
    workspace.source("posthog", shipped.read_text().replace("lateness_days: 30", "lateness_days: 3650"))
    timeout = ("--set", "sessions.timeout_s=60")
    refused = workspace.run(ingest_events, "--source", "posthog", "--input", path, *timeout)
    assert (refused.code, "--set sessions.timeout_s=60 --rebuild" in refused.stderr) == (2, True)
    rebuilt = workspace.run(ingest_events, "--source", "posthog", *timeout, "--rebuild")
    assert (rebuilt.code, rebuilt.result["quality"]["posthog"]["accepted"]) == (0, 4)
