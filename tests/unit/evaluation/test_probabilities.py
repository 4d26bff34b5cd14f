"""Figures of probabilities against scikit-learn and against what must add up."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve
from sklearn.metrics import auc, brier_score_loss, log_loss, precision_recall_curve, roc_auc_score

from segmentation.evaluation.calibration import (
    calibration_bins,
    calibration_error_by_chance,
    decompose_brier,
    expected_calibration_error,
)
from segmentation.evaluation.classification import AUC_PR, AUC_ROC, log_losses, probability_figures, ranking_figures
from segmentation.evaluation.comparison import _RankedCurve, compare_paired
from segmentation.evaluation.gains import decide, measure_gains
from segmentation.evaluation.leaks import chance_interval, find_suspects

SEEDS = st.integers(0, 10_000)


def sample(seed: int, n: int = 400):
    """Probabilities with ties and both ends, and outcomes drawn from them; both classes occur."""
    rng = np.random.default_rng(seed)
    p = rng.beta(1, 3, n).round(2)
    p[:3] = [0.0, 1.0, 0.0]
    return p, (rng.random(n) < p).astype(float)


@settings(max_examples=20, deadline=None)
@given(seed=SEEDS, n=st.integers(10, 300))
def test_figures_are_scikit_learns(seed: int, n: int):
    p, y = sample(seed, n)
    figures = probability_figures(p, y)
    assert figures["brier"] == pytest.approx(brier_score_loss(y, p), abs=1e-12)
    assert figures["log_loss"] == pytest.approx(log_loss(y, np.clip(p, 1e-15, 1 - 1e-15)), abs=1e-9)
    assert figures["log_loss"] == pytest.approx(log_losses(p, y).mean(), abs=1e-9)
    assert figures["prevalence"] == pytest.approx(y.mean())
    ranking = ranking_figures(p, y)
    assert ranking[AUC_ROC] == pytest.approx(roc_auc_score(y, p), abs=1e-12)
    precision, recall, _ = precision_recall_curve(y, p)
    precision[-1] = precision[-2]  # scikit-learn ends the curve at precision 1
    assert ranking[AUC_PR] == pytest.approx(auc(recall, precision), abs=1e-12)
    assert _RankedCurve(p, y).area(np.ones(n)) == pytest.approx(ranking[AUC_PR], abs=1e-12)


@settings(max_examples=30, deadline=None)
@given(seed=SEEDS)
def test_weights_count_users_as_often_as_a_resample_draws_them(seed: int):
    p, y = sample(seed, 60)
    drawn = np.random.default_rng(seed).integers(0, 60, 60)
    if 0 < y[drawn].sum() < 60:
        weighted = _RankedCurve(p, y).area(np.bincount(drawn, minlength=60).astype(float))
        assert weighted == pytest.approx(ranking_figures(p[drawn], y[drawn])[AUC_PR], abs=1e-12)


def test_bins_are_scikit_learns_and_hold_all_users():
    rng = np.random.default_rng(1)
    p = rng.random(500)
    y = (rng.random(500) < p).astype(float)
    bins = calibration_bins(p, y, bins=10)
    observed, predicted = calibration_curve(y, p, n_bins=10, strategy="quantile")
    assert [b.observed for b in bins] == pytest.approx(observed)
    assert [b.predicted for b in bins] == pytest.approx(predicted)
    assert [b.users for b in bins] == [50] * 10
    assert all(b.lower <= b.observed <= b.upper for b in bins)
    assert expected_calibration_error(bins) < 0.1


def test_equal_scores_share_a_bin():
    bins = calibration_bins(np.array([0.2] * 30 + [0.7] * 10), np.array([0.0] * 30 + [1.0] * 10), bins=10)
    assert [(b.users, b.observed) for b in bins] == [(30, 0.0), (10, 1.0)]


@settings(max_examples=50, deadline=None)
@given(seed=SEEDS, n=st.integers(10, 300), bins=st.integers(2, 20))
def test_the_parts_of_brier_add_up(seed: int, n: int, bins: int):
    p, y = sample(seed, n)
    parts = decompose_brier(p, y, bins=bins)
    total = parts.reliability - parts.resolution + parts.uncertainty + parts.within_bins
    assert total == pytest.approx(brier_score_loss(y, p), abs=1e-12)
    assert min(parts.reliability, parts.resolution, parts.uncertainty) >= 0


def test_a_perfect_score_exceeds_the_error_of_chance_as_rarely_as_it_says():
    rng = np.random.default_rng(2)
    exceeded = 0
    for _ in range(100):
        p = rng.beta(2, 2, 200)
        error = expected_calibration_error(calibration_bins(p, (rng.random(200) < p).astype(float), bins=10))
        exceeded += error > calibration_error_by_chance(p, bins=10, rounds=100, seed=7)
    assert exceeded <= 12  # 5 in 100 expected; more than 12 has a probability below .002


@settings(max_examples=50, deadline=None)
@given(seed=SEEDS, steps=st.integers(1, 20))
def test_gains_end_with_everybody_and_lift_is_precision_by_prevalence(seed: int, steps: int):
    p, y = sample(seed)
    gains = measure_gains(p, y, steps=steps)
    assert (gains[-1].share, gains[-1].captured, gains[-1].lift) == (1, 1, pytest.approx(1))
    for gain in gains:
        best = np.sort(p)[::-1][gain.users - 1]
        assert gain.users == (p >= best).sum()
        assert gain.captured == pytest.approx(y[p >= best].sum() / y.sum())
        assert gain.lift == pytest.approx(gain.precision / y.mean())
        assert gain.lower <= gain.precision <= gain.upper


def test_the_threshold_of_costs_is_the_cheapest_of_a_calibrated_score():
    rng = np.random.default_rng(3)
    p = rng.beta(1, 3, 20_000)
    y = (rng.random(20_000) < p).astype(float)
    costs = {"false_alarm": 1.0, "miss": 4.0}
    ours = decide(p, y, threshold=0.2, **costs)
    others = [decide(p, y, threshold=t, **costs).cost for t in (0.1, 0.15, 0.25, 0.3, 0.5)]
    assert ours.cost < min(others)
    assert ours.cost < min(ours.cost_of_all, ours.cost_of_none)
    assert decide(p, y, threshold=0.0, **costs).cost == pytest.approx(ours.cost_of_all)
    nobody = decide(p, y, threshold=1.1, **costs)
    assert (nobody.cost, nobody.precision, nobody.recall) == (pytest.approx(ours.cost_of_none), None, 0)


@pytest.mark.parametrize("metric", ["log_loss", "auc_pr"])
def test_a_better_score_is_ahead_an_equal_one_is_not(metric: str):
    rng = np.random.default_rng(4)
    p = rng.beta(1, 3, 1_000)
    y = (rng.random(1_000) < p).astype(float)
    noisy = np.clip(p + rng.normal(0, 0.2, 1_000), 0.01, 0.99)
    given = {"metric": metric, "rounds": 200, "seed": 7}
    assert compare_paired(p, noisy, y, **given).is_ahead
    assert not compare_paired(noisy, p, y, **given).is_ahead
    same = compare_paired(p, p, y, **given)
    assert (same.value, same.lower, same.upper, same.is_ahead) == (0, 0, 0, False)
    assert compare_paired(p, noisy, y, **given) == compare_paired(p, noisy, y, **given)


def test_the_interval_of_a_mean_is_about_that_of_the_normal_law():
    p, y = sample(5, 2_000)
    p = np.clip(p, 0.05, 0.95)
    gains = log_losses(np.full(2_000, y.mean()), y) - log_losses(p, y)
    found = compare_paired(p, np.full(2_000, y.mean()), y, metric="log_loss", rounds=2_000, seed=1)
    half = 1.96 * gains.std() / 2_000**0.5
    assert found.value == pytest.approx(gains.mean())
    assert (found.lower, found.upper) == pytest.approx((gains.mean() - half, gains.mean() + half), rel=0.1)


def test_a_feature_that_knows_the_future_is_named_either_way_round():
    rng = np.random.default_rng(6)
    y = (rng.random(500) < 0.3).astype(float)
    matrix = np.column_stack([rng.random(500), y + rng.normal(0, 0.1, 500), -y + rng.normal(0, 0.1, 500), y])
    found = find_suspects(matrix, y, names=("noise", "tells", "tells_backwards", "noise"), at_least=0.95)
    assert set(found) == {"tells", "tells_backwards", "noise"}  # the last is whether `noise` was known
    assert set(find_suspects(matrix[:, :3], y, names=("noise", "tells", "backwards"), at_least=0.95)) == {
        "tells",
        "backwards",
    }


def test_scores_that_know_nothing_lie_in_the_interval_of_chance():
    rng = np.random.default_rng(7)
    y = (rng.random(300) < 0.2).astype(float)
    lower, upper = chance_interval(y)
    areas = [roc_auc_score(y, rng.random(300)) for _ in range(300)]
    assert np.quantile(areas, [0.005, 0.995]) == pytest.approx([lower, upper], abs=0.04)
