"""Hidden states: against every path there is, against hmmlearn itself, and states that were planted."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hmmlearn.hmm import CategoricalHMM
from scipy.stats import binom

from segmentation.sequences.hidden import HiddenStates, choose_states, decode

START = (0.6, 0.3, 0.1)
MOVES = ((0.92, 0.07, 0.01), (0.12, 0.78, 0.10), (0.02, 0.13, 0.85))
MEANS = (0.02, 0.25, 0.65)
"""Chances of a day to be an active one, of seven."""
EMISSIONS = tuple(tuple(map(float, binom.pmf(range(8), 7, mean))) for mean in MEANS)


def model_of(start: tuple, moves: tuple, emissions: tuple) -> HiddenStates:
    return HiddenStates(start, moves, emissions, 0.0, (), 0, 0)


PLANTED = model_of(START, MOVES, EMISSIONS)


def planted(seed: int, users: int, periods: int) -> tuple[list[list[int]], list[list[int]]]:
    """Draw users' states, and the active days that they show."""
    chance = np.random.default_rng(seed)
    states, shown = [], []
    for _ in range(users):
        state, own, days = chance.choice(3, p=START), [], []
        for _ in range(int(chance.integers(3, periods))):
            own.append(int(state))
            days.append(int(chance.binomial(7, MEANS[state])))
            state = chance.choice(3, p=MOVES[state])
        states.append(own)
        shown.append(days)
    return states, shown


def every_path(model: HiddenStates, numbers: list[int]) -> dict[tuple[int, ...], float]:
    """Work out the probability of every path together with the numbers, from the definition."""
    states = range(len(model.start))
    return {
        path: model.start[path[0]]
        * math.prod(model.moves[a][b] for a, b in itertools.pairwise(path))
        * math.prod(model.emissions[state][number] for state, number in zip(path, numbers, strict=True))
        for path in itertools.product(states, repeat=len(numbers))
    }


def test_decodes_the_likeliest_path_and_its_certainty_of_all_there_are() -> None:
    chance = np.random.default_rng(3)
    sequences = [chance.integers(0, 8, size=length).tolist() for length in (1, 2, 3, 5, 6)]
    for numbers, found in zip(sequences, decode(PLANTED, sequences), strict=True):
        paths = every_path(PLANTED, numbers)
        assert tuple(found.states) == max(paths, key=paths.__getitem__)
        for at, state in enumerate(found.states):
            share = sum(p for path, p in paths.items() if path[at] == state) / sum(paths.values())
            assert found.certainty[at] == pytest.approx(share, rel=1e-9)


def test_equals_hmmlearn_on_its_own() -> None:
    _, shown = planted(seed=4, users=60, periods=12)
    machine = CategoricalHMM(n_components=3, n_features=8)
    machine.startprob_, machine.transmat_, machine.emissionprob_ = map(np.array, (START, MOVES, EMISSIONS))
    for numbers, found in zip(shown, decode(PLANTED, shown), strict=True):
        column = np.array(numbers)[:, None]
        assert found.states.tolist() == machine.decode(column)[1].tolist()
        of_all = machine.predict_proba(column)
        assert found.certainty == pytest.approx(of_all[range(len(numbers)), found.states], rel=1e-9)


def test_finds_the_states_that_were_planted() -> None:
    states, shown = planted(seed=5, users=200, periods=30)
    found = choose_states(shown, most=4, greatest=7)
    assert int(np.argmin(found.bics)) == 2
    assert len(found.bics) == 4
    assert np.array(found.start) == pytest.approx(START, abs=0.1)
    assert np.array(found.moves) == pytest.approx(np.array(MOVES), abs=0.05)
    assert np.array(found.emissions) == pytest.approx(np.array(EMISSIONS), abs=0.05)
    decoded, knowing = (np.concatenate([one.states for one in decode(m, shown)]) for m in (found, PLANTED))
    true = np.concatenate(states)
    by_period = np.array(EMISSIONS).argmax(axis=0)[np.concatenate(shown)]  # each period by itself
    assert (decoded == true).mean() > (knowing == true).mean() - 0.01
    assert (decoded == true).mean() > (by_period == true).mean() + 0.01


def test_one_state_is_enough_where_nothing_is_hidden() -> None:
    chance = np.random.default_rng(6)
    found = choose_states([chance.binomial(7, 0.3, size=15).tolist() for _ in range(100)], most=3, greatest=7)
    assert (len(found.start), found.moves) == (1, ((1.0,),))
    assert found.means[0] == pytest.approx(2.1, abs=0.1)


def test_bic_is_that_of_the_definition_and_the_fit_always_the_same() -> None:
    _, shown = planted(seed=7, users=40, periods=12)
    found, again = (choose_states(shown, most=2, greatest=7) for _ in range(2))
    assert found == again
    assert found.version == again.version
    states, periods = len(found.start), sum(map(len, shown))
    free = states - 1 + states * (states - 1) + states * 7
    assert min(found.bics) == pytest.approx(-2 * found.log_likelihood + free * math.log(periods), rel=1e-12)
    likelihood = sum(math.log(sum(every_path(found, numbers).values())) for numbers in shown if len(numbers) < 7)
    short = [numbers for numbers in shown if len(numbers) < 7]
    machine = CategoricalHMM(n_components=states, n_features=8)
    machine.startprob_, machine.transmat_, machine.emissionprob_ = map(
        np.array, (found.start, found.moves, found.emissions)
    )
    joined = np.concatenate(short)[:, None]
    assert machine.score(joined, list(map(len, short))) == pytest.approx(likelihood, rel=1e-9)


def test_numbers_that_the_sample_lacks_stay_possible() -> None:
    found = choose_states([[0, 0, 1, 1, 0, 0], [0, 1, 1, 0]] * 10, most=2, greatest=7)
    assert min(min(row) for row in found.emissions) > 0
    assert len(decode(found, [[7, 0]])[0].states) == 2
    assert list(found.means) == sorted(found.means)


def test_nothing_to_decode() -> None:
    assert decode(PLANTED, []) == []
