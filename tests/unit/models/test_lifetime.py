"""Customer lifetimes: published parameters, formulas against numerical integration, and what cannot be fitted."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.special import hyp2f1

from segmentation.errors import DataError
from segmentation.models.lifetime import Buying, expect_purchases, fit_buying, fit_spending


def histories(rows: list[tuple[float, float, float]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["x", "t_x", "age"]).assign(n=1, m=np.nan)


@pytest.mark.truths
def test_published_fit_of_cdnow_and_what_came_after(published: Callable[..., Path]) -> None:
    with published("cdnow", "cdnow_customers_summary.csv").open(encoding="utf-8") as file:
        rows = [
            (float(line["frequency"]), round(float(line["recency"]) * 7), round(float(line["T"]) * 7))
            for line in csv.DictReader(file)
        ]
    found = fit_buying(histories(rows), unit_days=7)
    assert found[:4] == pytest.approx((0.2426, 4.4137, 0.7930, 2.4262), abs=5e-4)
    assert found.log_likelihood == pytest.approx(-9582.429, abs=1e-3)
    assert found.customers == 2357
    in_days = fit_buying(histories(rows), unit_days=1)
    assert in_days[:4] == pytest.approx((found.r, found.alpha * 7, found.a, found.b), rel=1e-3)
    # 1,882 purchase days came in the 39 weeks after: the model expects an eighth fewer.
    x, t_x, age = (np.array(column) for column in zip(*rows, strict=True))
    expected = float(expect_purchases(found, x, t_x / 7, age / 7, 39.0).sum())
    assert expected == pytest.approx(1653.4, abs=0.5)


@pytest.mark.truths
def test_published_fit_of_cdnow_spending(published: Callable[..., Path]) -> None:
    lines = pd.read_csv(
        published("cdnow", "CDNOW_sample.txt"), sep=r"\s+", names=["master", "id", "day", "discs", "dollars"]
    )
    by_day = lines[lines["day"] <= 19970930].groupby(["id", "day"])["dollars"].sum().reset_index()
    repeats = by_day[by_day.groupby("id")["day"].rank() > 1].groupby("id")["dollars"].agg(["count", "mean"])
    found = fit_spending(pd.DataFrame({"x": repeats["count"], "m": repeats["mean"].where(repeats["mean"] > 0), "n": 1}))
    assert (found.p, found.q, found.v) == pytest.approx((6.25, 3.74, 15.44), abs=0.02)
    assert found.customers == 946


def test_expected_purchases_are_the_integral_over_rates_and_chances() -> None:
    model = Buying(r=1.2, alpha=3.0, a=2.5, b=4.0, log_likelihood=0.0, customers=0)
    # Nobody has come back, seen for T = 5: rate and chance to leave as observed, and t = 10 to come.
    (expected,) = expect_purchases(model, np.array([0.0]), np.array([0.0]), np.array([5.0]), 10.0)

    rate, leaving = np.meshgrid((np.arange(4_000) + 0.5) / 400, (np.arange(1_000) + 0.5) / 1_000)  # midpoints, to 10
    prior = stats.gamma.pdf(rate, model.r, scale=1 / model.alpha) * stats.beta.pdf(leaving, model.a, model.b)
    weight = prior * np.exp(-rate * 5.0)
    purchases = (1 - np.exp(-rate * leaving * 10.0)) / leaving  # after each of them the customer may leave
    assert expected == pytest.approx(float((weight * purchases).sum() / weight.sum()), rel=2e-3)


def test_planted_parameters_of_spending_are_found() -> None:
    rng, p, q, v = np.random.default_rng(3), 6.0, 4.0, 15.0
    x = rng.integers(1, 12, 20_000)
    m = rng.gamma(p * x, 1 / (rng.gamma(q, 1 / v, len(x)) * x))
    found = fit_spending(pd.DataFrame({"x": x, "m": m, "n": 1}))
    assert (found.p, found.q, found.v) == pytest.approx((p, q, v), rel=0.2)  # p and v make up for each other
    assert found.p * found.v / (found.q - 1) == pytest.approx(p * v / (q - 1), rel=0.02)
    assert found.customers == 20_000


def test_equal_histories_count_as_often_as_they_come_in_any_order() -> None:
    rng = np.random.default_rng(8)
    rows = [(float(x), float(x * 3), 40.0) for x in rng.poisson(1.0, 300)]
    one_by_one = fit_buying(histories(rows), unit_days=7)
    summed = histories(rows[::-1]).groupby(["x", "t_x", "age"], as_index=False).size().rename(columns={"size": "n"})
    assert fit_buying(summed, unit_days=7) == one_by_one


def test_too_few_customers_who_came_back_are_refused() -> None:
    once = histories([(0.0, 0.0, 40.0)] * 500 + [(1.0, 5.0, 40.0)] * 29)
    with pytest.raises(DataError, match="29 customers have purchased on more than one day"):
        fit_buying(once, unit_days=7)
    with pytest.raises(DataError, match="0 customers"):
        fit_spending(once)


def test_expected_purchases_are_those_published_and_finite_for_whoever_buys_every_day() -> None:
    model = Buying(r=1.2, alpha=3.0, a=0.6, b=4.0, log_likelihood=0.0, customers=0)
    r, alpha, a, b, *_ = model
    x, age, t = np.arange(1.0, 150.0), np.full(149, 156.0), 156.4
    published = hyp2f1(r + x, b + x, a + b + x - 1, t / (alpha + age + t))
    gone = published * ((alpha + age) / (alpha + age + t)) ** (r + x)
    left = 1 + a / (b + x - 1) * ((alpha + age) / (alpha + age)) ** (r + x)
    assert expect_purchases(model, x, age, age, t) == pytest.approx((a + b + x - 1) / (a - 1) * (1 - gone) / left)
    # A purchase on each of 1,095 days, and the same number of days to come, in weeks.
    (every_day,) = expect_purchases(model, np.array([1094.0]), np.array([1094 / 7]), np.array([1094 / 7]), 1095 / 7)
    assert 800 < every_day < 1095
