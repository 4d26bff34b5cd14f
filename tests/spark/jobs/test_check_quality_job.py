"""The job publishes what it found, again the same, and ends the pipeline where an error's limit is broken."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from jobs import check_quality
from segmentation.lake.lake import Lake
from segmentation.tables import EVENTS, INGEST_LEDGER
from segmentation.tables.reference import all_tables
from tests.spark.review.small_lake import few_hits, write_lake

pytestmark = pytest.mark.spark

CONF = Path(__file__).parents[3] / "conf"
KEPT = {EVENTS, INGEST_LEDGER}
CHECKS = """name: shop
checks:
  platforms: {kind: accepted_values, column: platform, values: [web], level: error, at_least: 0.9, source: SOURCE}
  rejected: {kind: share, at_most: 0.5}
"""


def test_results_are_published_and_again_equal_though_an_error_ends_with_3(workspace) -> None:
    lake = Lake(workspace.spark, str(workspace.lake), "r")
    as_of = write_lake(lake, few_hits(), skip=[table for table in all_tables() if table not in KEPT])
    day = as_of - timedelta(days=1)
    shutil.rmtree(workspace.folder / "conf" / "quality")
    workspace.source("shop", (CONF / "sources" / "ecom.yaml").read_text())

    def check(source: str, *arguments: str):
        folder = workspace.folder / "conf" / "quality"
        folder.mkdir(exist_ok=True)
        (folder / "shop.yaml").write_text(CHECKS.replace("SOURCE", source))
        return workspace.run(check_quality, *arguments)

    def stored() -> list[tuple]:
        return [tuple(row) for row in workspace.table("quality_results").orderBy("check", "day").collect()]

    outcome = check("shop")
    assert outcome.code == 3
    assert f"shop.platforms (shop on {day}): 0 of " in outcome.stderr
    first = stored()
    assert [(row[0], row[4], row[5], row[7], row[11]) for row in first] == [
        ("shop.platforms", day, as_of, 0.0, "failed"),
        ("shop.rejected", day, as_of, 0.0, "passed"),
    ]
    assert check("shop", "--from", str(day), "--to", str(day)).code == 3
    assert stored() == first
    outcome = check("shpo", "--as-of", str(as_of))
    assert outcome.code == 2
    assert "check shop.platforms: unknown source 'shpo' (did you mean 'shop'?)" in outcome.stderr
