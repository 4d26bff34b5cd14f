"""Alignment against the recursion written out, medoids against all subsets, silhouettes against scikit-learn."""

from __future__ import annotations

from functools import cache
from itertools import combinations, pairwise, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import silhouette_score

from segmentation.sequences import alignment
from segmentation.sequences.alignment import (
    choose_medoids,
    count_journey_moves,
    find_medoids,
    match,
    normalise,
    weighted_silhouette,
)
from segmentation.sequences.chain import substitution_costs

journeys = st.lists(st.text("abc", max_size=5), min_size=1, max_size=6)
COSTS = {("a", "b"): 1.5, ("b", "a"): 1.5, ("a", "c"): 0.4, ("c", "a"): 0.4}


def by_recursion(x: str, y: str, indel: float) -> float:
    @cache
    def distance(i: int, j: int) -> float:
        if not i or not j:
            return indel * (i + j)
        swap = 0.0 if x[i - 1] == y[j - 1] else COSTS.get((x[i - 1], y[j - 1]), 2.0)
        return min(distance(i - 1, j) + indel, distance(i, j - 1) + indel, distance(i - 1, j - 1) + swap)

    return distance(len(x), len(y))


@settings(max_examples=80, deadline=None)
@given(journeys, journeys, st.sampled_from([1.0, 0.6]), st.sampled_from([1, 3, 10_000]))
def test_distances_are_the_least_cost_of_turning_one_into_the_other(
    a: list[str], b: list[str], indel: float, block: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(alignment, "BLOCK", block)
        found = match(a, b, costs=COSTS, indel=indel)
    assert found == pytest.approx(np.array([[by_recursion(x, y, indel) for y in b] for x in a]))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text("abc", min_size=1, max_size=6), min_size=3, max_size=6, unique=True))
def test_normalised_distances_are_a_metric_between_0_and_1(words: list[str]) -> None:
    d = normalise(match(words, words, costs={}), words, words)
    assert (d >= 0).all()
    assert (d <= 1 + 1e-12).all()
    assert (np.diag(d) == 0).all()
    for i, j, k in product(range(len(words)), repeat=3):
        assert d[i, k] <= d[i, j] + d[j, k] + 1e-9


def test_costs_come_from_the_weighted_moves_of_the_journeys() -> None:
    words, weights = ["aab", "bc"], [3.0, 1.0]
    moves = count_journey_moves(words, weights)
    assert moves == {("a", "a"): 3, ("a", "b"): 3, ("b", "c"): 1}
    assert substitution_costs(moves)["a", "b"] == pytest.approx(1.5)
    assert set(moves) == {pair for word in words for pair in pairwise(word)}


def points(seed: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    place = generator.normal(size=(count, 2)) + 5 * generator.integers(0, 3, size=(count, 1))
    return np.linalg.norm(place[:, None] - place[None], axis=2), generator.integers(1, 5, size=count).astype(float)


@pytest.mark.parametrize("seed", range(6))
def test_medoids_are_those_that_no_swap_improves_and_mostly_the_best_of_all(seed: int) -> None:
    distances, weights = points(seed, 14)
    found = find_medoids(distances, weights, clusters=3)

    def cost(medoids: tuple[int, ...]) -> float:
        return float((distances[:, list(medoids)].min(axis=1) * weights).sum())

    best = min(cost(subset) for subset in combinations(range(14), 3))
    assert cost(found.members) <= best * 1.05
    for out, into in product(found.members, range(14)):
        assert cost(tuple(into if m == out else m for m in found.members)) >= cost(found.members) - 1e-6
    labels = distances[:, list(found.members)].argmin(axis=1)
    sizes = [weights[labels == i].sum() for i in range(3)]
    assert sizes == sorted(sizes, reverse=True)


def test_a_weighted_silhouette_is_that_of_the_copies_written_out() -> None:
    distances, weights = points(3, 20)
    labels = np.arange(20) % 3
    copies = np.repeat(np.arange(20), weights.astype(int))
    expected = silhouette_score(distances[np.ix_(copies, copies)], labels[copies], metric="precomputed")
    assert weighted_silhouette(distances, weights, labels) == pytest.approx(expected)


def test_planted_kinds_of_journeys_are_found() -> None:
    words = ["aaab", "aab", "aaaab", "bcbc", "bcb", "bcbcb", "ddd", "dd", "dddd"]
    distances = normalise(match(words, words, costs={}), words, words)
    found = choose_medoids(distances, [1.0] * 9, most=6)
    nearest = distances[:, list(found.members)].argmin(axis=1)
    assert [len(set(nearest[i : i + 3].tolist())) for i in (0, 3, 6)] == [1, 1, 1]
    assert len(found.members) == 3
    assert choose_medoids(np.zeros((4, 4)), [1.0] * 4, most=3).members == (0,)
