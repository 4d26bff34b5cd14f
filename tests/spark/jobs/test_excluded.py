"""Excluded records: counted in the ledger, stored nowhere, and never a reason to stop a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pyspark.sql import functions as F

from jobs import check_source, ingest_events
from segmentation.parameters import validated
from segmentation.sources.mapping import SourceMapping

if TYPE_CHECKING:
    from tests.spark.jobs.conftest import Workspace

pytestmark = pytest.mark.spark

MAPPING = """
format: csv
fields:
  event_id: id
  user_id: user
  event_name: name
  event_at: at
agent: agent
bots: exclude
rules:
  - {reason: test_order, expr: "name <> 'test'", exclude: true}
  - {reason: no_staff, expr: "user <> 'staff'"}
"""
AT, PERSON = "2024-05-01 10:00:00", "Mozilla/5.0"
GOOD = [f"g{n},ana,view,{AT},{PERSON}" for n in range(2)]
EXCLUDED = [
    *(f"needle{n},needle,view,{AT},Googlebot/2.1" for n in range(6)),
    f"needle6,needle,test,{AT},{PERSON}",
    f"needle7,needle,test,{AT},curl/8",
]
BOTH = f"b0,staff,test,{AT},Googlebot/2.1"
"""Fails both excluding checks and another one."""


def write(workspace: Workspace, name: str, *lines: str) -> str:
    return workspace.file(name, "\n".join(["id,user,name,at,agent", *lines]) + "\n")


def ledger(workspace: Workspace) -> dict[tuple[str, str | None], int]:
    rows = workspace.table("ingest_ledger").groupBy("stage", "reason").agg(F.sum("records").alias("n")).collect()
    return {(row["stage"], row["reason"]): row["n"] for row in rows if row["n"]}


def state(workspace: Workspace) -> tuple[Any, ...]:
    quarantine = workspace.table("quarantine").select("event_id", "reason", "reasons").collect()
    return ledger(workspace), sorted(map(tuple, quarantine)), workspace.table("events").count()


def test_excluded_records__counted_and_stored_nowhere(workspace: Workspace) -> None:
    workspace.source("shop", MAPPING)
    path = write(workspace, "a.csv", *GOOD, *EXCLUDED, BOTH)
    before = str(workspace.spark.conf.get("spark.sql.parquet.compression.codec"))
    workspace.spark.conf.set("spark.sql.parquet.compression.codec", "uncompressed")  # files can be searched
    try:
        outcome = workspace.run(ingest_events, "--source", "shop", "--input", path)
    finally:
        workspace.spark.conf.set("spark.sql.parquet.compression.codec", before)
    assert outcome.code == 0, outcome.stderr  # 9 of 11 are no events, 1 of 3 counts
    counts = {
        ("read", None): 11,
        ("parsed", None): 11,
        ("accepted", None): 2,
        ("quarantined", "no_staff"): 1,
        ("excluded", "known_bot"): 7,
        ("excluded", "test_order"): 1,
    }
    quarantined = [("b0", "no_staff", ["no_staff", "known_bot", "test_order"])]
    assert state(workspace) == (counts, quarantined, 2)
    quality = outcome.result["quality"]
    assert (quality["excluded"], quality["reasons"]) == (8, {"known_bot": 7, "no_staff": 1, "test_order": 1})
    assert not any(b"needle" in path.read_bytes() for path in workspace.lake.rglob("*") if path.is_file())
    assert workspace.run(ingest_events, "--source", "shop", "--rebuild").code == 0
    assert state(workspace) == (counts, quarantined, 2)


def test_excluded_records__nothing_else_in_the_input(workspace: Workspace) -> None:
    workspace.source("shop", MAPPING)
    only = write(workspace, "only.csv", *EXCLUDED)
    refused = workspace.run(ingest_events, "--source", "shop", "--input", only)
    assert (refused.code, "every record was excluded, a copy or too late" in refused.stderr) == (3, True)
    assert workspace.run(ingest_events, "--source", "shop", "--input", write(workspace, "a.csv", *GOOD)).code == 0
    assert workspace.run(ingest_events, "--source", "shop", "--input", only).code == 0
    assert ledger(workspace)["excluded", "known_bot"] == 7
    bad = write(workspace, "bad.csv", *EXCLUDED, BOTH)
    refused = workspace.run(ingest_events, "--source", "shop", "--input", bad)
    assert (refused.code, "all 1 were rejected (no_staff 1)" in refused.stderr) == (3, True)


def test_check_source__excluded_records(workspace: Workspace) -> None:
    workspace.source("shop", MAPPING)
    outcome = workspace.run(
        check_source, "--source", "shop", "--input", write(workspace, "a.csv", *GOOD, *EXCLUDED, BOTH)
    )
    assert "2 would be events of 1 users, 1 would be rejected, 8 would be excluded" in outcome.stderr
    assert outcome.result["quality"]["excluded"] == {"known_bot": 7, "test_order": 2}


def test_fingerprint__unchanged_by_a_rule_that_does_not_exclude() -> None:
    fields = {"event_id": "id", "user_id": "user", "event_name": "name", "event_at": "at"}
    rule = {"reason": "test_order", "expr": "name <> 'test'"}

    def fingerprint(**more: bool) -> str:
        given = {"name": "shop", "format": "csv", "fields": fields, "rules": [{**rule, **more}]}
        return validated(SourceMapping, given, "shop").fingerprint

    assert fingerprint() == fingerprint(exclude=False) == "4a26f7ecc27b9856"
    assert fingerprint(exclude=True) != fingerprint()
