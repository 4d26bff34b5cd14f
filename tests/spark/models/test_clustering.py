import random
from dataclasses import replace

import numpy as np
import pytest
from pyspark.ml import PipelineModel
from pyspark.ml.feature import SQLTransformer
from pyspark.ml.functions import array_to_vector
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from sklearn.datasets import make_blobs
from sklearn.metrics import adjusted_rand_score

from segmentation.errors import ConfigurationError, DataError
from segmentation.models.clustering import ClusterFit, assign_clusters, fit_clusters, silhouettes_of
from segmentation.models.identity import count_segment_flows
from segmentation.models.inputs import select_cut
from segmentation.models.methods import METHODS
from segmentation.models.methods.method import PREDICTION
from segmentation.models.params import ClusterParams
from segmentation.models.preparation import SCALED

pytestmark = pytest.mark.spark

FEATURES = ("days_since_last_event", "value_sum_life", "always_one", "never_known")
PARAMS = ClusterParams(
    features=FEATURES, k_min=2, k_max=4, clip_lower=0.02, clip_upper=0.98,
    bootstraps=10, reference_draws=5, methods=("kmeans", "ward"), micro_clusters=20, restarts=2,
)  # fmt: skip
SCHEMA = "user_id STRING, " + ", ".join(f"{name} DOUBLE" for name in FEATURES)


def planted(seed: int = 1) -> list[tuple]:
    """Three groups: recent spenders, recent non-spenders, lapsed; one extreme spender, some values unknown."""
    rng = random.Random(seed)
    groups = {"a": (2, 900), "b": (3, 4), "c": (200, 5)}
    rows = []
    for name, (days, value) in groups.items():
        for i in range(20):
            known = days * rng.uniform(0.8, 1.2) if i else None
            rows.append((f"{name}{i:02d}", known, value * rng.uniform(0.8, 1.2), 1.0, None))
    rows[5] = (*rows[5][:2], 1e9, 1.0, None)
    return rows


@pytest.fixture(scope="module")
def users(spark: SparkSession):
    return spark.createDataFrame(planted(), SCHEMA).cache()


@pytest.fixture(scope="module")
def fit(users: DataFrame):
    return fit_clusters(users, params=PARAMS, fingerprint="f")


def test_planted_groups_are_found_and_named(users: DataFrame, fit: ClusterFit):
    placed = (
        assign_clusters(users, pipeline=fit.pipeline, segments=fit.segments)
        .where(F.col("days_since_last_event").isNotNull())
        .collect()
    )
    clusters = {group: {row["cluster_id"] for row in placed if row["user_id"][0] == group} for group in "abc"}
    assert fit.chosen.k == 3
    assert all(len(found) == 1 for found in clusters.values())
    names = {segment.cluster_id: segment.segment_name for segment in fit.segments}
    assert "high-value" in names[clusters["a"].pop()]
    assert "lapsed" in names[clusters["c"].pop()]
    assert sum(segment.users for segment in fit.segments) == 60


def test_the_chosen_candidate_has_the_highest_silhouette_of_those_that_keep_to_the_rules(fit: ClusterFit):
    assert [trial.k for trial in fit.trials if trial.method == "kmeans"] == [2, 3, 4]
    sound = [trial.silhouette.value for trial in fit.trials if not trial.flaws]
    assert fit.chosen.silhouette.value == max(sound)
    assert fit.separation.silhouette.value == pytest.approx(fit.chosen.silhouette.value)
    assert fit.separation.agreement == 1
    assert all(segment.jaccard >= 0.75 for segment in fit.segments)


def test_features_that_tell_nothing_apart_are_left_out(fit: ClusterFit):
    assert fit.features == ("days_since_last_event", "value_sum_life")
    assert fit.left_out == {
        "always_one": "constant (1) within the clipping percentiles",
        "never_known": "null throughout",
    }


def test_distance_and_margin_are_those_to_the_centres(users: DataFrame, fit: ClusterFit):
    placed = assign_clusters(users, pipeline=fit.pipeline, segments=fit.segments).collect()
    vectors = np.array([row[SCALED] for row in placed])
    clusters = np.array([row["cluster_id"] for row in placed])
    centres = np.array([vectors[clusters == c].mean(axis=0) for c in range(3)])
    for row, vector in zip(placed, vectors, strict=True):
        apart = np.linalg.norm(centres - vector, axis=1)
        others = np.delete(apart, row["cluster_id"])
        assert row["distance"] == pytest.approx(apart[row["cluster_id"]], abs=1e-9)
        assert row["margin"] == pytest.approx(others.min() - row["distance"], abs=1e-9)
        assert row["outlier"] == (row["distance"] > fit.segments[row["cluster_id"]].reach)


def test_whoever_lies_far_out_is_flagged_and_keeps_a_segment(users: DataFrame, fit: ClusterFit):
    tight = [replace(segment, reach=segment.reach / 10) for segment in fit.segments]
    placed = assign_clusters(users, pipeline=fit.pipeline, segments=tight).collect()
    flagged = [row for row in placed if row["outlier"]]
    assert 0 < len(flagged) < len(placed) == 60
    assert {row["cluster_id"] for row in placed} == {0, 1, 2}


def test_the_order_of_the_rows_changes_nothing(spark: SparkSession, users: DataFrame, fit: ClusterFit):
    rows = planted()
    random.Random(9).shuffle(rows)
    again = fit_clusters(spark.createDataFrame(rows, SCHEMA).repartition(5), params=PARAMS, fingerprint="f")
    assert again.segments == fit.segments
    assert again.trials == fit.trials
    theirs = silhouettes_of(users, pipeline=again.pipeline, most=60)
    assert theirs.mean() == pytest.approx(fit.separation.silhouette.value, abs=1e-12)


def test_noise_becomes_one_segment_of_everyone(spark: SparkSession):
    rng = random.Random(3)
    rows = [(f"u{i:03d}", rng.gauss(50, 9), rng.gauss(100, 20), 1.0, None) for i in range(120)]
    noise = spark.createDataFrame(rows, SCHEMA)
    fit = fit_clusters(noise, params=PARAMS, fingerprint="f")
    assert (fit.chosen, fit.separation) == (None, None)
    assert len(fit.trials) == 6
    assert all(trial.flaws for trial in fit.trials)
    assert [(s.segment_name, s.users) for s in fit.segments] == [("all customers", 120)]
    placed = assign_clusters(noise, pipeline=fit.pipeline, segments=fit.segments).collect()
    assert {(row["cluster_id"], row["margin"]) for row in placed} == {(0, None)}
    assert silhouettes_of(noise, pipeline=fit.pipeline, most=60) is None


@pytest.mark.parametrize("name", METHODS)
def test_every_method_groups_everybody_as_it_groups_the_sample(spark: SparkSession, name: str, tmp_path):
    points, truth = make_blobs([40, 30, 20], centers=[[0, 0], [9, 0], [0, 9]], cluster_std=0.7, random_state=2)
    rows = [(i, [float(v) for v in point]) for i, point in enumerate(points)]
    users = spark.createDataFrame(rows, "id INT, v ARRAY<DOUBLE>").select("id", array_to_vector("v").alias(SCALED))
    params = PARAMS.model_copy(update={"density_share": 0.05})
    setting = 4.0 if name == "dbscan" else 3
    labels = METHODS[name].label(points, setting, params=params)
    stages = METHODS[name].fit(users.coalesce(1), setting, features=SCALED, params=params)
    PipelineModel(stages).write().save(str(tmp_path / "model"))
    loaded = PipelineModel.load(str(tmp_path / "model"))
    found = [row[PREDICTION] for row in loaded.transform(users).orderBy("id").collect()]
    assert adjusted_rand_score(truth, labels) == 1
    assert adjusted_rand_score(truth, found) > 0.95  # bisecting k-means places by its cuts, not by nearest centre


def test_flows_count_the_users_of_both_models_and_centroids_lie_where_they_are(users: DataFrame, fit: ClusterFit):
    """The same model twice, the second with two of its clusters as one and their numbers turned round."""
    lookup = SQLTransformer(statement=f"SELECT *, element_at(array(1, 0, 0), {PREDICTION} + 1) AS joined FROM __THIS__")
    renamed = SQLTransformer(statement=f"SELECT * EXCEPT ({PREDICTION}, joined), joined AS {PREDICTION} FROM __THIS__")
    coarse = PipelineModel([*fit.pipeline.stages, lookup, renamed])
    of_two = [replace(fit.segments[0], cluster_id=i, segment_id=f"coarse{i}", segment_name=f"{i}") for i in (0, 1)]
    flows = count_segment_flows(users, previous=(coarse, of_two), current=(fit.pipeline, fit.segments))
    sizes = [segment.users for segment in fit.segments]
    assert flows.users.tolist() == [[0, sizes[1], sizes[2]], [sizes[0], 0, 0]]
    assert flows.distances[1, 0] == pytest.approx(0, abs=1e-9)
    centres = [np.array(list(segment.centre.values())) for segment in fit.segments]
    between = np.average(centres[1:], axis=0, weights=sizes[1:])
    assert flows.distances[0, 1] == pytest.approx(np.linalg.norm(centres[1] - between))


def test_fewer_users_than_clusters_is_told(users: DataFrame):
    with pytest.raises(DataError, match="fewer users than clusters: 3 users") as error:
        fit_clusters(users.limit(3), params=PARAMS, fingerprint="f")
    assert error.value.exit_code == 3


def test_users_who_are_all_alike_are_told(users: DataFrame):
    params = PARAMS.model_copy(update={"features": ("always_one", "never_known")})
    with pytest.raises(DataError, match="always_one: constant"):
        fit_clusters(users, params=params, fingerprint="f")


def test_an_unknown_feature_names_the_nearest(users: DataFrame):
    with pytest.raises(ConfigurationError, match="did you mean 'value_sum_life'"):
        select_cut(users, as_of=None, features=("value_sum_lfe",))
