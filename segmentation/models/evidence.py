"""Measure every candidate clustering on a sample, and choose one by a fixed rule."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import davies_bouldin_score, pairwise_distances, silhouette_samples, silhouette_score
from threadpoolctl import threadpool_limits

from segmentation.evaluation.reference import Reference, reference_silhouettes
from segmentation.evaluation.separation import Silhouette, summarise_silhouette
from segmentation.evaluation.stability import bootstrap_jaccard
from segmentation.models.methods import METHODS
from segmentation.models.methods.method import consecutive
from segmentation.models.methods.micro import Reductions

if TYPE_CHECKING:
    from segmentation.models.methods.method import Labels, Points
    from segmentation.models.params import ClusterParams

SCALED_SPACE = "scaled"
COMPONENTS_SPACE = "components"
RULE = (
    "the greatest Euclidean silhouette among the candidates whose every cluster comes back in bootstrap samples "
    "(mean Jaccard at least {jaccard}) and has a share of at least {share}, and that exceed what data without "
    "clusters give"
)


@dataclass(frozen=True)
class Trial:
    """Result of one candidate - a method in a space, at a setting - on the sample."""

    method: str
    space: str
    setting: float
    k: int
    silhouette: Silhouette
    silhouette_squared: float
    davies_bouldin: float
    cost: float
    """Sum of squared distances to the centroids, over the sample."""
    smallest_share: float
    reference: Reference
    jaccard: tuple[float, ...] | None = None
    """Of each cluster; None where another rule had ruled the candidate out."""
    flaws: tuple[str, ...] = ()
    """The rules it breaks, in words."""
    labels: Labels = field(default_factory=lambda: np.array([], dtype=np.int_), compare=False, repr=False)
    """The cluster of each sampled user."""

    @property
    def name(self) -> str:
        """Method, space and setting."""
        return f"{self.method} {self.space} {self.setting:g}"


@dataclass(frozen=True)
class Sample:
    """The users that evidence rests on."""

    points: Points
    """In the scaled space: a row per user, in the order of their ids."""
    users: int
    """Number of all users; if the sample has as many, evidence is exact."""


def rule_of(params: ClusterParams) -> str:
    """State the rule that decides, with its limits."""
    return RULE.format(jaccard=f"{params.jaccard_min:g}", share=f"{params.share_min:.1%}")


def gather_trials(sample: Sample, *, params: ClusterParams) -> tuple[Trial, ...]:
    """Measure every candidate on the sample.

    Whatever space a candidate groups in, it is judged in the scaled space, where all can be compared. Those that break
    no other rule are drawn again by bootstrap. One that groups the sample just as an earlier one of its method does is
    left out. One thread: on so few points more cost time, and sums would depend on their number. That iterations ended
    early, or that there are fewer different users than clusters, shows in the figures.
    """
    with threadpool_limits(limits=1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return tuple(_trials(sample, params, Reductions()))


def _trials(sample: Sample, params: ClusterParams, reductions: Reductions) -> Iterator[Trial]:
    points = sample.points
    distances = pairwise_distances(points)
    ks = tuple(k for k in params.ks if k < len(points))
    reference = reference_silhouettes(
        points, ks=ks, cluster=partial(_cut, params=params), draws=params.reference_draws, seed=params.seed
    )
    for method, space, setting, labels in _candidates(points, params, reductions):
        k = int(labels.max()) + 1
        if k not in reference:
            continue
        measured = _measure(sample, distances, labels, reference[k], params)
        trial = replace(measured, method=method, space=space, setting=setting)
        if trial.flaws:
            yield trial
            continue
        label = partial(METHODS[method].label, setting=setting, params=params, reductions=reductions)
        yield _draw_again(trial, space_of(points, space, params), label, params)


def rank(trials: Sequence[Trial]) -> tuple[Trial, ...]:
    """Return the trials that break no rule, greatest silhouette first; ties: fewer clusters, then their order."""
    sound = [trial for trial in trials if not trial.flaws]
    return tuple(sorted(sound, key=lambda trial: (-trial.silhouette.value, trial.k)))


def space_of(points: Points, space: str, params: ClusterParams) -> Points:
    """Return the points in the space that a candidate groups in."""
    if space == SCALED_SPACE:
        return points
    return np.asarray(PCA(n_components=components_of(points, params), svd_solver="full").fit_transform(points))


def components_of(points: Points, params: ClusterParams) -> int:
    """Return how many principal components hold `components_variance` of the variance."""
    held = np.cumsum(PCA(svd_solver="full").fit(points).explained_variance_ratio_)
    return min(int(np.searchsorted(held, params.components_variance - 1e-9)) + 1, len(held))


def _candidates(
    points: Points, params: ClusterParams, reductions: Reductions
) -> Iterator[tuple[str, str, float, Labels]]:
    for space in params.spaces:
        if space == COMPONENTS_SPACE and components_of(points, params) == points.shape[1]:
            continue  # nothing is left out: the same space, turned
        inside = space_of(points, space, params)
        for name in params.methods:
            seen = set()
            for setting in METHODS[name].settings(inside, params=params):
                if setting >= len(points):
                    continue
                labels = METHODS[name].label(inside, setting, params=params, reductions=reductions)
                if len(labels) and labels.tobytes() not in seen:
                    seen.add(labels.tobytes())
                    yield name, space, setting, labels


def _measure(sample: Sample, distances: Points, labels: Labels, reference: Reference, params: ClusterParams) -> Trial:
    """Compute everything about a grouping that needs no second look; who made it is filled in later."""
    points, sizes = sample.points, np.bincount(labels)
    centres = np.array([points[labels == label].mean(axis=0) for label in range(len(sizes))])
    trial = Trial(
        method="",
        space="",
        setting=0.0,
        k=len(sizes),
        silhouette=summarise_silhouette(silhouette_samples(distances, labels, metric="precomputed"), sample.users),
        silhouette_squared=float(silhouette_score(distances**2, labels, metric="precomputed")),
        davies_bouldin=float(davies_bouldin_score(points, labels)),
        cost=float(((points - centres[labels]) ** 2).sum()),
        smallest_share=float(sizes.min() / sizes.sum()),
        reference=reference,
        labels=labels,
    )
    return replace(trial, flaws=tuple(_flaws(trial, params)))


def _flaws(trial: Trial, params: ClusterParams) -> Iterator[str]:
    if trial.smallest_share < params.share_min:
        yield f"the smallest cluster has {trial.smallest_share:.2%} of the users"
    if trial.silhouette.value <= trial.reference.limit:
        yield f"silhouette {trial.silhouette.value:.3f}, data without clusters give {trial.reference.limit:.3f}"


def _draw_again(trial: Trial, points: Points, label: Callable[[Points], Labels], params: ClusterParams) -> Trial:
    found = bootstrap_jaccard(points, trial.labels, cluster=label, draws=params.bootstraps, seed=params.seed)
    worst = float(found.min())
    flaws = () if worst >= params.jaccard_min else (f"a cluster comes back with a Jaccard of {worst:.2f} only",)
    return replace(trial, jaccard=tuple(map(float, found)), flaws=flaws)


def _cut(points: Points, k: int, *, params: ClusterParams) -> Labels:
    model = KMeans(k, n_init=1, max_iter=params.max_iterations, random_state=params.seed)
    return consecutive(model.fit_predict(points))
