"""Calibrators against scikit-learn, and what must hold of any calibrated score."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from segmentation.models.calibrators import ISOTONIC, PLATT, Platt, choose_calibrator, fit_isotonic, fit_platt


def scores(seed: int, n: int = 400, power: float = 2.0):
    rng = np.random.default_rng(seed)
    score = rng.uniform(0.01, 0.99, n)
    return score, (rng.random(n) < score**power).astype(float), rng.random(n)


def test_platts_sigmoid_is_scikit_learns():
    score, label, _ = scores(1)
    log_odds = np.log(score / (1 - score)).reshape(-1, 1)
    identity = LogisticRegression(C=np.inf).fit(log_odds, label)
    theirs = CalibratedClassifierCV(FrozenEstimator(identity), method="sigmoid").fit(log_odds, label)
    ours = fit_platt(score, label).apply(score)
    assert ours == pytest.approx(theirs.predict_proba(log_odds)[:, 1], abs=1e-5)


def test_isotonic_is_scikit_learns_with_one_made_up_user_at_each_end():
    score, label, _ = scores(2)
    theirs = IsotonicRegression(out_of_bounds="clip").fit([*score, score.min(), score.max()], [*label, 1, 0])
    between = np.linspace(0, 1, 501)
    assert fit_isotonic(score, label).apply(between) == pytest.approx(theirs.predict(between), abs=1e-12)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10_000), n=st.integers(20, 200), ties=st.integers(1, 3))
def test_calibrated_scores_rise_with_raw_ones_and_never_say_never(seed: int, n: int, ties: int):
    score, label, draw = scores(seed, n)
    score = np.round(score, ties)
    label[:2] = [0.0, 1.0]
    for fitted in (
        fit_platt(score, label),
        fit_isotonic(score, label),
        choose_calibrator(score, label, draw).calibrator,
    ):
        calibrated = fitted.apply(np.linspace(0, 1, 50))
        assert (np.diff(calibrated) >= -1e-12).all()
        assert calibrated.min() > 0
        assert calibrated.max() < 1


def test_a_score_that_is_the_wrong_way_round_gives_everybody_the_share():
    score, label, _ = scores(3)
    fitted = fit_platt(1 - score, label)
    assert fitted.slope == 0
    assert fitted.apply(np.array([0.1, 0.9])) == pytest.approx([label.mean()] * 2, abs=0.01)


def test_platt_wins_where_a_sigmoid_is_true_and_isotonic_where_none_is():
    rng = np.random.default_rng(4)
    score, draw = rng.uniform(0.01, 0.99, 1_000), rng.random(1_000)
    by_sigmoid = (rng.random(1_000) < Platt(0.7, -1.0).apply(score)).astype(float)
    steps = (rng.random(1_000) < np.where(score < 0.8, 0.05, np.where(score < 0.9, 0.5, 0.95))).astype(float)
    assert choose_calibrator(score, by_sigmoid, draw).method == PLATT
    found = choose_calibrator(score, steps, draw)
    assert found.method == ISOTONIC
    assert found.held_out[ISOTONIC] < found.held_out[PLATT]


def test_a_handful_of_users_is_calibrated_by_two_numbers():
    found = choose_calibrator(np.array([0.1, 0.5, 0.9]), np.array([0.0, 0.0, 1.0]), np.array([0.3, 0.1, 0.2]))
    assert (found.method, found.held_out) == (PLATT, {})
