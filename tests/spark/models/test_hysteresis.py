"""Hysteresis: users on a border do not go back and forth, and users who move do."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import pytest
from pyspark.ml.functions import array_to_vector
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from segmentation.models.clustering import Segment
from segmentation.models.hysteresis import MODEL_CLUSTER, hold_clusters, settle_places
from segmentation.models.params import HysteresisParams
from segmentation.models.preparation import SCALED

pytestmark = pytest.mark.spark

PARAMS = HysteresisParams(earlier_cuts=4, clear_by=0.2)
CUTS = 24
START = date(2024, 1, 1)
SIZES = {0: 300, 1: 200}
"""Centroids at -1 and +1 of one feature: the border is 0, and it is clear beyond 1/11 either way."""


def place(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    own, other = np.sort(np.abs(np.stack([x + 1, x - 1])), axis=0)
    return (x > 0).astype(int), other - own >= PARAMS.clear_by * own


def follow(spark: SparkSession, walks: np.ndarray) -> np.ndarray:
    """Settle every user at every cut by the cuts before it: (users, cuts) -> the cluster, from the fifth cut on."""
    clusters, clear = place(walks)
    rows = [
        (f"{user}@{now}", START + timedelta(days=cut), int(clusters[user, cut]), bool(clear[user, cut]))
        for user in range(len(walks))
        for now in range(PARAMS.earlier_cuts, CUTS)
        for cut in range(now - PARAMS.earlier_cuts, now + 1)
    ]
    places = spark.createDataFrame(rows, "user_id STRING, as_of DATE, cluster_id INT, is_clear BOOLEAN")
    found = {row[0]: row[1] for row in settle_places(places, sizes=SIZES).collect()}
    return np.array(
        [[found[f"{user}@{now}"] for now in range(PARAMS.earlier_cuts, CUTS)] for user in range(len(walks))]
    )


def changes(clusters: np.ndarray) -> np.ndarray:
    return np.array([sum(a != b for a, b in pairwise(row)) for row in clusters])


@pytest.fixture(scope="module")
def walks() -> dict[str, np.ndarray]:
    """15 users each: on the border; with the border well in sight; and from one segment to the other at cut 12."""
    rng = np.random.default_rng(5)
    noise = rng.uniform(-0.08, 0.08, (3, 15, CUTS))
    move = np.where(np.arange(CUTS) < 12, -0.6, 0.6)
    return {"border": noise[0], "near": -0.09 + noise[1], "movers": move + 4 * noise[2]}


@pytest.fixture(scope="module")
def settled(spark: SparkSession, walks: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    found = follow(spark, np.concatenate(list(walks.values())))
    return dict(zip(walks, np.split(found, 3), strict=True))


def test_noise_around_a_border_moves_nobody_back_and_forth(walks, settled):
    without = changes(place(walks["border"])[0][:, PARAMS.earlier_cuts :])
    assert without.mean() > 0.4 * (CUTS - PARAMS.earlier_cuts)
    assert changes(settled["border"]).mean() < 0.1 * without.mean()
    assert changes(place(walks["near"])[0][:, PARAMS.earlier_cuts :]).sum() == 0
    assert changes(settled["near"]).sum() == 0


def test_who_really_moves_does_so_at_once_and_once(settled):
    assert (changes(settled["movers"]) == 1).all()
    at = 12 - PARAMS.earlier_cuts
    assert (settled["movers"][:, at - 1] == 0).all()
    assert (settled["movers"][:, at] == 1).all()


def test_who_was_clear_at_one_of_the_cuts_stays_there_and_who_never_was_is_in_the_larger(spark: SparkSession):
    days = [START + timedelta(days=i) for i in range(3)]
    rows = [
        *(
            ("stays", day, cluster, clear)
            for day, cluster, clear in zip(days, (1, 0, 0), (True, False, False), strict=True)
        ),
        *(("never", day, cluster, False) for day, cluster in zip(days, (1, 0, 1), strict=True)),
        *(("always one", day, 1, False) for day in days),
        ("new", days[2], 1, True),
    ]
    places = spark.createDataFrame(rows, "user_id STRING, as_of DATE, cluster_id INT, is_clear BOOLEAN")
    found = {row[0]: row[1] for row in settle_places(places.orderBy(F.rand(3)), sizes=SIZES).collect()}
    assert found == {"stays": 1, "never": 0, "always one": 1, "new": 1}


def test_a_held_user_has_the_distances_of_the_cluster_held(spark: SparkSession):
    segments = [
        Segment(number, f"s{number}", f"segment {number}", SIZES[number], {"x": float(2 * number - 1)}, None, 0.9)
        for number in (0, 1)
    ]
    now = spark.createDataFrame([("held", 0.02), ("clear", 0.9)], "user_id STRING, x DOUBLE")
    placed = now.select(
        "user_id", array_to_vector(F.array("x")).alias(SCALED), F.lit(1).alias("cluster_id"),
        F.abs(F.col("x") - 1).alias("distance"), (F.abs(F.col("x") + 1) - F.abs(F.col("x") - 1)).alias("margin"),
        F.lit(False).alias("outlier"),
    )  # fmt: skip
    earlier = spark.createDataFrame(
        [("held", START, 0, 0.5, 1.0), ("clear", START, 0, 0.5, 1.0), ("gone", START, 0, 0.5, 1.0)],
        "user_id STRING, as_of DATE, cluster_id INT, distance DOUBLE, margin DOUBLE",
    )
    found = {
        row["user_id"]: row
        for row in hold_clusters(
            placed, earlier, as_of=START + timedelta(days=7), segments=segments, params=PARAMS
        ).collect()
    }
    assert set(found) == {"held", "clear"}
    held, clear = found["held"], found["clear"]
    assert (held["cluster_id"], held[MODEL_CLUSTER], held["outlier"]) == (0, 1, True)
    assert (held["distance"], held["margin"]) == (pytest.approx(1.02), pytest.approx(-0.04))
    assert (clear["cluster_id"], clear[MODEL_CLUSTER], clear["margin"]) == (1, 1, pytest.approx(1.8))
