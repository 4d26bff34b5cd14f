"""The job on customers who buy as the model says: predictions, the look back, and the same again."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from pyspark.sql import functions as F

from jobs.predict_lifetimes import run
from segmentation.errors import ConfigurationError, DataError
from segmentation.models.lifetime import AGE, FREQUENCY, RECENCY, VALUE, Buying, Spending, expect_purchases
from segmentation.runtime.main import open_context
from segmentation.tables import LIFETIME_FITS, USER_LIFETIMES, user_features_table
from segmentation.tables.table import COUNT, REAL, Column

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = [pytest.mark.spark, pytest.mark.faults]  # four small tables and Python on the executors: a minute

THEN, NOW = date(2024, 1, 1), date(2024, 4, 1)
CUSTOMERS, TRUTH = 1_500, (0.8, 20.0, 0.9, 2.5)
"""r, alpha (days), a, b."""
FEATURES = user_features_table(
    Column(name, REAL if name == VALUE else COUNT, name, nullable=True) for name in (FREQUENCY, RECENCY, AGE, VALUE)
)


def buyers() -> list[tuple]:
    """Customers first seen on one of 100 days before THEN; two who never purchased, and one of no value."""
    rng = np.random.default_rng(4)
    rows = []
    for number in range(CUSTOMERS):
        rate, leaving = rng.gamma(TRUTH[0], 1 / TRUTH[1]), rng.beta(*TRUTH[2:])
        first, day, bought = -int(rng.integers(1, 101)), 0.0, []
        while first + (day := day + rng.exponential(1 / rate)) < (NOW - THEN).days - 1:
            bought.append(first + int(np.ceil(day)))
            if rng.random() < leaving:
                break
        for cut, until in ((THEN, 0), (NOW, (NOW - THEN).days)):
            times = sorted({b for b in bought if b < until})
            recency = times[-1] - first if times else 0
            rows.append((f"u{number}", cut, "v", len(times), recency, until - 1 - first, 20.0 if times else None))
    nobody = [(f"never{n}", NOW, "v", 0, None, None, None) for n in range(2)]
    return [*rows, *nobody, ("returns", NOW, "v", 3, 40, 90, -5.0)]


def test_predictions_are_those_of_the_fit_and_the_look_back_is_honest(spark: SparkSession, tmp_path: Path) -> None:
    ctx = open_context(conf_dir=Path(__file__).parents[3] / "conf", lake=str(tmp_path / "lake"), spark=spark)
    ctx = replace(ctx, given_as_of=NOW)
    rows = buyers()
    ctx.lake.replace(FEATURES, spark.createDataFrame(rows, FEATURES.schema))
    ctx.lake.publish({})
    report = run(ctx)
    (fit,) = ctx.lake.read(LIFETIME_FITS).collect()
    assert fit["buying_customers"] == CUSTOMERS + 1
    assert fit["r"] / fit["alpha"] == pytest.approx(TRUTH[0] / TRUTH[1] * 7, rel=0.2)  # mean rate a week
    assert fit["checked_as_of"] == THEN
    assert fit["checked_expected"] == pytest.approx(fit["checked_actual"], rel=0.15)
    assert fit["checked_mae"] < fit["naive_mae"]
    # One of them came back and has no known value.
    assert report.notes == [
        "not in the model of values, having no repeat purchase of a known value above 0: 1 customers"
    ]

    found = {row["user_id"]: row for row in ctx.lake.read(USER_LIFETIMES).collect()}
    assert len(found) == CUSTOMERS + 3
    model = Buying(fit["r"], fit["alpha"], fit["a"], fit["b"], 0.0, 0)
    spent = Spending(fit["p"], fit["q"], fit["v"], 0.0, 0)
    for user, _, _, x, t_x, age, m in (row for row in rows if row[1] == NOW):
        row = found[user]
        if age is None:
            assert (row["p_alive"], row["expected_purchases"], row["expected_spend"]) == (None, None, None)
            continue
        days = expect_purchases(model, np.array([x]), np.array([t_x / 7]), np.array([age / 7]), 90 / 7)[0]
        assert row["expected_purchases"] == pytest.approx(days, rel=1e-9)
        assert 0 < row["p_alive"] <= 1
        assert (row["p_alive"] == 1) == (x == 0)
        if m is not None and m > 0:
            assert row["expected_value"] == pytest.approx(
                spent.p * (spent.v + x * m) / (spent.p * x + spent.q - 1), rel=1e-9
            )
        assert row["expected_spend"] == pytest.approx(row["expected_purchases"] * row["expected_value"], rel=1e-12)

    before = ctx.lake.read(USER_LIFETIMES).collect()
    assert run(ctx).quality == report.quality
    assert sorted(ctx.lake.read(USER_LIFETIMES).collect()) == sorted(before)

    with pytest.raises(ConfigurationError, match=r"build_features\.py --as-of 2024-05-01"):
        run(replace(ctx, given_as_of=date(2024, 5, 1)))
    few = spark.createDataFrame(rows, FEATURES.schema).where(F.col("user_id").isin("u1", "u2", "never1"))
    ctx.lake.replace(FEATURES, few)
    with pytest.raises(DataError, match="purchased on more than one day"):
        run(ctx)
