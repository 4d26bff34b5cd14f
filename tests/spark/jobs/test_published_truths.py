"""Counts that others published of these data sets, out of our tables."""

from __future__ import annotations

import csv
import json
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pyspark.sql import functions as F

from jobs import apply_identities, ingest_events
from tests.online_retail import ACCEPTED, LEDGER, PURCHASES

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.spark.jobs.conftest import Workspace

pytestmark = [pytest.mark.spark, pytest.mark.truths]

PROJECT = Path(__file__).parents[3]


def balanced(quality: dict) -> bool:
    of = {
        stage: quality.get(stage, 0)
        for stage in ("read", "parsed", "unparsable", "accepted", "duplicate", "quarantined")
    }
    whole = of["read"] == of["parsed"] + of["unparsable"]
    return whole and of["parsed"] == of["accepted"] + of["duplicate"] + of["quarantined"]


def test_ecom_has_30_duplicates_and_3605_sessions(workspace: Workspace, published: Callable[..., Path]) -> None:
    try:
        path = published("ecom_sessions", "ecom.csv.gz")
    except pytest.skip.Exception:
        path = published("ecom", "ecom.csv.gz")
    arguments = ("--source", "ecom", "--input", str(path))
    quality = workspace.run(ingest_events, *arguments).result["quality"]
    assert (quality["read"], quality["accepted"], quality["duplicate"]) == (31_106, 31_076, 30)
    assert balanced(quality)
    supplied = F.get_json_object("properties", "$.supplied_session_id")
    pairs = workspace.table("events").select("session_id", supplied.alias("supplied")).distinct()
    counts = pairs.agg(F.count("*"), F.count_distinct("session_id"), F.count_distinct("supplied")).first()
    assert tuple(counts) == (3_605, 3_605, 3_605)
    flows = workspace.table("transitions").groupBy("from_state", "to_state").agg(F.sum("transitions").alias("n"))
    sums = flows.agg(
        F.sum("n"),
        F.sum(F.when(F.col("from_state") == "START", F.col("n"))),
        F.sum(F.when(F.col("to_state") == "EXIT", F.col("n"))),
    ).first()
    assert tuple(sums) == (31_076 + 3_605, 3_605, 3_605)
    before = workspace.pointer()
    again = workspace.run(ingest_events, *arguments)
    assert (again.code, again.result["quality"]) == (0, quality)
    assert workspace.pointer() == before


EDGE_CASES = {"long session", "Rotating domain_userid per session", "Unexpired session"}
"""Sessions of Snowplow's expected table that need its look-back limits or its stitching of people."""
UNSTITCHED = {
    "long session",
    "Unexpired session",
    "user stitch - session: 1st id: 1",
    "user stitch - session: 2nd id: 3",
}
"""Those that differ within persons: look-back limits again, and two in which ten people log in on one cookie."""


def test_snowplow_web_has_the_expected_sessions(workspace: Workspace, published: Callable[..., Path]) -> None:
    events = published("snowplow_web", "source/snowplow_web_events.csv")
    quality = workspace.run(ingest_events, "--source", "snowplow", "--input", str(events)).result["quality"]
    assert (quality["read"], quality["accepted"], quality["reasons"]) == (160, 157, {"conflict": 3})
    assert balanced(quality)
    with published("snowplow_web", "expected/default/snowplow_web_sessions_expected.csv").open() as lines:
        expected = [
            (row["user_id"], row["domain_sessionid"], int(row["total_events"])) for row in csv.DictReader(lines)
        ]
    by_session = workspace.table("events").groupBy("session_hint", "session_id").count()
    made: dict[str, list[int]] = {}
    for row in by_session.collect():
        made.setdefault(row["session_hint"], []).append(row["count"])
    differing = {name for name, session, total in expected if made[session] != [total]}
    assert (len(expected), differing) == (18, EDGE_CASES)
    applied = workspace.run(apply_identities)
    assert applied.code == 0, applied.stderr
    stitched = workspace.table("events")
    counts: dict[str, list[int]] = {}
    for row in stitched.groupBy("session_hint", "user_id").count().collect():
        counts.setdefault(row["session_hint"], []).append(row["count"])
    assert {name for name, session, total in expected if counts[session] != [total]} == UNSTITCHED


def test_cdnow_balances_to_the_row_and_has_its_repeats(workspace: Workspace, published: Callable[..., Path]) -> None:
    path = published("cdnow", "CDNOW_sample.txt")
    quality = workspace.run(ingest_events, "--source", "cdnow", "--input", str(path)).result["quality"]
    assert (quality["read"], quality["accepted"], quality["duplicate"]) == (6_919, 6_898, 21)
    assert balanced(quality)
    days = workspace.table("user_days")
    calibrated = F.col("event_date") <= F.lit("1997-09-30").cast("date")
    counts = days.agg(F.count_distinct("user_id"), F.count_if(calibrated), F.count_if(~calibrated), F.sum("value"))
    assert tuple(counts.first()) == (2_357, 2_357 + 2_457, 1_882, Decimal("243680.87"))


def test_ga4s_published_row_has_its_parameters_in_whatever_order(
    workspace: Workspace, published: Callable[..., Path]
) -> None:
    sent = json.loads(published("ga4_export", "velir_source_json.ndjson").read_text())
    expected = json.loads(published("ga4_export", "velir_expected_json.ndjson").read_text())
    # The row is that of dbt-ga4's first stage, which gives two of Google's columns other names.
    sent |= {"event_date": sent["event_date_dt"].replace("-", ""), "user_pseudo_id": sent["client_id"]}
    params = sent["event_params"]
    other = [{**params[0], "value": {**params[0]["value"], "int_value": "2"}}, *params[1:]]
    lines = [json.dumps({**sent, "event_params": given}) for given in (params, params[::-1], other)]
    path = workspace.file("events_20210406.json", "\n".join(lines))
    quality = workspace.run(ingest_events, "--source", "ga4", "--input", path).result["quality"]
    assert (quality["read"], quality["accepted"], quality["duplicate"]) == (3, 2, 1)
    rows = workspace.table("events").orderBy("properties").collect()
    kept = [json.loads(row["properties"]) for row in rows]
    named = ("ga_session_id", "page_location", "session_engaged", "page_title", "ga_session_number")
    assert [kept[0][name] for name in named] == [expected[name] for name in named]
    assert (kept[1]["ga_session_number"], {**kept[1], "ga_session_number": "1"}) == ("2", kept[0])
    assert {(row["user_id"], row["session_hint"], row["event_name"], row["platform"]) for row in rows} == {
        (expected["client_id"], expected["ga_session_id"], expected["event_name"], "web")
    }
    micros = workspace.table("events").select(F.unix_micros("event_at")).distinct().collect()
    assert [row[0] for row in micros] == [int(expected["event_timestamp"])]


@pytest.mark.endurance  # half a million records
def test_online_retail_balances_to_the_row(workspace: Workspace, published: Callable[..., Path]) -> None:
    path = published("online_retail_by_day")
    quality = workspace.run_process("ingest_events", "--source", "online_retail", "--input", str(path)).result[
        "quality"
    ]
    assert quality == LEDGER
    events = workspace.table("events")
    by_name = {row["event_name"]: row["count"] for row in events.groupBy("event_name").count().collect()}
    assert by_name == ACCEPTED
    purchases = events.where(F.col("event_name") == "purchase")
    invoice = F.get_json_object("properties", "$.InvoiceNo")
    totals = purchases.agg(F.sum("value"), F.count_distinct("user_id"), F.count_distinct(invoice)).first()
    assert tuple(totals) == PURCHASES
    of_days = workspace.table("user_days").agg(F.sum("events"), F.sum("purchases"), F.sum("purchase_value")).first()
    value, _, invoices = PURCHASES
    assert tuple(of_days) == (LEDGER["accepted"], invoices, value)  # an invoice is one purchase, whatever its lines


@pytest.mark.endurance  # 1.5 million records
def test_complete_journey_has_its_baskets_as_sessions(workspace: Workspace, published: Callable[..., Path]) -> None:
    path = published("complete_journey", "transactions.parquet")
    quality = workspace.run_process("ingest_events", "--source", "complete_journey", "--input", str(path)).result[
        "quality"
    ]
    assert (quality["read"], quality["accepted"]) == (1_469_307, 1_469_307)
    store = F.get_json_object("properties", "$.store_id")
    events = workspace.table("events").agg(F.count_distinct("user_id"), F.count_distinct(store)).first()
    assert tuple(events) == (2_469, 457)
    assert workspace.table("sessions").count() == 155_848
