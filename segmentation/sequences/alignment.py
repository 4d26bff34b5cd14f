"""Measure distances of journeys by optimal matching, and choose medoids, on the driver, from a sample."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    Matrix = NDArray[np.float64]
    Journey = Sequence[str]
    Costs = Mapping[tuple[str, str], float]

BLOCK = 200_000
"""Pairs of journeys that are aligned at once."""
UNSEEN = 2.0
"""Cost of a substitution with a state that the costs do not have: that of two states without transitions."""


def count_journey_moves(journeys: Sequence[Journey], weights: Sequence[float]) -> dict[tuple[str, str], float]:
    """Count the transitions inside journeys, weighted, as `chain.substitution_costs` wants them."""
    moves: Counter[tuple[str, str]] = Counter()
    for journey, weight in zip(journeys, weights, strict=True):
        for pair in pairwise(journey):
            moves[pair] += weight  # type: ignore[assignment]  # a counter of weights
    return dict(moves)


def match(a: Sequence[Journey], b: Sequence[Journey], *, costs: Costs, indel: float = 1.0) -> Matrix:
    """Return the optimal matching distance of every journey of `a` to every one of `b`.

    The least sum of costs of insertions, deletions (`indel` each) and substitutions that turn one into the other.
    Memory is bounded by blocks of pairs; the time of a pair is the product of the lengths, so cap them.

    Source: A. Abbott, J. Forrest (1986), Journal of Interdisciplinary History 16; S. B. Needleman, C. D. Wunsch (1970).
    """
    states = sorted({state for journey in (*a, *b) for state in journey})
    table = np.array([[0.0 if x == y else costs.get((x, y), UNSEEN) for y in states] for x in states])
    number = {state: i for i, state in enumerate(states)}
    coded, lengths = _coded(b, number)
    distances = np.empty((len(a), len(b)))
    size = max(1, BLOCK // max(1, len(b)))
    for start in range(0, len(a), size):
        block, block_lengths = _coded(a[start : start + size], number)
        distances[start : start + size] = _match_block((block, block_lengths), (coded, lengths), table, indel)
    return distances


def normalise(distances: Matrix, a: Sequence[Journey], b: Sequence[Journey], *, indel: float = 1.0) -> Matrix:
    """Relate distances to the lengths, so that long journeys may be alike too: 0 the same, 1 nothing in common.

    2d / (indel (|a| + |b|) + d), which keeps the triangle inequality where d has it.

    Source: L. Yujian, L. Bo (2007), A normalized Levenshtein distance metric, IEEE PAMI 29(6), 1091-1095.
    """
    whole = indel * (np.array([len(x) for x in a])[:, None] + np.array([len(y) for y in b])[None, :]) + distances
    return np.divide(2 * distances, whole, out=np.zeros_like(distances), where=whole > 0)


@dataclass(frozen=True)
class Medoids:
    """A partition of journeys around typical ones."""

    members: tuple[int, ...]
    """Positions of the medoids, by the weight of their clusters, largest first."""
    silhouette: float
    """Mean silhouette width, weighted (ASWw)."""


def find_medoids(distances: Matrix, weights: Sequence[float], *, clusters: int) -> Medoids:
    """Partition around medoids: greedy build, then the best swap until none is better.

    Deterministic: of equal choices the one with the lowest position is taken, so give journeys in a fixed order.

    Args:
        distances: symmetric, of every journey to every other.
        weights: of the journeys.
        clusters: how many; at most as many as journeys that differ.

    Source: L. Kaufman, P. J. Rousseeuw (1990), Finding Groups in Data, chapter 2 (PAM).
    """
    weight = np.asarray(weights, dtype=float)
    medoids: list[int] = []
    nearest = np.full(len(weight), np.inf)
    for _ in range(clusters):
        total = (np.minimum(nearest[:, None], distances) * weight[:, None]).sum(axis=0)
        total[medoids] = np.inf
        medoids.append(int(total.argmin()))
        nearest = np.minimum(nearest, distances[:, medoids[-1]])
    while (better := _best_swap(distances, weight, medoids)) is not None:
        medoids[better[0]] = better[1]
    labels = distances[:, sorted(medoids)].argmin(axis=1)
    sizes = {medoid: float(weight[labels == i].sum()) for i, medoid in enumerate(sorted(medoids))}
    ordered = tuple(sorted(medoids, key=lambda medoid: (-sizes[medoid], medoid)))
    return Medoids(ordered, weighted_silhouette(distances, weight, labels))


def choose_medoids(distances: Matrix, weights: Sequence[float], *, most: int) -> Medoids:
    """Choose the number of clusters, from 2 to `most`, by the weighted silhouette; of equal ones the smaller.

    Journeys that are all alike, or fewer than 3, are one cluster.
    """
    apart = len(distances) - 1
    if apart < 2 or not distances.any():  # noqa: PLR2004  a silhouette needs 3 journeys
        return find_medoids(distances, weights, clusters=1)
    tried = [find_medoids(distances, weights, clusters=k) for k in range(2, min(most, apart) + 1)]
    return max(tried, key=lambda found: found.silhouette)


def weighted_silhouette(distances: Matrix, weights: Matrix, labels: NDArray[np.intp]) -> float:
    """Return the mean silhouette width where a journey stands for `weight` equal ones; 0 for one cluster.

    A journey's own copies lie at distance 0 in its cluster; alone in it, its width is 0.

    Source: M. Studer (2013), WeightedCluster library manual, LIVES Working Papers 24, section 5.1 (ASWw); P. J.
    Rousseeuw (1987).
    """
    groups = sorted(set(labels.tolist()))
    if len(groups) == 1:
        return 0.0
    member = np.array([labels == group for group in groups], dtype=float)
    sizes = member @ weights
    sums = (distances * weights[None, :]) @ member.T
    own = member.argmax(axis=0)
    rows = np.arange(len(labels))
    others = sizes[own] - 1
    inner = np.divide(sums[rows, own], others, out=np.zeros(len(labels)), where=others > 0)
    means = sums / sizes[None, :]
    means[rows, own] = np.inf
    outer = means.min(axis=1)
    scale = np.maximum(inner, outer)
    widths = np.divide(outer - inner, scale, out=np.zeros(len(labels)), where=(scale > 0) & (others > 0))
    return float(math.fsum(widths * weights) / math.fsum(weights))


def _coded(journeys: Sequence[Journey], number: Mapping[str, int]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Write journeys as rows of numbers, padded, and their lengths."""
    lengths = np.array([len(journey) for journey in journeys], dtype=np.intp)
    coded = np.zeros((len(journeys), int(lengths.max(initial=0))), dtype=np.intp)
    for row, journey in zip(coded, journeys, strict=True):
        row[: len(journey)] = [number[state] for state in journey]
    return coded, lengths


def _match_block(
    a: tuple[NDArray[np.intp], NDArray[np.intp]],
    b: tuple[NDArray[np.intp], NDArray[np.intp]],
    table: Matrix,
    indel: float,
) -> Matrix:
    """Align all pairs at once, cell by cell of the alignment's matrix."""
    (coded_a, lengths_a), (coded_b, lengths_b) = a, b
    width = coded_b.shape[1]
    edge = indel * np.arange(width + 1.0)
    above = np.broadcast_to(edge, (len(coded_a), len(coded_b), width + 1)).copy()
    columns = np.arange(len(coded_b))
    distances = np.empty((len(coded_a), len(coded_b)))
    distances[lengths_a == 0] = above[lengths_a == 0][:, columns, lengths_b]
    for i in range(coded_a.shape[1]):
        row = np.empty_like(above)
        row[:, :, 0] = indel * (i + 1)
        for j in range(width):
            swapped = above[:, :, j] + table[coded_a[:, i][:, None], coded_b[None, :, j]]
            shifted = np.minimum(above[:, :, j + 1], row[:, :, j]) + indel
            row[:, :, j + 1] = np.minimum(swapped, shifted)
        above = row
        done = lengths_a == i + 1
        distances[done] = above[done][:, columns, lengths_b]
    return distances


def _best_swap(distances: Matrix, weight: Matrix, medoids: Sequence[int]) -> tuple[int, int] | None:
    """Find the medoid and the journey in its stead that lower the weighted distance most; none where nothing does."""
    present = math.fsum(distances[:, list(medoids)].min(axis=1) * weight)
    best, least = None, present - 1e-9 * max(1.0, present)
    for position in range(len(medoids)):
        rest = [medoid for i, medoid in enumerate(medoids) if i != position]
        kept = distances[:, rest].min(axis=1) if rest else np.full(len(weight), np.inf)
        total = (np.minimum(kept[:, None], distances) * weight[:, None]).sum(axis=0)
        candidate = int(total.argmin())
        if total[candidate] < least:
            best, least = (position, candidate), float(total[candidate])
    return best
