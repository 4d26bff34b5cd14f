from dataclasses import dataclass

import numpy as np
import pytest
from scipy.stats import binomtest, false_discovery_control

from segmentation.statistics import draw_resamples, percentile_interval, wilson_interval, with_q_values


@dataclass(frozen=True)
class Result:
    p_value: float
    q_value: float = 1.0


@pytest.mark.parametrize(("positives", "total"), [(0, 10), (10, 10), (3, 17), (500, 1000)])
def test_wilson_interval__as_in_scipy(positives: int, total: int):
    theirs = binomtest(positives, total).proportion_ci(0.95, method="wilson")
    assert wilson_interval(positives, total) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


def test_with_q_values__one_family():
    p_values = [0.01, 0.04, 0.03, 0.5]
    results = with_q_values([Result(p) for p in p_values])
    assert [result.p_value for result in results] == p_values
    assert [result.q_value for result in results] == list(false_discovery_control(p_values, method="bh"))


def test_with_q_values__no_test():
    assert with_q_values(list[Result]()) == []


def test_draw_resamples__same_seed():
    first, second = (np.array(list(draw_resamples(5, 3, seed=7))) for _ in range(2))
    assert first.shape == (3, 5)
    assert (first == second).all()
    assert ((first >= 0) & (first < 5)).all()


def test_percentile_interval__known_quantiles():
    assert percentile_interval([float(n) for n in range(1001)]) == pytest.approx((25.0, 975.0))
