"""Segments over time: which segment of a new model is which of the model in use."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import chain, count
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from pyspark.ml.stat import Summarizer
from pyspark.sql import functions as F
from scipy.optimize import linear_sum_assignment
from sklearn.metrics import pairwise_distances

from segmentation.evaluation.agreement import adjusted_rand_index, jaccard_matrix
from segmentation.models.methods.method import PREDICTION
from segmentation.models.preparation import SCALED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from pyspark.ml import PipelineModel
    from pyspark.sql import DataFrame

    from segmentation.models.clustering import Segment

KEPT, SPLIT, MERGED, NEW, GONE = "kept", "split", "merged", "new", "gone"
HALF = 0.5
"""Of members: two segments are the same from a Jaccard of one half on (below, Hennig 2007 calls a cluster dissolved);
a part of one segment, or its heir, is what has at least half of its members from there, or of that one's members."""
FAR = 1e6
"""In place of the distance to a segment without users."""
TIE = 1e-6
"""Weight of the centroids beside the members: they only decide between equal ones."""


class Flows(NamedTuple):
    """Numbers of users in each pair of segments of two models, and distances of the segments."""

    users: NDArray[np.int_]
    """Previous segments in rows, present ones in columns."""
    distances: NDArray[np.float64]
    """Between their centroids over these users, in standard deviations of each feature of the present model."""


@dataclass(frozen=True)
class Match:
    """Successor of a previous segment, or origin of a present one."""

    previous: Segment | None
    current: Segment | None
    verdict: str
    jaccard: float | None
    """Users in both over users in either."""
    distance: float | None
    """Between the centroids."""
    same_by_centroids: bool | None
    """Whether matching centroids alone, without members, would pair the two as well."""


@dataclass(frozen=True)
class Comparison:
    """Two models on the same users."""

    matches: tuple[Match, ...]
    flows: NDArray[np.int_]
    adjusted_rand: float


def count_segment_flows(
    users: DataFrame,
    *,
    previous: tuple[PipelineModel, Sequence[Segment]],
    current: tuple[PipelineModel, Sequence[Segment]],
) -> Flows:
    """Put the same users into the segments of both models.

    Grain: a user with the features of both -> a small table. One pass; a row per pair of segments reaches the driver.
    A previous segment without users now has an infinite distance to all.
    """
    now = current[0].transform(users)
    placed = now.select(*users.columns, F.col(SCALED).alias("_space"), F.col(PREDICTION).alias("_current"))
    both = previous[0].transform(placed).select(F.col(PREDICTION).alias("_previous"), "_current", "_space")
    means = F.count(F.lit(1)).alias("n"), Summarizer.mean(F.col("_space")).alias("mean")
    rows = both.groupBy("_previous", "_current").agg(*means).orderBy("_previous", "_current").collect()
    before, after = _places(previous[1]), _places(current[1])
    counts = np.zeros((len(before), len(after)), dtype=np.int_)
    sums = np.zeros((len(before), len(after), len(rows[0]["mean"]))) if rows else np.zeros((*counts.shape, 1))
    for row in rows:
        place = before[row["_previous"]], after[row["_current"]]
        counts[place] = row["n"]
        sums[place] = row["n"] * np.array(row["mean"])
    return Flows(counts, _distances(counts, sums))


def match_successors(previous: Sequence[Segment], current: Sequence[Segment], *, flows: Flows) -> Comparison:
    """Pair the segments of two models one to one, and say what became of the others.

    The pairs have the most in common over all: the greatest sum of Jaccard similarities of members (the Hungarian
    method: Kuhn 1955, as scipy's), of equal sums the nearer centroids. Verdicts:

    - kept: a pair with a Jaccard of at least one half.
    - merged: at least half of the members of each of several previous segments are in a present one, or of one in a
      present segment that is another's.
    - split: at least half of a present segment comes from a previous one, of which it is a part.
    - new, gone: neither.
    """
    before, after = list(previous), list(current)
    jaccard = jaccard_matrix(flows.users)
    near = np.nan_to_num(flows.distances, posinf=FAR)
    pairs = set(zip(*map(list, linear_sum_assignment(-jaccard + TIE * near / (1 + near))), strict=True))
    by_centroids = set(zip(*map(list, linear_sum_assignment(near)), strict=True))
    verdicts = _verdicts(flows.users, {pair for pair in pairs if jaccard[pair] >= HALF})
    matches = tuple(
        Match(
            previous=None if i is None else before[i],
            current=None if j is None else after[j],
            verdict=verdict,
            jaccard=None if i is None or j is None else float(jaccard[i, j]),
            distance=None if i is None or j is None else _finite(flows.distances[i, j]),
            same_by_centroids=None if i is None or j is None else (i, j) in by_centroids,
        )
        for i, j, verdict in verdicts
    )
    return Comparison(matches, flows.users, adjusted_rand_index(flows.users))


def carry_identities(segments: Sequence[Segment], matches: Sequence[Match]) -> tuple[Segment, ...]:
    """Give segments that were kept the id and name they had; a new name that is then taken gets a number."""
    kept = {m.current.cluster_id: m.previous for m in matches if m.verdict == KEPT and m.current and m.previous}
    taken = {previous.segment_name for previous in kept.values()}
    carried = []
    for segment in segments:
        before = kept.get(segment.cluster_id)
        identity = segment.segment_id if before is None else before.segment_id
        name = _unused(segment.segment_name, taken) if before is None else before.segment_name
        taken.add(name)
        carried.append(replace(segment, segment_id=identity, segment_name=name))
    return tuple(carried)


def _unused(name: str, taken: set[str]) -> str:
    numbered = chain([name], (f"{name} ({number})" for number in count(2)))
    return next(candidate for candidate in numbered if candidate not in taken)


def _finite(distance: float) -> float | None:
    return float(distance) if np.isfinite(distance) else None


def _verdicts(users: NDArray[np.int_], kept: set[tuple[int, int]]) -> list[tuple[int | None, int | None, str]]:
    """Return (previous, current, verdict): the kept ones, then every other present segment, then what else became."""
    found: list[tuple[int | None, int | None, str]] = [(i, j, KEPT) for i, j in sorted(kept)]
    heirs, parts = _shares(users, axis=1) >= HALF, _shares(users, axis=0) >= HALF
    for j in sorted(set(range(users.shape[1])) - {j for _, j in kept}):
        sources = [i for i in np.flatnonzero(heirs[:, j]).tolist() if i not in {i for i, _ in kept}]
        if len(sources) > 1:
            found += [(i, j, MERGED) for i in sources]
        elif parts[:, j].any():
            found.append((int(parts[:, j].argmax()), j, SPLIT))
        else:
            found.append((None, j, NEW))
    for i in sorted(set(range(users.shape[0])) - {i for i, _, _ in found if i is not None}):
        into = np.flatnonzero(heirs[i]).tolist()
        found.append((i, into[0], MERGED) if into else (i, None, GONE))
    return found


def _shares(users: NDArray[np.int_], axis: int) -> NDArray[np.float64]:
    totals = users.sum(axis=axis, keepdims=True)
    return np.divide(users, totals, out=np.zeros(users.shape), where=totals > 0)


def _places(segments: Sequence[Segment]) -> dict[int, int]:
    return {segment.cluster_id: place for place, segment in enumerate(segments)}


def _distances(counts: NDArray[np.int_], sums: NDArray[np.float64]) -> NDArray[np.float64]:
    before, after = _means(sums.sum(axis=1), counts.sum(axis=1)), _means(sums.sum(axis=0), counts.sum(axis=0))
    distances = np.full(counts.shape, np.inf)
    known = np.ix_(~np.isnan(before[:, 0]), ~np.isnan(after[:, 0]))
    if distances[known].size:
        distances[known] = pairwise_distances(before[known[0].ravel()], after[known[1].ravel()])
    return distances


def _means(sums: NDArray[np.float64], counts: NDArray[np.int_]) -> NDArray[np.float64]:
    return np.divide(sums, counts[:, None], out=np.full(sums.shape, np.nan), where=counts[:, None] > 0)
