"""Exports of Google Analytics 4: JSON lines, Parquet and older Parquet give the same events."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from segmentation.parameters import WorkspaceParams
from segmentation.sources.mapping import load_mapping
from segmentation.sources.parse import parse_records
from segmentation.sources.readers.files import one_task_per_block, read_records
from segmentation.sources.readers.units import list_units
from tests.conftest import PROJECT

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import SparkSession

pytestmark = pytest.mark.spark

TEXT, WHOLE, FRACTION = pa.string(), pa.int64(), pa.float64()
VALUE = pa.struct([("string_value", TEXT), ("int_value", WHOLE), ("float_value", FRACTION), ("double_value", FRACTION)])
PARAMS = pa.list_(pa.struct([("key", TEXT), ("value", VALUE)]))
ITEM = [("item_id", TEXT), ("item_name", TEXT), ("price", FRACTION), ("quantity", WHOLE)]
OLD = {
    "event_date": TEXT, "event_timestamp": WHOLE, "event_name": TEXT, "event_params": PARAMS,
    "event_value_in_usd": FRACTION, "user_id": TEXT, "user_pseudo_id": TEXT, "user_properties": PARAMS,
    "stream_id": TEXT, "platform": TEXT,
    "device": pa.struct([("category", TEXT), ("operating_system", TEXT), ("language", TEXT)]),
    "geo": pa.struct([("country", TEXT)]),
    "traffic_source": pa.struct([("name", TEXT), ("medium", TEXT), ("source", TEXT)]),
    "ecommerce": pa.struct([("purchase_revenue", FRACTION), ("transaction_id", TEXT)]),
    "items": pa.list_(pa.struct(ITEM)),
}  # fmt: skip
CAMPAIGN = pa.struct([("campaign_name", TEXT), ("source", TEXT), ("medium", TEXT)])
NEW = OLD | {
    "is_active_user": pa.bool_(),
    "batch_page_id": WHOLE,
    "batch_ordering_id": WHOLE,
    "batch_event_index": WHOLE,
    "privacy_info": pa.struct([("analytics_storage", TEXT), ("ads_storage", TEXT), ("uses_transient_token", TEXT)]),
    "collected_traffic_source": pa.struct([("manual_source", TEXT), ("manual_medium", TEXT), ("gclid", TEXT)]),
    "session_traffic_source_last_click": pa.struct([("manual_campaign", CAMPAIGN)]),
    "ecommerce": pa.struct(
        [
            *(("purchase_revenue", FRACTION), ("transaction_id", TEXT), ("refund_value", FRACTION)),
            *(("unique_items", WHOLE), ("tax_value", FRACTION)),
        ]
    ),
    "items": pa.list_(
        pa.struct(
            [
                *ITEM,
                *(("item_brand", TEXT), ("item_category2", TEXT), ("item_revenue", FRACTION), ("coupon", TEXT)),
                ("item_params", PARAMS),
            ]
        )
    ),
}


def param(key: str, value: str | float) -> dict[str, Any]:
    kind = {str: "string_value", int: "int_value", float: "double_value"}[type(value)]
    return {"key": key, "value": {kind: value}}


def event(name: str, number: int, *params: dict[str, Any], **others: Any) -> dict[str, Any]:
    return {
        "event_date": "20240501",
        "event_timestamp": 1714557600123456 + number,
        "event_name": name,
        "event_params": [param("ga_session_id", 1714557600), *params],
        "user_pseudo_id": "1.2",
        "user_properties": [param("plan", "gold")],
        "stream_id": "5",
        "platform": "WEB",
        "traffic_source": {"name": "(direct)", "medium": "(none)", "source": "(direct)"},
        "batch_page_id": 1714557600000,
        "batch_ordering_id": 2,
        "batch_event_index": 7 + number,
    } | others


MUG = {"item_id": "A1", "item_name": "Mug", "price": 20.0, "quantity": 2}
BOUGHT = MUG | {
    "item_brand": "Acme",
    "item_category2": "Cups",
    "item_revenue": 40.0,
    "coupon": "MAY",
    "item_params": [param("colour", "red"), param("weight", 12_345_678.5)],
}
LAST_CLICK = {"manual_campaign": {"campaign_name": "may", "source": "news", "medium": "email"}}
COLLECTED = {"manual_source": "search", "manual_medium": "cpc", "gclid": "G1"}
ROWS = [
    event(
        "page_view", 0, param("engagement_time_msec", 1250), param("medium", "organic"), is_active_user=True,
        collected_traffic_source=COLLECTED, session_traffic_source_last_click=LAST_CLICK,
        privacy_info={"analytics_storage": "Yes", "ads_storage": "No", "uses_transient_token": "No"},
    ),
    event("scroll", 1, param("medium", "organic"), collected_traffic_source=COLLECTED),
    event("view_item", 2, param("medium", "organic"), items=[MUG], is_active_user=False),
    event(
        "purchase", 3, param("currency", "EUR"), param("value", 41.5), items=[BOUGHT, MUG],
        ecommerce={"purchase_revenue": 41.5, "transaction_id": "T-1", "unique_items": 2, "tax_value": 6.0},
    ),
    event(
        "refund", 4, param("currency", "EUR"), param("value", 99.0),
        ecommerce={"purchase_revenue": 0.0, "transaction_id": "T-1", "refund_value": 20.0},
    ),
    event("refund", 5, param("currency", "EUR"), param("value", 3.0), ecommerce={"transaction_id": "T-2"}),
    event("in_app_purchase", 6, param("currency", "EUR"), param("value", 4990000), event_value_in_usd=5.25),
    event("purchase", 7, param("currency", "JPY"), param("value", 12345678.0), param("level", 40.0)),
]  # fmt: skip
SEQUENCE = 1714557600000 * 10**6 + 2 * 10**3 + 7
CHANNELS = ["email", "cpc", "organic", "(none)", "(none)", "(none)", "(none)", "(none)"]
MONEY = [
    (None, None), (None, None), (None, None), (41.5, "EUR"), (20.0, "EUR"), (3.0, "EUR"), (5.25, "USD"),
    (12345678.0, "JPY"),
]  # fmt: skip
OF_UNIT = ("unit_id", "row_key", "record_no", "location", "position", "raw")


def as_json(folder: Path, rows: list[dict[str, Any]]) -> str:
    """Write rows as BigQuery exports them to JSON: whole numbers as texts, fractions as numbers, no nulls."""

    def told(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: told(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return list(map(told, value))
        return str(value) if isinstance(value, int) and not isinstance(value, bool) else value

    path = folder / "events_20240501.json"
    path.write_text("".join(json.dumps(told(row)) + "\n" for row in rows))
    return str(path)


def as_parquet(folder: Path, name: str, rows: list[dict[str, Any]], schema: dict[str, pa.DataType]) -> str:
    """Write rows as BigQuery exports them to Parquet; what the schema lacks is left out."""
    pq.write_table(pa.Table.from_pylist(rows, schema=pa.schema(list(schema.items()))), folder / name)
    return str(folder / name)


def parsed(spark: SparkSession, *paths: str) -> list[dict[str, Any]]:
    """Parse files; return their records in order, without their place."""
    mapping = load_mapping(PROJECT / "conf", "ga4")
    units = list_units(spark, mapping, paths)
    with one_task_per_block(spark):
        raw = read_records(spark, mapping, units)
        records = parse_records(
            raw, mapping=mapping, allowed_lateness_days=7, clock_skew_hours=24, workspace=WorkspaceParams()
        )
        rows = [row.asDict() for row in records.orderBy("row_key").collect()]
    return [{name: value for name, value in row.items() if name not in OF_UNIT} for row in rows]


def money(rows: list[dict[str, Any]]) -> list[tuple[float | None, str | None]]:
    return [(None if row["value"] is None else float(row["value"]), row["currency"]) for row in rows]


def test_json_and_parquet_of_the_same_rows__give_the_same_events(spark: SparkSession, tmp_path: Path) -> None:
    of_json = parsed(spark, as_json(tmp_path, ROWS))
    assert parsed(spark, as_parquet(tmp_path, "events_20240501.parquet", ROWS, NEW)) == of_json
    assert [row["sequence_no"] for row in of_json] == [SEQUENCE + number for number in range(len(ROWS))]
    assert [row["channel"] for row in of_json] == CHANNELS
    assert money(of_json) == MONEY
    assert [row["order_id"] for row in of_json] == [None, None, None, "T-1", "T-1", "T-2", None, None]
    visit, _, _, purchase, *_ = (json.loads(row["properties"]) for row in of_json)
    assert {name: visit.get(name) for name in (
        "engagement_time_msec", "is_active_user", "privacy_analytics_storage", "privacy_ads_storage", "session_source",
        "session_campaign", "collected_gclid", "user_plan", "medium",
    )} == {
        "engagement_time_msec": "1250", "is_active_user": "true", "privacy_analytics_storage": "Yes",
        "privacy_ads_storage": "No", "session_source": "news", "session_campaign": "may", "collected_gclid": "G1",
        "user_plan": "gold", "medium": "organic",
    }  # fmt: skip
    assert (purchase["transaction_id"], purchase["ecommerce_tax_value"], purchase["ecommerce_unique_items"]) == (
        *("T-1", "6.0"),
        "2",
    )
    numbers = {"price": "20.0", "quantity": "2", "item_revenue": "40.0"}
    params = {"item_params": {"colour": "red", "weight": "1.23456785E7"}}
    bought, other = json.loads(purchase["items"])
    assert bought == BOUGHT | numbers | params
    assert other == MUG | {"price": "20.0", "quantity": "2"}


@pytest.mark.parametrize("beside", [False, True])
def test_older_export__the_same_events_without_newer_columns(
    spark: SparkSession, tmp_path: Path, *, beside: bool
) -> None:
    new = parsed(spark, as_json(tmp_path, ROWS))
    older = as_parquet(tmp_path, "a_older.parquet", ROWS, OLD)
    others = [as_parquet(tmp_path, "b_newer.parquet", ROWS, NEW)] if beside else []
    rows = parsed(spark, older, *others)
    assert rows[len(ROWS) :] == (new if beside else [])
    old = rows[: len(ROWS)]
    assert [row["event_id"] for row in old] == [row["event_id"] for row in new]
    assert [row["sequence_no"] for row in old] == [None] * len(ROWS)
    assert [row["channel"] for row in old] == ["organic", "organic", "organic", *CHANNELS[3:]]
    assert money(old) == [*MONEY[:4], (99.0, "EUR"), *MONEY[5:]]
    assert json.loads(json.loads(old[3]["properties"])["items"])[0] == MUG | {"price": "20.0", "quantity": "2"}


def test_files_whose_nested_types_differ__read_as_the_mapping_declares(spark: SparkSession, tmp_path: Path) -> None:
    texts = [pa.field(name, TEXT if name == "quantity" else kind) for name, kind in ITEM]
    rows = [row | {"items": [MUG | {"quantity": "2"}]} for row in ROWS]
    odd = as_parquet(tmp_path, "a_odd.parquet", rows, OLD | {"items": pa.list_(pa.struct(texts))})
    found = parsed(spark, odd, as_parquet(tmp_path, "b_newer.parquet", ROWS, NEW))
    assert found[len(ROWS) :] == parsed(spark, as_json(tmp_path, ROWS))
    assert [json.loads(json.loads(row["properties"])["items"])[0]["quantity"] for row in found[: len(ROWS)]] == (
        ["2"] * len(ROWS)
    )
