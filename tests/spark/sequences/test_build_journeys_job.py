"""The job on a small lake: every table is there, at the cut that was asked for."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from jobs import build_journeys
from segmentation.lake.lake import Lake
from segmentation.review.sections.analyses import analysis_exhibits
from segmentation.review.sections.reading import Reading
from segmentation.tables import EVENTS
from tests.spark.review.small_lake import few_hits, sessions_of, write_lake

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import SparkSession

pytestmark = [pytest.mark.spark, pytest.mark.faults]  # nine tables: half a minute


def test_the_job_writes_every_table_at_the_cut(
    spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hits = few_hits()
    last = write_lake(Lake(spark, str(tmp_path / "lake"), "first"), hits)
    conf = tmp_path / "conf"
    (conf / "funnels").mkdir(parents=True)
    (conf / "comparisons").mkdir()
    for name in ("base", "local"):
        (conf / f"{name}.yaml").write_text("")
    (conf / "funnels" / "shop.yaml").write_text("name: shop\nsteps: [home, [cart, catalog], purchase]\nunit: session\n")
    (conf / "comparisons" / "devices.yaml").write_text("name: devices\na: {platforms: [ios]}\nat_least: 1\n")
    cut = last - timedelta(days=2)
    options = ["--conf-dir", str(conf), "--lake", str(tmp_path / "lake"), "--as-of", str(cut)]
    assert build_journeys.main(options) == 0
    result = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
    assert sorted(result["tables"]) == sorted(table.name for table in build_journeys.WRITES)
    assert all(table["rows"] > 0 for table in result["tables"].values())
    walks = [[h.state for h in group] for group in sessions_of(hits).values() if group[-1].at.date() < cut]
    assert result["tables"]["user_sequences"]["rows"] == len(walks)
    reached = [sum("home" in walk for walk in walks), sum("catalog" in walk for walk in walks)]
    assert result["quality"]["funnels"]["shop"] == [*reached, sum("purchase" in walk for walk in walks)]
    assert result["quality"]["differences"] == {}
    assert result["notes"] == []
    lake = Lake(spark, str(tmp_path / "lake"), "second")
    assert lake.reflects(EVENTS, build_journeys.WRITES)
    shown = {exhibit.key: exhibit for exhibit in analysis_exhibits(Reading(lake, as_of=last))}
    assert sorted(shown) == ["differences", "funnel-shop", "lost-conversions"]
    assert [row["reached"] for row in shown["funnel-shop"].grid.records if row["dimension"] == "all"] == [
        *reached,
        sum("purchase" in walk for walk in walks),
    ]
    assert analysis_exhibits(Reading(lake, as_of=cut - timedelta(days=1))) == ()
