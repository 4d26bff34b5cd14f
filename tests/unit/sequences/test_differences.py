"""Tests of differences against scipy, published counts, and generated data with planted effects of known size."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import false_discovery_control, fisher_exact

from segmentation.sequences.differences import (
    choose_family,
    compare_daily_counts,
    compare_flows,
    detectable_difference,
    newcombe_interval,
    power_to_find,
)


def test_a_family_is_tested_exactly_and_together() -> None:
    a = {("x", "y"): 13, ("x", "z"): 162, ("y", "z"): 30, ("y", "x"): 30}
    b = {("x", "y"): 104, ("x", "z"): 429, ("y", "z"): 33, ("y", "x"): 27, ("y", "EXIT"): 5}
    family = [("y", "z"), ("x", "y"), ("y", "EXIT"), ("w", "y")]
    found = compare_flows(a, b, family=family)
    assert [(one.from_state, one.to_state) for one in found] == [("x", "y"), ("y", "EXIT"), ("w", "y"), ("y", "z")]
    counts = [(13, 175, 104, 533), (0, 60, 5, 65), (0, 0, 0, 0), (30, 60, 33, 65)]
    assert [(o.transitions_a, o.departures_a, o.transitions_b, o.departures_b) for o in found] == counts
    p = [fisher_exact([[n, d - n], [m, e - m]])[1] for n, d, m, e in counts]
    assert [one.p_value for one in found] == pytest.approx(p)
    assert [one.q_value for one in found] == pytest.approx(list(false_discovery_control(p)))
    assert found[0].lower < found[0].difference < found[0].upper < 0
    assert (found[2].difference, found[2].detectable) == (None, None)
    assert compare_flows(a, b, family=[]) == []
    assert choose_family(a, b, at_least=100) == (("x", "y"), ("x", "z"))


def test_the_interval_is_newcombes() -> None:
    # Newcombe (1998), table II, method 10: 56/70 - 48/80, 9/10 - 3/10, 10/10 - 0/10
    assert newcombe_interval(56, 70, 48, 80) == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-5)
    assert newcombe_interval(9, 10, 3, 10) == pytest.approx((0.6, 0.1705, 0.8090), abs=5e-5)
    assert newcombe_interval(10, 10, 0, 10) == pytest.approx((1.0, 0.6075, 1.0), abs=5e-5)


@pytest.mark.parametrize(("reference", "other"), [(0.2, 0.1), (0.2, 0.16), (0.05, 0.11), (0.5, 0.5)])
def test_planted_effects_are_found_as_often_as_the_power_says(reference: float, other: float) -> None:
    generator = np.random.default_rng(11)
    n_a, n_b, times = 175, 533, 300
    a, b = generator.binomial(n_a, other, times), generator.binomial(n_b, reference, times)
    p = [fisher_exact([[x, n_a - x], [y, n_b - y]])[1] for x, y in zip(a, b, strict=True)]
    power = power_to_find(reference=reference, other=other, departures_a=n_a, departures_b=n_b, alpha=0.05)
    assert np.mean(np.array(p) < 0.05) == pytest.approx(power, abs=0.08)


def test_what_is_detectable_has_the_power_that_was_asked_for() -> None:
    sizes = {"departures_a": 175, "departures_b": 533, "alpha": 0.05}
    gap = detectable_difference(reference=0.195, **sizes)
    powers = [power_to_find(reference=0.195, other=0.195 + sign * gap, **sizes) for sign in (1, -1)]
    assert min(powers) == pytest.approx(0.8)
    assert detectable_difference(reference=0.195, departures_a=3, departures_b=3, alpha=0.001) is None
    assert detectable_difference(reference=0.195, departures_a=0, departures_b=3, alpha=0.05) is None


def test_false_findings_are_kept_at_their_rate() -> None:
    generator = np.random.default_rng(5)
    states, family = range(8), [(f"s{i}", f"s{j}") for i in range(8) for j in range(8)]

    def flows(changed: float) -> dict[tuple[str, str], int]:
        rates = np.full((8, 8), 1 / 8)
        rates[0] += changed * np.array([1, -1, 0, 0, 0, 0, 0, 0])
        drawn = [generator.multinomial(600, rates[i]) for i in states]
        return {(f"s{i}", f"s{j}"): int(drawn[i][j]) for i in states for j in states}

    planted = {("s0", "s0"), ("s0", "s1")}
    found = [
        {
            (one.from_state, one.to_state)
            for one in compare_flows(flows(0.12), flows(0), family=family)
            if one.q_value < 0.05
        }
        for _ in range(25)
    ]
    false_share = np.mean([len(names - planted) / max(len(names), 1) for names in found])
    assert false_share < 0.09  # 0.05 and what 25 draws add
    assert np.mean([planted <= names for names in found]) > 0.9


def test_twice_the_traffic_is_found_as_often_as_its_power_says() -> None:
    generator = np.random.default_rng(2)

    def days(mean: float, count: int) -> list[int]:  # variance 1.8 times the mean
        return [int(n) for n in generator.negative_binomial(mean / 0.8, 1 / 1.8, count)]

    tests = [compare_daily_counts(days(20, 4), days(10, 20)) for _ in range(300)]
    assert np.mean([test.p_value < 0.05 for test in tests]) == pytest.approx(
        np.mean([test.power_to_double for test in tests]), abs=0.06
    )
    none = [compare_daily_counts(days(10, 4), days(10, 20)) for _ in range(300)]
    assert np.mean([test.p_value < 0.05 for test in none]) < 0.09
    assert np.mean([test.lower <= 1 <= test.upper for test in none]) > 0.91
    with pytest.raises(ValueError, match="3 days"):
        compare_daily_counts([0], [4])
