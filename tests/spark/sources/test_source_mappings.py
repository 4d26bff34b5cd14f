"""Every mapping in conf/sources on a fixture in the shape that its source documents."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from segmentation.parameters import WorkspaceParams
from segmentation.sources.device_types import device_types_of, fill_device_types
from segmentation.sources.mapping import load_mapping
from segmentation.sources.parse import parse_records
from segmentation.sources.readers.files import one_task_per_block, read_records
from segmentation.sources.readers.units import list_units
from tests.conftest import PROJECT

if TYPE_CHECKING:
    from pyspark.sql import Row, SparkSession

pytestmark = pytest.mark.spark
FIXTURES = PROJECT / "tests" / "fixtures" / "sources"
SHOWN = ("user_id", "event_name", "event_at", "platform", "channel", "session_hint", "value", "currency")


def parsed(spark: SparkSession, source: str, file: str) -> list[Row]:
    """Parse a fixture: its records in order, instants as text."""
    mapping = load_mapping(PROJECT / "conf", source)
    units = list_units(spark, mapping, [str(FIXTURES / file)])
    with one_task_per_block(spark):
        raw = read_records(spark, mapping, units)
        records = parse_records(
            raw, mapping=mapping, allowed_lateness_days=7, clock_skew_hours=24, workspace=WorkspaceParams()
        )
        records = fill_device_types(records, device_types_of(records))
        return records.withColumn("event_at", records.event_at.cast("string")).orderBy("row_key").collect()


def shown(row: Row) -> tuple[Any, ...]:
    """The main fields of an accepted record, without the zeros behind a value; the reasons of a rejected one."""
    if row["rejected"]:
        return tuple(row["reasons"])
    fields = row.asDict() | {"value": None if row["value"] is None else float(row["value"])}
    return tuple(fields[name] for name in SHOWN)


CUSTOMER = "gid://shopify/Customer/7"
EXPECTED: dict[tuple[str, str], list[tuple[Any, ...]]] = {
    ("ga4", "ga4.ndjson"): [
        ("123.456", "page_view", "2024-03-01 10:00:00.123456", "web", "cpc", "1709287200", None, None),
        ("123.456", "page_view", "2024-03-01 10:00:00.123456", "web", "cpc", "1709287200", None, None),
        ("123.456", "purchase", "2024-03-01 10:01:00.000001", "web", "(none)", "1709287200", 59.9, "EUR"),
        ("c-7", "screen_view", "2024-03-01 10:01:40", "ios", "(none)", "9223372036854775807", None, None),
        ("unreadable_time",),
    ],
    ("snowplow_tsv", "snowplow.tsv"): [
        ("du1", "page_view", "2024-03-01 10:00:00.5", "web", None, "ds1", None, None),
        ("nu1", "transaction", "2024-03-01 10:01:01", "app", "email", None, 19.9, "GBP"),
        ("dev-1", "transaction", "2024-03-01 10:02:01", "app", "email", "cs-1", 19.9, "GBP"),
        ("malformed",),
    ],
    ("segment", "segment.ndjson"): [
        ("u1", "Order Completed", "2024-03-01 10:00:00", "web", "email", None, 49.5, "USD"),
        ("a1", "page: Home", "2024-03-01 10:00:02", "web", None, None, None, None),
        ("u2", "screen: Cart", "2024-03-01 10:05:00", "ios", None, None, None, None),
        ("u1", "identify", "2024-03-01 10:00:02", "unknown", None, None, None, None),
        ("u9", "alias", "2024-03-01 10:00:02", "server", None, None, None, None),
        ("null_user",),
    ],
    ("posthog", "posthog.ndjson"): [
        ("d1", "pageview", "2024-03-01 10:00:00.5", "web", "cpc", "s1", None, None),
        ("d1", "checkout done", "2024-03-01 10:01:00", "ios", None, None, 12.3, "EUR"),
    ],
    ("access_log", "access.log"): [
        (None, "GET /shop", "2024-03-01 09:00:00", "web", "search.example", None, None, None),
        ("anna", "POST /cart", "2024-03-01 09:00:03", "web", None, None, None, None),
        ("not_a_page",),
        ("request_failed",),
        ("known_bot",),
        ("null_event_name", "null_time"),
    ],
    ("hubspot_deals", "hubspot_deals.csv"): [
        ("c1", "deal appointmentscheduled", "2024-03-01 10:00:00", "crm", "sales", None, None, "EUR"),
        ("c1", "deal closedwon", "2024-03-02 10:00:00", "crm", "sales", None, 120.0, "EUR"),
        ("other_property",),
        ("null_user", "missing_value"),
        ("unreadable_time",),
    ],
    ("hubspot_contacts", "hubspot_contacts.csv"): [
        ("c1", "contact lead", "2024-03-01 10:00:00", "crm", "sales", None, None, None),
        ("c1", "contact customer", "2024-03-02 10:00:00", "crm", "sales", None, None, None),
        ("other_property",),
        ("c2", "contact subscriber", "2024-03-02 10:00:00", "crm", "sales", None, None, None),
        ("null_user", "missing_value"),
    ],
    ("salesforce_contacts", "salesforce_contacts.csv"): [
        ("003A", "contact created", "2024-03-01 10:00:00", "crm", "sales", None, None, None),
        ("003A", "contact status__c qualified", "2024-03-09 11:30:00", "crm", "sales", None, None, None),
        ("other_property",),
    ],
    ("salesforce_opportunities", "salesforce_opportunities.csv"): [
        ("003A", "opportunity prospecting", "2024-03-01 10:00:00", "crm", "sales", None, None, "EUR"),
        ("003A", "opportunity closed won", "2024-03-09 11:30:00", "crm", "sales", None, 450.0, "EUR"),
    ],
    ("shopify_orders", "shopify_orders.ndjson"): [
        (CUSTOMER, "purchase", "2024-03-01 10:00:00", "web", "web", None, 49.9, "EUR"),
        (CUSTOMER, "refund", "2024-03-02 10:00:00", "web", "web", None, 9.9, "EUR"),
        (CUSTOMER, "order cancelled", "2024-03-03 10:00:00", "web", "web", None, None, "EUR"),
        ("null_user", "missing_value"),
        ("test_order",),
    ],
    ("zendesk_tickets", "zendesk_tickets.ndjson"): [
        ("20978392", "ticket open", "2024-03-01 10:00:00", "web", "email", None, None, None),
        ("20978392", "ticket solved", "2024-03-02 10:00:00", "phone", "voice", None, None, None),
        ("null_user", "missing_value"),
    ],
    ("store_purchases", "store_purchases.csv"): [
        ("k1", "purchase", "2024-03-31 00:59:00", "pos", "store", "r1", 19.9, "EUR"),
        ("k1", "return", "2024-03-31 01:00:00", "pos", "store", "r1", -5.0, "EUR"),
        ("null_user", "missing_value"),
        ("unreadable_time",),
        ("unreadable_time",),  # the hour that the clocks leave out in spring
        ("k2", "purchase", "2024-10-27 00:30:00", "pos", "store", "r5", 9.95, "EUR"),  # repeated in autumn: the first
    ],
    ("call_centre", "call_centre.csv"): [
        ("k1", "call: delivery", "2024-03-01 09:00:00", "phone", "inbound call", None, None, None),
        ("k1", "call: other", "2024-03-02 13:15:00", "phone", "outbound call", None, None, None),
        ("out_of_range",),
    ],
}


DEVICE_TYPES = {
    "ga4": ["desktop", "desktop", "desktop", "handset", "desktop"],
    "segment": ["other", "other", "handset", None, None, None],
    "posthog": ["desktop", None],
    "access_log": ["other", "other", None, None, None, None],
}
"""Types of devices by record."""


@pytest.mark.parametrize(("source", "file"), EXPECTED, ids=[source for source, _ in EXPECTED])
def test_a_documented_record_becomes_its_event(spark: SparkSession, source: str, file: str) -> None:
    rows = parsed(spark, source, file)
    found = [shown(row) for row in rows]
    if source == "access_log":  # people without a login are told by a hash
        assert len(found[0][0]) == 32
        found[0] = (None, *found[0][1:])
    assert found == EXPECTED[source, file]
    if source in DEVICE_TYPES:
        assert [row["device_type"] for row in rows] == DEVICE_TYPES[source]
    if source == "ga4":
        check_ga4(rows)
    if source == "hubspot_contacts":  # one person's address, however it is written, and never the address
        first, second, _, blank, _ = (json.loads(row["properties"] or "{}") for row in rows)
        assert first["email_hash"] == second["email_hash"]
        assert "email_hash" not in blank
        assert not any("@" in (row["properties"] or "") for row in rows)


def check_ga4(rows: list[Row]) -> None:
    """The order of parameters does not matter, 64-bit integers stay whole, unknown parameters are kept."""
    assert rows[0]["event_id"] == rows[1]["event_id"]
    assert rows[0]["properties"] == rows[1]["properties"]
    assert len({row["event_id"] for row in rows}) == 4
    purchase, screen = (json.loads(rows[number]["properties"]) for number in (2, 3))
    assert json.loads(purchase["items"])[0]["quantity"] == "2"
    assert purchase["transaction_id"] == "T-1"
    assert screen["user_plan"] == "gold"
    assert screen["firebase_screen"] == "Cart 2"


def test_every_mapping_is_tried() -> None:
    tried = {source for source, _ in EXPECTED} | {"cdnow", "ecom", "complete_journey", "online_retail", "snowplow"}
    assert {path.stem for path in (PROJECT / "conf" / "sources").glob("*.yaml")} == tried
