import random

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from segmentation.errors import ConfigurationError, DataError
from segmentation.evaluation.separation import SILHOUETTE
from segmentation.models.clustering import ClusterFit, assign_clusters, fit_clusters, silhouette_of
from segmentation.models.inputs import select_cut
from segmentation.models.params import ClusterParams
from segmentation.models.preparation import SCALED

pytestmark = pytest.mark.spark

FEATURES = ("days_since_last_event", "value_sum_life", "always_one", "never_known")
PARAMS = ClusterParams(features=FEATURES, k_min=2, k_max=4, clip_lower=0.02, clip_upper=0.98)
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
    placed = assign_clusters(users, pipeline=fit.pipeline).where(F.col("days_since_last_event").isNotNull()).collect()
    clusters = {group: {row["cluster_id"] for row in placed if row["user_id"][0] == group} for group in "abc"}
    assert fit.chosen.k == 3
    assert all(len(found) == 1 for found in clusters.values())
    names = {segment.cluster_id: segment.segment_name for segment in fit.segments}
    assert "high-value" in names[clusters["a"].pop()]
    assert "lapsed" in names[clusters["c"].pop()]
    assert sum(segment.users for segment in fit.segments) == 60


def test_k_has_the_highest_silhouette_and_cost_falls_with_k(fit: ClusterFit):
    assert [trial.k for trial in fit.trials] == [2, 3, 4]
    assert fit.chosen.silhouette == max(trial.silhouette for trial in fit.trials)
    assert [trial.cost for trial in fit.trials] == sorted((trial.cost for trial in fit.trials), reverse=True)


def test_features_that_tell_nothing_apart_are_left_out(fit: ClusterFit):
    assert fit.features == ("days_since_last_event", "value_sum_life")
    assert fit.left_out == {
        "always_one": "constant (1) within the clipping percentiles",
        "never_known": "null throughout",
    }


def test_distance_and_margin_are_those_to_the_centres(users: DataFrame, fit: ClusterFit):
    placed = assign_clusters(users, pipeline=fit.pipeline).collect()
    centres = fit.pipeline.stages[-1].clusterCenters()
    for row in placed:
        apart = sorted(sum((x - c) ** 2 for x, c in zip(row[SCALED], centre, strict=True)) ** 0.5 for centre in centres)
        assert row["distance"] == pytest.approx(apart[0], abs=1e-9)
        assert row["margin"] == pytest.approx(apart[1] - apart[0], abs=1e-9)
        assert row["cluster_id"] == min(
            range(3), key=lambda i: sum((x - c) ** 2 for x, c in zip(row[SCALED], centres[i], strict=True))
        )


def test_the_order_of_the_rows_changes_nothing(spark: SparkSession, users: DataFrame, fit: ClusterFit):
    rows = planted()
    random.Random(9).shuffle(rows)
    again = fit_clusters(spark.createDataFrame(rows, SCHEMA).repartition(5), params=PARAMS, fingerprint="f")
    assert again.segments == fit.segments
    assert silhouette_of(users, pipeline=again.pipeline) == pytest.approx(fit.chosen.silhouette, abs=1e-12), SILHOUETTE


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
