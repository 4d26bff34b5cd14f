"""Absorbing chains by hand and by walking them, order tests against scipy, TRATE costs by hand."""

from __future__ import annotations

import random
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2_contingency

from segmentation.sequences.chain import compare_orders, outlooks, substitution_costs

STATES = "abcd"


def test_a_gambler_reaches_the_goal_as_often_and_as_fast_as_the_books_say() -> None:
    flows = {("1", "END"): 1, ("1", "2"): 1, ("2", "1"): 1, ("2", "3"): 1, ("3", "2"): 1, ("3", "GOAL"): 1}
    found = outlooks(flows, goals=["GOAL"], end="END")
    assert [found[s].goal_probability for s in "123"] == pytest.approx([1 / 4, 2 / 4, 3 / 4])
    assert [found[s].expected_steps for s in "123"] == pytest.approx([3, 4, 3])
    # those who win, of i with N = 4: (N^2 - i^2) / 3
    assert [found[s].steps_to_goal for s in "123"] == pytest.approx([5, 4, 7 / 3])
    assert (found["GOAL"].goal_probability, found["GOAL"].expected_steps, found["GOAL"].steps_to_goal) == (1, 0, 0)
    assert (found["END"].goal_probability, found["END"].expected_steps, found["END"].steps_to_goal) == (0, 0, None)


def test_states_that_go_round_for_ever_have_no_expected_steps_and_still_a_probability() -> None:
    flows = {("a", "loop"): 1, ("a", "GOAL"): 3, ("loop", "round"): 1, ("round", "loop"): 1, ("b", "END"): 1}
    found = outlooks(flows, goals=["GOAL"], end="END")
    assert (found["a"].goal_probability, found["a"].expected_steps, found["a"].steps_to_goal) == (0.75, None, 1)
    assert (found["loop"].goal_probability, found["loop"].expected_steps, found["loop"].steps_to_goal) == (
        0,
        None,
        None,
    )
    assert (found["b"].goal_probability, found["b"].expected_steps) == (0, 1)
    never = outlooks({("a", "dead end"): 1, ("a", "END"): 1}, goals=["GOAL"], end="END")
    assert (never["dead end"].expected_steps, never["a"].expected_steps, never["a"].goal_probability) == (None, None, 0)


def test_what_happens_after_the_goal_does_not_matter() -> None:
    before = {("START", "a"): 2, ("a", "GOAL"): 1, ("a", "EXIT"): 1}
    after = {**before, ("GOAL", "a"): 7, ("GOAL", "EXIT"): 1}
    assert outlooks(after, goals=["GOAL"], end="EXIT") == outlooks(before, goals=["GOAL"], end="EXIT")


cells = st.dictionaries(
    st.tuples(st.sampled_from(STATES), st.sampled_from([*STATES, "GOAL", "EXIT"])), st.integers(1, 9), min_size=1
)


@settings(max_examples=60, deadline=None)
@given(cells)
def test_outlooks_are_the_limits_of_taking_step_after_step(flows: dict[tuple[str, str], int]) -> None:
    found = outlooks(flows, goals=["GOAL"], end="EXIT")
    names = sorted(found)
    rates = np.zeros((len(names), len(names)))
    for (a, b), n in flows.items():
        rates[names.index(a), names.index(b)] = n / sum(m for (c, _), m in flows.items() if c == a)
    for i in np.flatnonzero(rates.sum(axis=1) == 0):
        rates[i, i] = 1  # who comes where nothing leads on stays
    goal = np.array([name == "GOAL" for name in names], float)
    reached, steps = goal.copy(), np.zeros(len(names))
    inside = np.array([name not in {"GOAL", "EXIT"} for name in names], float)
    for _ in range(2_000):
        reached, steps = np.where(inside > 0, rates @ reached, goal), inside * (1 + rates @ steps)
    assert [found[name].goal_probability for name in names] == pytest.approx(list(reached), abs=1e-3)
    for name, expected in zip(names, steps, strict=True):
        if found[name].expected_steps is None:
            assert expected > 5  # grows with every step that is taken
        elif expected < 60:
            assert found[name].expected_steps == pytest.approx(expected, rel=1e-3)


def walk(generator: random.Random, memory: float) -> Counter:
    """Triples of a chain in which the state before matters for a share `memory` of the moves."""
    path = ["a", "b"]
    for _ in range(6_000):
        path.append(path[-2] if generator.random() < memory else generator.choice(STATES))
    return Counter(zip(path, path[1:], path[2:], strict=False))


def test_memory_is_found_where_there_is_some_and_is_not_where_there_is_none() -> None:
    generator = random.Random(7)
    with_memory = compare_orders(walk(generator, 0.15))
    assert with_memory.p_value < 1e-9
    assert with_memory.bic_gain > 0
    found = [compare_orders(walk(generator, 0.0)) for _ in range(100)]
    assert sum(test.p_value < 0.05 for test in found) in range(13)  # of 100, 5 expected
    assert all(test.bic_gain < 0 and test.degrees_of_freedom == 36 for test in found)


def test_the_order_test_is_a_likelihood_ratio_per_state() -> None:
    triples = walk(random.Random(3), 0.1)
    expected = [
        chi2_contingency(
            [[triples[i, j, k] for k in STATES] for i in STATES], correction=False, lambda_="log-likelihood"
        )
        for j in STATES
    ]
    found = compare_orders(triples)
    assert found.statistic == pytest.approx(sum(test.statistic for test in expected))
    assert found.degrees_of_freedom == sum(test.dof for test in expected)
    assert found.sparse_share == 0


def test_degrees_of_freedom_are_those_of_what_was_observed() -> None:
    # before x: p, q; after x: r, s; y has one state before it
    found = compare_orders({("p", "x", "r"): 9, ("q", "x", "s"): 4, ("p", "x", "s"): 0, ("r", "y", "p"): 2})
    assert found.degrees_of_freedom == 1
    assert found.sparse_share == pytest.approx(4 / 5)
    nothing = compare_orders({("p", "x", "r"): 5})
    assert (nothing.degrees_of_freedom, nothing.p_value, nothing.statistic) == (0, None, 0)


def test_trate_costs_are_two_less_the_rates_both_ways() -> None:
    costs = substitution_costs(Counter(pairwise("aabbbcab")))
    assert costs["a", "b"] == costs["b", "a"] == pytest.approx(2 - 2 / 3 - 0)
    assert costs["b", "c"] == pytest.approx(2 - 1 / 3)
    assert costs["a", "a"] == 0
