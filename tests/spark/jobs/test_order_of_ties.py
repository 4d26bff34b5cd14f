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
FUNNELS = {
    "tied": "steps: [view_item, add_to_cart]\nwindow_s: 1800\n",
    "bought": "steps: [cart, purchase]\nwindow_s: 1800\n",
    "repeats": "steps: [finish onboarding, pageview, pageview, pageview]\nwindow_s: 86400\n",
}
SECONDS = """
format: csv
fields: {event_id: {key: [user, event, at]}, user_id: user, event_name: event, event_at: at}
"""
NUMBERED = SECONDS.replace("{key: [user, event, at]}", "id")
REPEATS = """id,user,event,at
1,r,finish onboarding,2024-05-01 13:01:00
2,r,pageview,2024-05-01 13:10:00
3,r,pageview,2024-05-01 13:10:00
4,r,pageview,2024-05-01 13:11:00
"""


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


def ingest(workspace: Workspace, source: str, *paths: str) -> None:
    done = workspace.run(ingest_events, "--source", source, "--input", *paths)
    assert done.code == 0, done.stderr


def build_funnels(workspace: Workspace) -> None:
    for name, funnel in FUNNELS.items():
        (workspace.folder / "conf" / "funnels" / f"{name}.yaml").write_text(f"name: {name}\n{funnel}")
    done = workspace.run(build_journeys, "--as-of", AS_OF)
    assert done.code == 0, done.stderr


def reached(workspace: Workspace, funnel: str) -> list[int]:
    rows = workspace.table("funnels").where(f"funnel = '{funnel}' AND dimension = 'all'").orderBy("step")
    return [row["reached"] for row in rows.collect()]


def ends(workspace: Workspace) -> list[tuple[str, str]]:
    """Return the first and last state of every session."""
    return [(row["entry_state"], row["exit_state"]) for row in workspace.table("sessions").collect()]


def test_ga4_events_of_one_batch__in_the_order_that_google_exports(workspace: Workspace) -> None:
    mixed = [ga4_event(user, (index * 3 + user) % len(VISIT)) for user in range(USERS) for index in range(len(VISIT))]
    path = workspace.file("events_20240501.json", "\n".join(map(json.dumps, mixed)))
    ingest(workspace, "ga4", path)
    build_funnels(workspace)
    assert ends(workspace) == [("first_visit", "add_to_cart")] * USERS
    steps = workspace.table("transitions").collect()
    states = ("START", *VISIT, "EXIT")
    found = {(row["from_state"], row["to_state"]): row["transitions"] for row in steps}
    assert found == dict.fromkeys(pairwise(states), USERS)
    assert reached(workspace, "tied") == [USERS, USERS]


def test_times_of_whole_seconds__in_the_order_of_the_file(workspace: Workspace) -> None:
    workspace.source("log", SECONDS)
    workspace.source("numbered", NUMBERED)
    lines = [f"u{n},{event},2024-05-01 10:0{n}:00" for n in range(8) for event in ("cart", "purchase")]
    ingest(workspace, "log", workspace.file("ties.csv", "\n".join(["user,event,at", *lines])))
    ingest(workspace, "numbered", workspace.file("repeats.csv", REPEATS))
    build_funnels(workspace)
    assert sorted(ends(workspace)) == [("cart", "purchase")] * 8 + [("finish onboarding", "pageview")]
    assert reached(workspace, "bought") == [8, 8]
    assert reached(workspace, "repeats") == [1, 1, 1, 1]


def test_an_exact_copy_of_a_lesser_position__moves_its_event(workspace: Workspace) -> None:
    workspace.source("log", SECONDS)
    header, first, second = "user,event,at", "u,cart,2024-05-01 10:00:00", "u,purchase,2024-05-01 10:00:00"
    ingest(workspace, "log", workspace.file("b.csv", f"{header}\n{first}\n{second}"))
    assert ends(workspace) == [("cart", "purchase")]
    ingest(workspace, "log", workspace.file("c.csv", f"{header}\n{second}"))
    assert ends(workspace) == [("cart", "purchase")]
    ingest(workspace, "log", workspace.file("a.csv", f"{header}\n{second}"))
    assert ends(workspace) == [("purchase", "cart")]
    rows = workspace.table("events").orderBy("position").select("event_name", "position").collect()
    assert [tuple(row) for row in rows] == [("purchase", "a.csv 0000000000001"), ("cart", "b.csv 0000000000001")]


def test_ties_by_event_id__positions_are_not_kept(workspace: Workspace) -> None:
    workspace.source("numbered", NUMBERED + "ties: event_id\n")
    lines = "id,user,event,at\n2,u,b,2024-05-01 10:00:00\n1,u,a,2024-05-01 10:00:00\n"
    ingest(workspace, "numbered", workspace.file("events.csv", lines))
    assert ends(workspace) == [("a", "b")]
    assert workspace.table("events").where("position IS NOT NULL").count() == 0
