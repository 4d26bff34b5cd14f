"""What is said of a sample of users: percentiles, stability, correlations."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from segmentation.evaluation.distributions import compare, correlate, describe
from segmentation.evaluation.params import FeatureReportParams

PARAMS = FeatureReportParams()


def normal(seed: int, n: int = 4_000, shift: float = 0.0) -> pd.Series:
    return pd.Series(np.random.default_rng(seed).normal(shift, 1.0, n))


def test_stability_is_the_published_sum_over_deciles() -> None:
    before, now = pd.Series(range(100), dtype=float), pd.Series(range(50, 150), dtype=float)
    # Deciles before: 10 of each; after: none in the first five, 10 in each of the next four, 60 in the last; no nulls.
    counts = ([10] * 10 + [0], [0] * 5 + [10] * 4 + [60] + [0])
    p, q = ([(count + 0.5) / (100 + 5.5) for count in side] for side in counts)
    found = compare(before, now, params=PARAMS)
    assert found.psi == pytest.approx(sum((b - a) * math.log(b / a) for a, b in zip(p, q, strict=True)), rel=1e-12)
    assert found.status == "shifted"


def test_stationary_data_moves_no_more_often_than_chance_says() -> None:
    found = [compare(normal(seed), normal(1_000 + seed), params=PARAMS) for seed in range(200)]
    beyond = sum(one.psi > one.noise for one in found if one.psi is not None and one.noise is not None)
    assert 2 <= beyond <= 22  # 10 expected; 3.8 standard deviations
    assert {one.status for one in found} == {"stable"}


@pytest.mark.parametrize(("shift", "status"), [(0.0, "stable"), (0.35, "moved"), (0.7, "shifted")])
def test_a_planted_shift_is_told_by_its_size(shift: float, status: str) -> None:
    assert compare(normal(1), normal(2, shift=shift), params=PARAMS).status == status


def test_few_users_are_not_said_to_have_moved() -> None:
    found = compare(normal(3, 20), normal(4, 20), params=PARAMS)
    assert found.psi is not None
    assert found.psi > PARAMS.psi_moved
    assert found.status == "stable"


def test_nulls_constants_and_nobody() -> None:
    nobody, unknown, zero = pd.Series([], dtype=float), pd.Series([np.nan] * 500), pd.Series([0.0] * 500)
    assert compare(nobody, zero, params=PARAMS) == (None, None, "info")
    assert compare(zero, zero, params=PARAMS).psi == 0.0
    assert compare(zero, unknown, params=PARAMS).status == "shifted"
    assert describe(unknown, bins=5)["mean"] is None
    assert describe(unknown, bins=5)["bin_counts"] == []
    of_zeros = describe(zero, bins=5)
    assert (of_zeros["p05"], of_zeros["p95"], of_zeros["bin_counts"]) == (0.0, 0.0, [500])


def test_a_histogram_leaves_out_what_is_far_away() -> None:
    found = describe(pd.Series([*(n + 0.5 for n in range(1_000)), 1e9]), bins=10)
    assert (found["bin_edges"][0], found["bin_edges"][-1], len(found["bin_counts"])) == (10.5, 990.5, 10)
    assert sum(found["bin_counts"]) == 981


def test_bins_of_whole_numbers_hold_equally_many_of_them() -> None:
    found = describe(pd.Series([*range(3, 10)] * 20), bins=20)
    assert found["bin_edges"] == [2.5 + n for n in range(8)]
    assert found["bin_counts"] == [20] * 7
    assert describe(pd.Series(range(100)), bins=20)["bin_counts"][1:-1] == [5] * 18


def test_correlations_are_scipys_over_those_of_whom_both_are_known() -> None:
    rng = np.random.default_rng(7)
    base = rng.normal(size=400)
    frame = pd.DataFrame({"b": base, "a": np.exp(base), "c": -base + rng.normal(size=400), "d": rng.normal(size=400)})
    frame.loc[:99, "a"] = np.nan
    frame.loc[20:, "d"] = np.nan  # too few are left
    found = {(one, other): (value, users) for one, other, value, users in correlate(frame, at_least=0.5)}
    assert set(found) == {("a", "b"), ("a", "c"), ("b", "c")}
    assert found["a", "b"] == (pytest.approx(1.0), 300)
    assert found["b", "c"] == (pytest.approx(spearmanr(frame["b"], frame["c"]).statistic, rel=1e-9), 400)
    assert found["b", "c"][0] < -0.5
