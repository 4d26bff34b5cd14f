import numpy as np
import pytest
from pyspark.ml.functions import array_to_vector
from pyspark.sql import DataFrame, SparkSession
from sklearn.datasets import load_iris
from sklearn.metrics import davies_bouldin_score, silhouette_score

from segmentation.errors import DataError
from segmentation.evaluation.separation import davies_bouldin, euclidean_silhouette, squared_euclidean_silhouette

pytestmark = pytest.mark.spark

COLUMNS = {"features": "x", "cluster": "c"}


def frame(spark: SparkSession, points, clusters):
    rows = [(i, [float(v) for v in x], int(c)) for i, (x, c) in enumerate(zip(points, clusters, strict=True))]
    df = spark.createDataFrame(rows, "id INT, v ARRAY<DOUBLE>, c INT")
    return df.select("id", "c", array_to_vector("v").alias("x")).cache()


@pytest.fixture(scope="module")
def iris(spark: SparkSession):
    data = load_iris()
    return frame(spark, data.data, data.target)


def test_iris_has_the_published_figures(iris: DataFrame):
    assert davies_bouldin(iris, **COLUMNS) == pytest.approx(0.751371, abs=5e-7)
    assert euclidean_silhouette(iris, **COLUMNS, point="id", most=150).value == pytest.approx(0.503477, abs=5e-7)


def test_a_sample_of_iris_is_within_its_error_and_the_same_every_time(iris: DataFrame):
    first, again = (euclidean_silhouette(iris, **COLUMNS, point="id", most=75) for _ in range(2))
    assert first == again
    assert (first.sampled, first.users, first.exact) == (75, 150, False)
    assert 0 < abs(first.value - 0.503477) < 3 * first.standard_error


def test_squared_silhouette_is_scikit_learns_on_squared_distances(iris: DataFrame):
    data = load_iris()
    squared = ((data.data[:, None, :] - data.data[None, :, :]) ** 2).sum(axis=2)
    theirs = silhouette_score(squared, data.target, metric="precomputed")
    assert squared_euclidean_silhouette(iris, **COLUMNS) == pytest.approx(theirs, abs=1e-9)


def test_odd_clusters_are_judged_as_by_scikit_learn(spark: SparkSession):
    # In eighths, which are exact: scikit-learn takes distances as x² - 2xy + y², and rounding may part equal points.
    points = (np.random.default_rng(3).normal(size=(40, 3)) * 8).round() / 8
    clusters = np.repeat([0, 1, 4, 7], [1, 2, 17, 20])
    points[1:3] = points[0]
    df = frame(spark, points, clusters)
    assert davies_bouldin(df, **COLUMNS) == pytest.approx(davies_bouldin_score(points, clusters), abs=1e-9)
    theirs = silhouette_score(points, clusters)
    assert euclidean_silhouette(df, **COLUMNS, point="id", most=40).value == pytest.approx(theirs, abs=1e-9)


def test_one_cluster_is_separated_from_nothing(spark: SparkSession):
    df = frame(spark, [[1.0], [2.0]], [0, 0])
    for judge in (davies_bouldin, squared_euclidean_silhouette):
        with pytest.raises(DataError, match="at least two clusters"):
            judge(df, **COLUMNS)
