"""What counts as revenue in the sources that people have, told by the features of customers."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from jobs import build_features, ingest_events

if TYPE_CHECKING:
    from tests.spark.jobs.conftest import Workspace

pytestmark = pytest.mark.spark

AS_OF = "2024-05-10"
SHOP = """
format: csv
fields:
  event_id: no
  user_id: customer
  event_name: {constant: purchase}
  event_at: at
  value: amount
  currency: currency
"""
ORDERS = """no,customer,at,amount,currency
1,gap,2024-05-01 09:00:00,10,USD
2,gap,2024-05-02 09:00:00,,USD
3,gap,2024-05-03 09:00:00,20,USD
4,pound,2024-05-01 09:00:00,100,USD
5,pound,2024-05-02 09:00:00,100,GBP
6,free,2024-05-01 09:00:00,10,USD
7,free,2024-05-02 09:00:00,0.00,USD
8,first_unknown,2024-05-01 09:00:00,,USD
9,first_unknown,2024-05-02 09:00:00,30,USD
"""
LINES = """no,line,customer,at,amount
A,1,lines,2024-05-01 09:00:00,10
A,2,lines,2024-05-01 09:00:00,5
B,1,lines,2024-05-02 09:00:00,7
"""
COLUMNS = {
    "purchases": "purchases_count_life",
    "net": "value_sum_life",
    "gross": "purchase_value_sum_life",
    "mean": "purchase_value_mean_life",
    "unknown": "purchases_without_value_count_life",
    "returns": "returns_count_life",
    "returned": "returned_value_sum_life",
    "share": "returned_value_share_life",
    "repeats": "rfm_frequency_count",
    "monetary": "rfm_monetary_value",
}


def ga4(user: str, minute: int, name: str, *, day: int = 1, order: str | None = None, **params: Any) -> dict[str, Any]:
    at = datetime(2024, 5, day, 10, minute, tzinfo=timezone.utc)
    given = {"ga_session_id": "1", **params} | ({"transaction_id": order} if order else {})
    texts = [{"key": key, "value": {"string_value": str(value)}} for key, value in given.items()]
    bought = {"purchase_revenue": params["value"], "transaction_id": order} if name == "purchase" else None
    return {
        "event_date": at.strftime("%Y%m%d"), "event_timestamp": str(int(at.timestamp() * 1_000_000)),
        "event_name": name, "event_params": texts, "user_pseudo_id": user, "stream_id": "7", "platform": "WEB",
        "ecommerce": bought,
    }  # fmt: skip


def segment(user: str, minute: int, name: str, *, day: int = 1, **properties: Any) -> dict[str, Any]:
    at = f"2024-05-0{day}T10:{minute:02d}:00Z"
    sent = {"timestamp": at, "originalTimestamp": at, "sentAt": at, "receivedAt": at}
    named = {"messageId": f"{user}-{day}-{minute}", "type": "track", "event": name, "userId": user}
    return {**named, **sent, "properties": properties}


GA4 = [
    # A page of thanks that is loaded again, within the visit and days later.
    ga4("reloads", 0, "purchase", order="T-1", value=59.9, currency="USD"),
    ga4("reloads", 7, "purchase", order="T-1", value=59.9, currency="USD"),
    ga4("reloads", 0, "purchase", day=3, order="T-1", value=59.9, currency="USD"),
    # Other events carry a value, which is no money or is not paid yet.
    ga4("browses", 0, "page_view"),
    ga4("browses", 1, "LCP", value=2500.5),
    ga4("browses", 2, "add_to_cart", value=40, currency="USD"),
    ga4("browses", 3, "purchase", order="T-2", value=40, currency="USD"),
    # Refunds: with a positive amount, of the whole order without one, and of an order that nobody knows.
    ga4("refunded", 0, "purchase", order="T-3", value=100, currency="USD"),
    ga4("refunded", 0, "refund", day=2, order="T-3", value=100, currency="USD"),
    ga4("taken_back", 0, "purchase", order="T-4", value=80, currency="USD"),
    ga4("taken_back", 0, "refund", day=2, order="T-4", value=30, currency="USD"),
    ga4("taken_back", 1, "refund", day=2, order="T-4"),
    ga4("lost", 0, "refund", order="T-5"),
    # Words that stand for no order: two purchases.
    ga4("no_order", 0, "purchase", order="(not set)", value=5, currency="USD"),
    ga4("no_order", 1, "purchase", order="(not set)", value=6, currency="USD"),
]
SEGMENT = [
    segment("funnel", 0, "Product Added", value=49.5, currency="USD"),
    segment("funnel", 1, "Checkout Started", order_id="O-1", revenue=49.5, currency="USD"),
    segment("funnel", 2, "Order Completed", order_id="O-1", revenue=49.5, currency="USD"),
    segment("returns", 0, "Order Completed", order_id="O-2", revenue=100, currency="USD"),
    segment("returns", 0, "Order Refunded", day=2, order_id="O-2", total=100, currency="USD"),
]
DEALS = """contact_id,deal_id,property,value,changed_at,amount,currency,pipeline,owner_id
deal,D-1,dealstage,closedwon,1714554000000,900,USD,p,o
deal,D-1,dealstage,negotiation,1714640400000,900,USD,p,o
deal,D-1,dealstage,closedwon,1714726800000,750,USD,p,o
"""
EXPECTED = {
    "reloads": {"purchases": 1, "net": 59.9, "gross": 59.9, "repeats": 0},
    "browses": {"purchases": 1, "net": 40, "gross": 40, "returned": 0},
    "refunded": {"purchases": 1, "net": 0, "gross": 100, "returns": 1, "returned": 100, "share": 1},
    "taken_back": {"purchases": 1, "net": 0, "gross": 80, "returns": 2, "returned": 80, "share": 1},
    "lost": {"purchases": 0, "net": 0, "gross": 0, "returns": 1, "returned": 0, "share": None},
    "no_order": {"purchases": 2, "net": 11, "gross": 11},
    "funnel": {"purchases": 1, "net": 49.5, "gross": 49.5},
    "returns": {"purchases": 1, "net": 0, "gross": 100, "returns": 1, "returned": 100, "share": 1},
    "deal": {"purchases": 1, "net": 750, "gross": 750},
    "gap": {"purchases": 3, "gross": 30, "mean": 15, "unknown": 1, "repeats": 2, "monetary": 20},
    "pound": {"purchases": 2, "gross": 100, "mean": 100, "unknown": 1, "repeats": 1, "monetary": None},
    "free": {"purchases": 2, "gross": 10, "mean": 5, "unknown": 0, "repeats": 1, "monetary": 0},
    "first_unknown": {"purchases": 2, "gross": 30, "mean": 30, "unknown": 1, "repeats": 1, "monetary": 30},
    "lines": {"purchases": 2, "gross": 22, "mean": 11, "repeats": 1, "monetary": 7},
}


def test_purchases_refunds_and_unknown_amounts_are_what_they_are(workspace: Workspace) -> None:
    workspace.source("shop", SHOP)
    lines = SHOP.replace("event_id: no", "event_id: {key: [no, line]}").replace("  currency: currency\n", "")
    workspace.source("invoices", lines + "conversions: [purchase]\norder: {id: no, lines: true}\n")
    inputs = {
        "shop": workspace.file("orders.csv", ORDERS),
        "invoices": workspace.file("lines.csv", LINES),
        "hubspot_deals": workspace.file("deals.csv", DEALS),
        "segment": workspace.file("segment.jsonl", "\n".join(map(json.dumps, SEGMENT))),
        "ga4": workspace.file("events_20240501.json", "\n".join(map(json.dumps, GA4))),
    }
    for source, path in inputs.items():
        done = workspace.run(ingest_events, "--source", source, "--input", path)
        assert done.code == 0, done.stderr
    assert workspace.run(build_features, "--as-of", AS_OF).code == 0
    table = workspace.table("user_features")
    found = {row["user_id"]: row for row in table.select("user_id", *COLUMNS.values()).collect()}
    told = {user: {what: plain(found[user][COLUMNS[what]]) for what in expected} for user, expected in EXPECTED.items()}
    assert told == EXPECTED
    sessions = {row["user_id"]: row for row in workspace.table("sessions").where("user_id = 'browses'").collect()}
    assert (plain(sessions["browses"]["value"]), sessions["browses"]["converted"]) == (40, True)
    events = workspace.table("events")
    assert events.where("user_id = 'reloads' AND repeated_order AND revenue IS NULL").count() == 2
    assert events.where("event_name = 'LCP' AND value = 2500.5 AND revenue IS NULL").count() == 1


def plain(value: Decimal | float | None) -> float | None:
    return None if value is None else float(value)
