import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.datasets import make_blobs

from segmentation.evaluation.reference import reference_silhouettes
from segmentation.evaluation.stability import bootstrap_jaccard


def k_means(points, k):
    return KMeans(k, n_init=3, random_state=0).fit_predict(points)


def lump(n=200):
    return np.random.default_rng(2).normal(size=(n, 2))


def test_clusters_far_apart_come_back_and_halves_of_one_lump_do_not():
    points, labels = make_blobs([60, 30, 10], centers=[[0, 0], [9, 0], [0, 9]], cluster_std=0.5, random_state=5)
    found = bootstrap_jaccard(points, labels, cluster=lambda p: k_means(p, 3), draws=20, seed=1)
    assert found == pytest.approx([1, 1, 1], abs=0.01)
    halves = bootstrap_jaccard(lump(), k_means(lump(), 5), cluster=lambda p: k_means(p, 5), draws=20, seed=1)
    assert halves.min() < 0.6


def test_one_draw_is_what_sets_of_the_drawn_points_say():
    points = np.arange(12.0).reshape(-1, 1)
    labels = np.repeat([0, 1, 2], 4)
    found = bootstrap_jaccard(points, labels, cluster=lambda p: (p[:, 0] >= 6).astype(int), draws=1, seed=3)
    drawn = set(np.random.default_rng(3).integers(12, size=12).tolist())
    again = [{i for i in drawn if i < 6}, {i for i in drawn if i >= 6}]
    for label in range(3):
        own = {i for i in drawn if labels[i] == label}
        assert found[label] == max(len(own & other) / len(own | other) for other in again)


def test_a_method_that_finds_nothing_again_scores_nothing():
    found = bootstrap_jaccard(lump(), k_means(lump(), 2), cluster=lambda _: np.array([], dtype=int), draws=3, seed=1)
    assert list(found) == [0, 0]


def test_the_reference_bounds_what_a_lump_gives_and_a_longer_one_divides_better():
    long = lump() * [4, 1]
    references = {
        name: reference_silhouettes(points, ks=(2, 3), cluster=k_means, draws=8, seed=4)
        for name, points in (("round", lump()), ("long", long))
    }
    assert references["long"][2].mean > references["round"][2].mean + 0.1
    again = reference_silhouettes(long, ks=(2, 3), cluster=k_means, draws=8, seed=4)
    assert again == references["long"]
    assert references["long"][2].limit == references["long"][2].mean + 2 * references["long"][2].std
