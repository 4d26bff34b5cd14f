"""The effect of a changed rule before it goes live, by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from jobs.compare_segmentations import run
from segmentation.errors import ConfigurationError
from segmentation.runtime.main import open_context
from segmentation.tables import COHORTS, user_features_table
from segmentation.tables.table import COUNT, MONEY_SUM, Column

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = pytest.mark.spark

NOW = date(2024, 4, 1)
BEFORE = NOW - timedelta(days=28)
FEATURES = user_features_table([Column("sessions_count_30d", COUNT, "n"), Column("value_sum_life", MONEY_SUM, "money")])
SESSIONS = {BEFORE: {"a": 9, "b": 6, "c": 1, "d": 1}, NOW: {"a": 9, "b": 6, "c": 6, "d": 1, "e": 9}}
RULE = 'name: busy\ndescription: text\nwhen: {{feature: sessions_count_30d, op: ">", value: {value}}}\n'


def test_a_changed_rule_shows_who_moves_what_they_are_worth_and_how_stable_it_is(
    spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ctx = open_context(conf_dir=Path(__file__).parents[3] / "conf", lake=str(tmp_path / "lake"), as_of=NOW, spark=spark)
    rows = [(u, cut, "v", n, Decimal(10 * n)) for cut, users in SESSIONS.items() for u, n in users.items()]
    ctx.lake.replace(FEATURES, spark.createDataFrame(rows, FEATURES.schema))
    ctx.lake.publish({})
    live, candidate = tmp_path / "segments" / "busy.yaml", tmp_path / "tried.yaml"
    live.parent.mkdir()
    live.write_text(RULE.format(value=8))
    candidate.write_text(RULE.format(value=5))

    found = run(replace(ctx, options={"conf_dir": tmp_path, "rule_file": candidate})).quality
    moves = {(m["live"], m["candidate"]): (m["users"], m["stays"]) for m in found["moves"]}
    assert moves == {("in", "in"): (2, True), ("out", "in"): (2, False), ("out", "out"): (1, True)}
    assert (found["users"], found["movers"]) == (5, 2)
    groups = {(g["definition"], g["segment"]): (g["users"], g["means"]["value_sum_life"]) for g in found["groups"]}
    assert groups["live", "in"] == (2, 90.0)
    assert groups["candidate", "in"] == (4, 75.0)
    # Of those there at both cuts: live has a at both; candidate a and b at both, c now alone.
    assert found["stability"] == {
        "since": BEFORE, "measure": "members in common (Jaccard)", "live": 1.0, "candidate": pytest.approx(2 / 3),
    }  # fmt: skip
    told = capsys.readouterr().err
    assert "5 users, of whom 2 (40.0 %) would move" in told
    assert ctx.lake.version(COHORTS) is None, "nothing went live"

    candidate.write_text(RULE.format(value=5).replace("busy", "brand_new"))
    fresh = run(replace(ctx, options={"conf_dir": tmp_path, "rule_file": candidate})).quality
    assert (fresh["live"], fresh["movers"]) == ("no rule of this name", 4)
    with pytest.raises(ConfigurationError, match="does not exist"):
        run(replace(ctx, options={"conf_dir": tmp_path, "rule_file": tmp_path / "absent.yaml"}))
