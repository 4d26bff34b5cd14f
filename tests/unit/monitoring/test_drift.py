"""Drift of samples: parity with scipy, the change taken apart, planted changes, no more alarms than stated."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import jensenshannon
from scipy.stats import binomtest, ks_2samp

from segmentation.evaluation.distributions import compare
from segmentation.evaluation.params import FeatureReportParams
from segmentation.monitoring.alerts import judge_drift, sort_alerts
from segmentation.monitoring.drift import Drift, measure_drift
from segmentation.monitoring.params import MonitoringParams
from segmentation.monitoring.subjects import choose_features

USERS = 500
NAMES = tuple(f"f{i}" for i in range(4))
PARAMS = MonitoringParams()


def users(rng: np.random.Generator, n: int = USERS, **shifts: float) -> pd.DataFrame:
    frame = pd.DataFrame(rng.normal(0.0, 1.0, (n, len(NAMES))), columns=NAMES)
    for name, shift in shifts.items():
        frame[name] += shift
    return frame.assign(segment=rng.integers(0, 3, n))


def compared(before: pd.DataFrame, now: pd.DataFrame) -> dict[str, Drift]:
    subjects = {name: name for name in before.columns if name != "segment"}
    return {one.scope: one for one in measure_drift(before, now, subjects=subjects, segment="segment")}


def test_figures_are_those_of_scipy_and_of_the_feature_report() -> None:
    rng = np.random.default_rng(3)
    before, now = users(rng), users(rng, f0=0.4)
    found = compared(before, now)["f0"]
    theirs = ks_2samp(before["f0"], now["f0"], method="asymp")
    assert (found.ks, found.p_value) == pytest.approx((theirs.statistic, theirs.pvalue), rel=1e-12)
    assert found.psi == compare(before["f0"], now["f0"], params=FeatureReportParams()).psi
    deciles = np.percentile(before["f0"], range(10, 100, 10))
    shares = [
        (np.append(np.histogram(side, [-np.inf, *deciles, np.inf])[0], 0) + 0.5) / (USERS + 5.5)
        for side in (before["f0"], now["f0"])
    ]
    assert found.js_distance == pytest.approx(jensenshannon(*shares, base=2), rel=1e-12)


def test_other_shares_of_segments_are_mix_and_other_values_are_within() -> None:
    value = {"a": [0.0, 1.0, 2.0], "b": [10.0, 11.0, 12.0]}

    def frame(a: int, b: int, shift: float = 0.0) -> pd.DataFrame:
        rows = [(v + shift, s) for s, n in (("a", a), ("b", b)) for _ in range(n) for v in value[s]]
        return pd.DataFrame(rows, columns=["f0", "segment"])

    mixed = compared(frame(30, 10), frame(10, 30))["f0"]
    assert mixed.split.within_effect == 0.0
    assert mixed.split.mix_effect == pytest.approx(mixed.mean_now - mixed.mean_before) == 5.0
    assert mixed.split.psi_mix == pytest.approx(mixed.psi)
    assert mixed.split.psi_within == pytest.approx(0.0, abs=1e-12)
    changed = compared(frame(30, 10), frame(30, 10, shift=3.0))["f0"]
    assert (changed.split.mix_effect, changed.split.psi_mix) == (0.0, 0.0)
    assert (changed.split.within_effect, changed.split.psi_within) == (3.0, changed.psi)


def test_both_effects_add_up_to_the_change_of_the_mean_with_nulls_and_new_segments() -> None:
    rng = np.random.default_rng(5)
    before, now = users(rng), users(rng, 300, f0=1.0)
    now.loc[now["segment"] == 0, "segment"] = 7  # one segment is gone, one is new
    before.loc[::3, "f0"] = np.nan
    found = compared(before, now)["f0"]
    total = found.split.mix_effect + found.split.within_effect
    assert total == pytest.approx(now["f0"].mean() - before["f0"].mean(), rel=1e-12)


def test_nulls_are_a_value_of_their_own() -> None:
    before = pd.DataFrame({"f0": [1.0, 2.0] * 200, "segment": 0})
    now = before.assign(f0=[1.0, np.nan] * 200)
    found = compared(before, now)["f0"]
    assert found.ks == 0.5
    assert found.q_value < 1e-6
    nobody = compared(before.assign(f0=np.nan), now)["f0"]
    assert (nobody.mean_before, nobody.split.mix_effect, nobody.ks) == (None, None, 0.5)
    assert compared(before, before.iloc[:0]) == {}


def test_without_change_as_many_cuts_alert_as_the_rate_says() -> None:
    rng = np.random.default_rng(11)
    level, cuts = 0.05, 300
    alerting = sum(min(one.q_value for one in compared(users(rng), users(rng)).values()) <= level for _ in range(cuts))
    assert binomtest(alerting, cuts, level).pvalue > 0.001, alerting


@pytest.mark.parametrize(("shift", "power"), [(0.3, 0.75), (0.5, 1.0)])
def test_a_planted_shift_is_found_with_the_power_that_the_page_states(shift: float, power: float) -> None:
    rng, cuts = np.random.default_rng(13), 100
    found = [compared(users(rng), users(rng, f0=shift)) for _ in range(cuts)]
    hits = sum(one["f0"].q_value <= PARAMS.false_discovery_rate for one in found)
    assert binomtest(hits, cuts, power).pvalue > 0.001, hits
    others = sum(one[name].q_value <= PARAMS.false_discovery_rate for one in found for name in NAMES[1:])
    assert others <= 0.05 * cuts


def test_an_alert_needs_chance_and_threshold_to_be_exceeded() -> None:
    rng = np.random.default_rng(17)
    big = list(compared(users(rng, 20_000), users(rng, 20_000, f0=0.1, f1=1.0)).values())
    assert {one.scope for one in big if one.q_value <= PARAMS.false_discovery_rate} == {"f0", "f1"}
    alerts = sort_alerts(judge_drift(big, params=PARAMS))
    assert [(a.metric, a.scope) for a in alerts] == [("psi", "f1")]  # f0 has moved, but little
    few = compared(users(rng, 12), users(rng, 12))
    assert max(one.psi for one in few.values()) > PARAMS.psi_max
    assert sort_alerts(judge_drift(few.values(), params=PARAMS)) == []
    everything = PARAMS.model_copy(update={"js_distance_max": 0.1, "ks_max": 0.1})
    assert [a.metric for a in sort_alerts(judge_drift(big, params=everything))] == ["js_distance", "ks", "psi"]
    nothing = judge_drift(big, params=PARAMS.model_copy(update={"psi_max": None}))
    assert {one.status for one in nothing} == {"info"}


def test_features_without_a_window_or_with_one_longer_than_the_history_are_left_out() -> None:
    read = ("value_sum_life", "sessions_count_30d", "days_since_last_event", "sessions_count_90d")
    assert choose_features(read, given=(), history_days=60) == (
        ("days_since_last_event", "sessions_count_30d"),
        ("sessions_count_90d",),
    )
    assert choose_features(read, given=("value_sum_life",), history_days=1) == (("value_sum_life",), ())
