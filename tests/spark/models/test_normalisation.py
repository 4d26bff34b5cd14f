"""Normalised features against scikit-learn's scalers on the same users, everybody together and platform by platform."""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING

import numpy as np
import pytest
from pyspark.ml import Pipeline, PipelineModel
from sklearn.preprocessing import MinMaxScaler, QuantileTransformer, RobustScaler, StandardScaler

from segmentation.models.clustering import Segment, assign_clusters, fit_clusters
from segmentation.models.inputs import measure_features
from segmentation.models.normalisation import normalisation_stages
from segmentation.models.params import ClusterParams
from segmentation.models.preparation import SCALED

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import DataFrame, SparkSession

pytestmark = pytest.mark.spark

FEATURES, SHARES = ("tied", "wide", "flat_inside"), ("platform_web_share_life", "platform_ios_share_life")
SCHEMA = "user_id string, " + ", ".join(f"{name} double" for name in (*FEATURES, *SHARES))
SCALERS = {
    "z_score": StandardScaler,
    "min_max": MinMaxScaler,
    "robust": RobustScaler,
    "rank": lambda: QuantileTransformer(n_quantiles=101, subsample=None),
}


def rows() -> list[tuple]:
    """Two platforms whose users differ by much, three users of a third, some of none; ties and an outlier."""
    chance = random.Random(8)
    made = []
    for number in range(250):
        platform = "web" if number < 120 else "ios" if number < 240 else "tv" if number < 243 else None
        scale = {"web": 1, "ios": 40}.get(platform, 7)
        shares = {"web": (0.5, 0.5), "ios": (0.2, 0.8), "tv": (0.0, 0.0), None: (None, None)}[platform]
        few = float(chance.randrange(4) * scale)
        wide = chance.lognormvariate(0, 1.5) * scale - 3
        rare = 1.0 * chance.randrange(1, 9) if number % 6 == 0 else 0.0
        made.append((f"u{number:03d}", few, wide if number else 1e4, rare, *shares))
    return made


def scaled(users: DataFrame, pipeline: PipelineModel) -> np.ndarray:
    return np.array([row[SCALED].toArray() for row in pipeline.transform(users).orderBy("user_id").collect()])


@pytest.mark.parametrize(
    ("method", "by_platform"),
    [("z_score", True), ("min_max", False), ("robust", True), ("rank", True)],
)
def test_equals_scikit_learn(spark: SparkSession, method: str, by_platform: bool) -> None:  # noqa: FBT001
    users = spark.createDataFrame(rows(), SCHEMA)
    params = ClusterParams(
        features=FEATURES, normalise=method, platform_shares=SHARES if by_platform else (), transform="none",
        platform_users=50, clip_lower=0.0, clip_upper=1.0,
    )  # fmt: skip
    ranges, _ = measure_features(users, features=FEATURES)
    found = scaled(users, Pipeline(stages=normalisation_stages(users, ranges, params=params)).fit(users))

    values = np.array([row[1:4] for row in rows()])
    everybody = SCALERS[method]().fit(values)
    expected = everybody.transform(values)
    if method == "z_score":
        expected /= math.sqrt(len(values) / (len(values) - 1))  # scikit-learn divides by n
    for part in (slice(0, 120), slice(120, 240)) if by_platform else ():
        expected[part] = SCALERS[method]().fit(values[part]).transform(values[part])
        if method == "z_score":
            expected[part] /= math.sqrt(120 / 119)
    expected -= expected.mean(axis=0)
    expected /= math.sqrt(expected.var(axis=0, ddof=1).mean())
    assert found == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_the_model_carries_it_and_users_of_two_platforms_become_alike(spark: SparkSession, tmp_path: Path) -> None:
    """The same three habits on two platforms, one counting forty times as much: clusters are habits, not platforms."""
    chance = random.Random(3)
    users = [
        (f"{habit}{platform}{n:02d}", level * scale * chance.uniform(0.9, 1.1), 1.0 * n, 0.0, web, 1 - web)
        for platform, scale, web in (("w", 1, 1.0), ("i", 40, 0.0))
        for habit, level in (("a", 1), ("b", 5), ("c", 9))
        for n in range(30)
    ]
    frame = spark.createDataFrame(users, SCHEMA)
    together, apart = (
        fit_clusters(
            frame,
            params=ClusterParams(
                features=("tied",),
                k_min=3,
                k_max=3,
                normalise="robust",
                platform_shares=shares,
                platform_users=90,
                jaccard_min=0.0,
            ),
            fingerprint="f",
        )
        for shares in ((), ("platform_web_share_life", "platform_ios_share_life"))
    )
    assert set(apart.features) == {"tied", *SHARES}
    apart.pipeline.save(str(tmp_path / "model"))
    loaded = PipelineModel.load(str(tmp_path / "model"))

    def habits(pipeline: PipelineModel, segments: tuple[Segment, ...]) -> int:
        placed = assign_clusters(frame, pipeline=pipeline, segments=segments).select("user_id", "cluster_id").collect()
        return len({(row["user_id"][0], row["cluster_id"]) for row in placed})

    assert habits(loaded, apart.segments) == 3
    assert habits(together.pipeline, together.segments) > 3
