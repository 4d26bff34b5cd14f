"""Features described by the job, on users whose distributions are known."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from jobs.describe_features import run
from segmentation.errors import ConfigurationError
from segmentation.review.sections.features import features_section
from segmentation.review.sections.reading import Reading
from segmentation.runtime.main import open_context
from segmentation.tables import FEATURE_CORRELATIONS, FEATURE_STATISTICS, user_features_table
from segmentation.tables.table import COUNT, REAL, Column

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = pytest.mark.spark

BEFORE, NOW, USERS = date(2024, 3, 1), date(2024, 4, 1), 400
FEATURES = user_features_table(
    [
        Column("visits_count", COUNT, "visits"),
        Column("twice_count", COUNT, "twice"),
        Column("odd", REAL, "odd", nullable=True),
    ]
)


def test_features_are_described_compared_and_shown(spark: SparkSession, tmp_path: Path) -> None:
    ctx = open_context(conf_dir=Path(__file__).parents[3] / "conf", lake=str(tmp_path / "lake"), spark=spark)
    rows = [
        (f"u{n}", cut, "v", (n + moved) % USERS, 2 * ((n + moved) % USERS), 0.0 if n % 4 or moved else None)
        for cut, moved in ((BEFORE, 0), (NOW, 7))
        for n in range(USERS)
    ]
    ctx.lake.replace(FEATURES, spark.createDataFrame(rows, FEATURES.schema))
    ctx.lake.publish({})
    report = run(replace(ctx, given_as_of=NOW))
    # The counts are the same numbers of other users; a quarter of `odd` was undefined before.
    assert report.quality == {"features": 3, "changed": {"odd": "shifted"}, "correlated_pairs": 1}
    found = {row["feature"]: row for row in ctx.lake.read(FEATURE_STATISTICS).collect()}
    visits = found["visits_count"]
    assert (visits["users"], visits["sampled"], visits["nulls"], visits["zeros"]) == (USERS, USERS, 0, 1)
    assert (visits["minimum"], visits["p50"], visits["maximum"], visits["mean"]) == (0.0, 199.5, 399.0, 199.5)
    assert (visits["psi"], visits["previous_as_of"], visits["status"]) == (0.0, BEFORE, "stable")
    assert (found["odd"]["nulls"], found["odd"]["zeros"]) == (0, USERS)
    pair = ctx.lake.read(FEATURE_CORRELATIONS).collect()
    assert [(p["feature"], p["other"], p["spearman"], p["users"]) for p in pair] == [
        ("twice_count", "visits_count", 1.0, USERS)
    ]

    section = features_section(Reading(ctx.lake))
    assert [exhibit.key for exhibit in section.exhibits] == [
        "feature-changes",
        "feature-distributions",
        "feature-correlations",
    ]
    assert "1 feature shifted and 0 moved" in section.lead
    with pytest.raises(ConfigurationError, match=r"build_features\.py --as-of 2024-05-01"):
        run(replace(ctx, given_as_of=date(2024, 5, 1)))
