"""Clusters that are there are found, and where there are none none are: planted users and noise of many kinds."""

from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.distance import pdist
from sklearn.cluster import AgglomerativeClustering, KMeans
from sklearn.datasets import load_iris, make_blobs
from sklearn.metrics import adjusted_rand_score, davies_bouldin_score, silhouette_score

from segmentation.models import methods
from segmentation.models.evidence import Sample, Trial, gather_trials, rank
from segmentation.models.methods.dbscan import group
from segmentation.models.methods.micro import MicroClusters
from segmentation.models.methods.ward import merge
from segmentation.models.params import ClusterParams

FEW = ClusterParams(k_max=6, bootstraps=12, reference_draws=6, methods=("kmeans", "ward"), spaces=("scaled",))


def standardise(points):
    return (points - points.mean(axis=0)) / points.std(axis=0, ddof=1)


def try_out(points, params: ClusterParams = FEW) -> tuple[Trial, ...]:
    return gather_trials(Sample(standardise(points), len(points)), params=params)


NOISE = {
    "round": lambda rng, n: rng.normal(size=(n, 4)),
    "correlated": lambda rng, n: rng.normal(size=(n, 4)) @ rng.normal(size=(4, 4)),
    "uniform": lambda rng, n: rng.uniform(size=(n, 3)),
    "amounts": lambda rng, n: np.log1p(rng.exponential(20, size=(n, 4))),
    "counts": lambda rng, n: np.log1p(rng.negative_binomial(0.5, 0.05, size=(n, 4))),
}


@pytest.mark.parametrize("kind", NOISE)
def test_noise_has_no_structure(kind: str):
    trials = try_out(NOISE[kind](np.random.default_rng(11), 300))
    assert len(trials) == 2 * 5
    assert rank(trials) == ()
    assert all(trial.flaws for trial in trials)


PLANTED = {
    "three apart": ([100, 100, 100], 2, 0.8, 3),
    "four that touch": ([80, 80, 80, 80], 5, 2.0, 4),
    "of many sizes": ([200, 100, 40, 10], 4, 1.0, 3),
    "five in ten dimensions": ([70] * 5, 10, 2.5, 2),
}


@pytest.mark.parametrize("case", PLANTED)
def test_planted_segments_are_found_as_well_as_by_scikit_learn(case: str):
    sizes, dimensions, spread, seed = PLANTED[case]
    points, truth = make_blobs(sizes, n_features=dimensions, cluster_std=spread, random_state=seed)
    best = rank(try_out(points))[0]
    scaled = standardise(points)
    k_means = KMeans(len(sizes), n_init=10, random_state=0).fit_predict(scaled)
    ward = AgglomerativeClustering(len(sizes)).fit_predict(scaled)
    theirs = max(adjusted_rand_score(truth, found) for found in (k_means, ward))
    assert best.k == len(sizes)
    assert adjusted_rand_score(truth, best.labels) >= theirs - 0.02
    assert min(best.jaccard) >= 0.75


@pytest.mark.parametrize("dimensions", [2, 20])
def test_segments_that_overlap_are_told_apart_less_and_never_split(dimensions: int):
    """Four of 60, 27, 10 and 3 %, the nearest two 10, 3.2 and 2.3 standard deviations apart (docs/clusters.md)."""
    centres = np.random.default_rng(11).normal(size=(4, dimensions))
    centres *= 8 / pdist(centres).min()
    found = []
    for spread in (0.8, 2.5, 3.5):
        points, _ = make_blobs([180, 80, 30, 10], centers=centres, cluster_std=spread, random_state=11)
        ranked = rank(try_out(points))
        found.append(ranked[0].k if ranked else 1)
    assert found == sorted(found, reverse=True)
    assert found[0] in (3, 4)
    assert found[-1] <= 2


def test_a_segment_too_small_to_count_is_ruled_out_by_its_share():
    points, _ = make_blobs([200, 200, 3], n_features=3, cluster_std=0.5, random_state=3)
    by_k = {trial.k: trial for trial in try_out(points) if trial.method == "ward"}
    assert "0.74%" in by_k[3].flaws[0]
    assert by_k[3].silhouette.value > by_k[3].reference.limit


def test_figures_are_scikit_learns_and_iris_has_two_clusters_that_hold():
    points = standardise(load_iris().data)
    trials = try_out(points)
    for trial in trials:
        assert trial.silhouette.value == pytest.approx(silhouette_score(points, trial.labels), abs=1e-9)
        assert trial.davies_bouldin == pytest.approx(davies_bouldin_score(points, trial.labels), abs=1e-9)
        assert trial.silhouette.exact
    k_means = {trial.k: trial.cost for trial in trials if trial.method == "kmeans"}
    for k, cost in k_means.items():
        assert cost == pytest.approx(KMeans(k, n_init=3, max_iter=30, random_state=7).fit(points).inertia_)
    assert rank(trials)[0].k == 2


def test_a_sample_states_its_error():
    trials = gather_trials(Sample(standardise(load_iris().data), 15_000), params=FEW)
    assert not trials[0].silhouette.exact
    assert 0.005 < trials[0].silhouette.standard_error < 0.05


def test_the_methods_are_those_of_the_folder():
    folder = Path(methods.__file__).parent
    files = {path.stem for path in folder.glob("*.py")} - {"__init__", "method", "micro"}
    assert [method.__name__.rsplit(".", 1)[-1] for method in methods.ALL] == sorted(files)
    everything = set(methods.METHODS)
    assert everything == set(ClusterParams.model_fields["methods"].annotation.__args__[0].__args__)


def test_ward_on_weighted_centres_is_ward_on_the_points_they_stand_for():
    rng = np.random.default_rng(8)
    centres, weights = rng.normal(size=(40, 3)), rng.integers(1, 20, size=40)
    for k in (2, 3, 7):
        everybody = AgglomerativeClustering(k).fit_predict(np.repeat(centres, weights, axis=0))
        ours = np.repeat(merge(MicroClusters(centres, weights), k), weights)
        assert adjusted_rand_score(everybody, ours) == 1


def test_dbscan_finds_rings_that_centres_cannot_tell_apart_and_leaves_nobody_out():
    rng = np.random.default_rng(1)
    angle, radius = rng.uniform(0, 2 * np.pi, 600), np.repeat([1.0, 5.0], 300)
    rings = np.c_[radius * np.cos(angle), radius * np.sin(angle)]
    params = ClusterParams(micro_clusters=100)
    method = methods.METHODS["dbscan"]
    found = [method.label(rings, reach, params=params) for reach in (0.8, 1.5)]
    assert max(adjusted_rand_score(radius, labels) for labels in found) > 0.95
    assert all(len(labels) == 600 and labels.min() == 0 for labels in found)
    sparse = MicroClusters(np.array([[0.0], [10.0], [20.0]]), np.array([1, 1, 1]))
    assert len(group(sparse, 1.0, params=ClusterParams(density_share=0.4))) == 0
