"""The persons that identifiers of several sources make, with the declarations that are shipped."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import pytest

from jobs import apply_identities, build_features, ingest_events

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.spark.jobs.conftest import Workspace

pytestmark = pytest.mark.spark


def ga4(minute: int, name: str, login: str | None = None, cookie: str = "111.222") -> dict[str, Any]:
    at = datetime(2024, 5, 1, 10, minute, tzinfo=timezone.utc)
    session = {"key": "ga_session_id", "value": {"int_value": "7"}}
    money = [{"key": "value", "value": {"int_value": "40"}}, {"key": "currency", "value": {"string_value": "USD"}}]
    return {
        "event_date": "20240501", "event_timestamp": str(int(at.timestamp() * 1_000_000)), "event_name": name,
        "event_params": [session, *(money if name == "purchase" else [])], "user_pseudo_id": cookie, "user_id": login,
        "stream_id": "1", "platform": "WEB",
    }  # fmt: skip


def posthog(number: int, name: str, distinct_id: str, **properties: str) -> dict[str, Any]:
    at = f"2024-05-01T11:{number:02d}:00Z"
    sent = {"uuid": f"p{number}", "event": name, "distinct_id": distinct_id, "timestamp": at, "created_at": at}
    return {**sent, "properties": {"$lib": "web", **properties}}


def segment(number: int, kind: str, name: str | None = None, **fields: Any) -> dict[str, Any]:
    at = f"2024-05-0{number}T12:00:00Z"
    times = {"timestamp": at, "originalTimestamp": at, "sentAt": at, "receivedAt": at}
    return {"messageId": f"s{number}", "type": kind, "event": name, "channel": "client", **times, **fields}


def ingest(workspace: Workspace, source: str, name: str, records: list[dict[str, Any]] | str) -> None:
    text = records if isinstance(records, str) else "\n".join(map(json.dumps, records))
    done = workspace.run(ingest_events, "--source", source, "--input", workspace.file(name, text))
    assert done.code == 0, done.stderr


def persons(workspace: Workspace) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for row in workspace.table("events").select("user_id", "event_id").collect():
        found.setdefault(row["user_id"], set()).add(row["event_id"])
    return found


PLACES = {
    "as shipped": None,
    "by the identifier": "persons: [login]\nsources:\n  ga4: {cookie: properties.user_pseudo_id, login: identifier}\n",
}


@pytest.mark.parametrize("declared", PLACES.values(), ids=PLACES.keys())
def test_a_login_in_the_middle_of_a_visit_is_one_person_and_one_session(
    workspace: Workspace, declared: str | None
) -> None:
    if declared is not None:
        (workspace.folder / "conf" / "identities.yaml").write_text(declared)
    visit = [ga4(0, "page_view"), ga4(5, "login", "c-7"), ga4(10, "purchase", "c-7"), ga4(12, "page_view", "")]
    others = [ga4(n, "page_view", word, f"cookie {n}") for n, word in ((20, "undefined"), (21, "null"))]
    ingest(workspace, "ga4", "events_20240501.json", visit + others)
    assert workspace.run(apply_identities).code == 0
    sessions = workspace.table("sessions").orderBy("started_at").collect()
    assert [(row["user_id"], row["events"], row["converted"]) for row in sessions] == [
        ("login:c-7", 4, True),
        ("cookie:cookie 20", 1, False),
        ("cookie:cookie 21", 1, False),
    ]


def test_ids_that_identify_names_together_are_a_person_and_placeholders_are_nobodys(workspace: Workspace) -> None:
    records = []
    for n, (visitor, name) in enumerate([("v1", "undefined"), ("v2", "undefined"), ("v3", "null"), ("v7", "u-7")]):
        records += [
            posthog(3 * n, "$pageview", visitor),
            posthog(3 * n + 1, "$identify", name, **{"$anon_distinct_id": visitor}),
        ]
    records.append(posthog(20, "purchase", "u-7", revenue="5"))
    ingest(workspace, "posthog", "events.jsonl", records)
    assert workspace.run(apply_identities).code == 0
    assert persons(workspace) == {
        "posthog:v1": {"p0", "p1"},
        "posthog:v2": {"p3", "p4"},
        "posthog:v3": {"p6", "p7"},
        "posthog:u-7": {"p9", "p10", "p20"},
    }


ANNA = "anna@example.org"
VISITS = [
    segment(1, "page", name="Home", anonymousId="web-1"),
    segment(2, "identify", anonymousId="web-1", userId="u-1", traits={"email": " Anna@Example.org", "card_no": "77"}),
    segment(
        3, "track", "Order Completed", userId="u-1", properties={"order_id": "O-1", "revenue": 50, "currency": "USD"}
    ),
    segment(4, "identify", userId="u-1", traits={"customer_no": "4711"}),
    segment(5, "page", name="Home", anonymousId="web-9"),
]
RECEIPTS = """receipt_no,line_no,store,card_no,sold_at,article,quantity,price,currency
9,1,Berlin,77,2024-05-03 12:00:00,tea,2,10.00,USD
9,2,Berlin,77,2024-05-03 12:00:00,cup,1,5.00,USD
"""
CALLS = """call_id,customer_no,started_at,seconds,direction,topic,agent,queue,outcome
k1,4711,2024-05-04 10:00:00,120,in,delivery,a,q,solved
"""
CONTACTS = f"""contact_id,email,property,value,changed_at,source_type,owner_id
h-5,{ANNA},lifecyclestage,customer,1714554000000,x,o
"""
DEALS = """contact_id,deal_id,property,value,changed_at,amount,currency,pipeline,owner_id
h-5,D-1,dealstage,closedwon,1714640400000,900,USD,p,o
"""
SOURCES: Mapping[str, tuple[str, Any]] = {
    "segment": ("visits.jsonl", VISITS),
    "store_purchases": ("receipts.csv", RECEIPTS),
    "call_centre": ("calls.csv", CALLS),
    "hubspot_contacts": ("contacts.csv", CONTACTS),
    "hubspot_deals": ("deals.csv", DEALS),
}


@pytest.mark.faults  # eleven jobs: minutes
def test_five_sources_make_one_customer_until_two_of_them_are_set_apart(workspace: Workspace) -> None:
    for source, (name, records) in SOURCES.items():
        ingest(workspace, source, name, records)
    assert money_by_person(workspace) == {"card:77": (3, 975.0), "cookie:web-9": (0, 0.0)}

    # The card turns out to be somebody else's; the events of both are theirs again, and the money too.
    hashed = hashlib.sha256(ANNA.encode()).hexdigest()
    pairs = [["login:u-1", "card:77"], [f"email:{hashed}", "card:77"]]
    set_apart(workspace.folder / "conf" / "identities.yaml", pairs)
    assert money_by_person(workspace) == {
        "card:77": (1, 25.0),
        "customer:4711": (2, 950.0),
        "cookie:web-9": (0, 0.0),
    }


def set_apart(file: Path, pairs: list[list[str]]) -> None:
    file.write_text(file.read_text() + f"apart: {json.dumps(pairs)}\n")


def money_by_person(workspace: Workspace) -> dict[str, tuple[int, float]]:
    """Return the purchases and the net revenue of every person."""
    for job, *options in ([apply_identities], [build_features, "--as-of", "2024-05-10"]):
        done = workspace.run(job, *options)
        assert done.code == 0, done.stderr
    table = workspace.table("user_features").where("as_of = DATE'2024-05-10'")
    rows = table.select("user_id", "purchases_count_life", "value_sum_life").collect()
    return {row["user_id"]: (row["purchases_count_life"], float(row["value_sum_life"])) for row in rows}
