"""Events of one instant are in the order of their source: in sessions, transitions and funnels."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from jobs import build_journeys, ingest_events

if TYPE_CHECKING:
    from tests.spark.jobs.conftest import Workspace

pytestmark = pytest.mark.spark

AS_OF = "2024-05-02"
VISIT = ("first_visit", "session_start", "page_view", "view_item", "add_to_cart")
USERS = 6
TIED = "name: tied\nsteps: [view_item, add_to_cart]\nwindow_s: 1800\n"


def ga4_event(user: int, index: int) -> dict[str, Any]:
    """Return an event of a batch: all of them have one time, and `index` is their order."""
    return {
        "event_date": "20240501",
        "event_timestamp": "1714557600123456",
        "event_name": VISIT[index],
        "event_params": [{"key": "ga_session_id", "value": {"int_value": str(user)}}],
        "user_pseudo_id": f"visitor {user}",
        "stream_id": "5",
        "platform": "WEB",
        "batch_page_id": "1714557600000",
        "batch_ordering_id": "1",
        "batch_event_index": str(index + 1),
    }


def reached(workspace: Workspace, funnel: str) -> list[int]:
    rows = workspace.table("funnels").where(f"funnel = '{funnel}' AND dimension = 'all'").orderBy("step")
    return [row["reached"] for row in rows.collect()]


def ends(workspace: Workspace) -> list[tuple[str, str]]:
    """Return the first and last state of every session."""
    return [(row["entry_state"], row["exit_state"]) for row in workspace.table("sessions").collect()]


def test_ga4_events_of_one_batch__in_the_order_that_google_exports(workspace: Workspace) -> None:
    (workspace.folder / "conf" / "funnels").mkdir(exist_ok=True)
    (workspace.folder / "conf" / "funnels" / "tied.yaml").write_text(TIED)
    mixed = [ga4_event(user, (index * 3 + user) % len(VISIT)) for user in range(USERS) for index in range(len(VISIT))]
    path = workspace.file("events_20240501.json", "\n".join(map(json.dumps, mixed)))
    for job, options in (
        (ingest_events, ("--source", "ga4", "--input", path)),
        (build_journeys, ("--as-of", AS_OF)),
    ):
        done = workspace.run(job, *options)
        assert done.code == 0, done.stderr
    assert ends(workspace) == [("first_visit", "add_to_cart")] * USERS
    steps = workspace.table("transitions").collect()
    states = ("START", *VISIT, "EXIT")
    found = {(row["from_state"], row["to_state"]): row["transitions"] for row in steps}
    assert found == dict.fromkeys(pairwise(states), USERS)
    assert reached(workspace, "tied") == [USERS, USERS]
