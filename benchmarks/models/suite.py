"""Ours: the library's own k-means and boosted trees on Spark, in a started and warmed-up session."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pyspark.ml import Pipeline, PipelineModel
from pyspark.ml.feature import StandardScaler, VectorAssembler
from pyspark.ml.functions import vector_to_array
from pyspark.sql import functions as F

from benchmarks.engines.task import Clock
from benchmarks.models.data import LABEL as OUTCOME
from benchmarks.models.data import USER
from benchmarks.models.task import CLUSTERS, DEPTH, ITERATIONS, STEP, TREES, Scored, Task, main
from segmentation.config import load_config
from segmentation.models.candidates import PROBABILITY, fit_setting, score_of
from segmentation.models.inputs import arrange
from segmentation.models.methods import METHODS
from segmentation.models.methods.method import PREDICTION
from segmentation.models.params import ClusterParams, PropensityParams
from segmentation.models.preparation import SCALED, VECTOR
from segmentation.models.search import TREES as BOOSTED
from segmentation.models.search import Classes, Setting
from segmentation.models.windows import LABEL
from segmentation.runtime.session import open_session

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

PROJECT = Path(__file__).parents[2]
WARM_UP_USERS = 2_000


def work(task: Task, clock: Clock) -> Scored:
    """Train both models, then score."""
    with clock.phase("prepare"):
        spark = open_session("benchmark", _settings(task))
        _measure(spark, task, Clock(), limit=WARM_UP_USERS)
    return _measure(spark, task, clock)


def _measure(spark: SparkSession, task: Task, clock: Clock, limit: int | None = None) -> Scored:
    with clock.phase("read"):
        users = _read(spark, task, str(task.users.train), limit)
        preparation = Pipeline(stages=_stages(task)).fit(users)
        arranged = arrange(preparation.transform(users).select(USER, SCALED, LABEL), partitions=task.threads)
        frame = arranged.cache()
        rows = frame.count()
    clusters = ClusterParams(k_min=CLUSTERS, k_max=CLUSTERS, restarts=1, max_iterations=ITERATIONS)
    with clock.phase("kmeans"):
        stages = METHODS["kmeans"].fit(frame, CLUSTERS, features=SCALED, params=clusters)
    trees = PropensityParams(tree_iterations=TREES, tree_step=STEP, early_stopping_share=0.0)
    with clock.phase("gbt"):
        boosted = fit_setting(frame, Setting(BOOSTED, DEPTH), classes=Classes(rows, 1), params=trees, features=SCALED)
    frame.unpersist()
    test = _read(spark, task, str(task.users.test), limit)
    cluster = PipelineModel([preparation, *stages]).transform(test).select(USER, F.col(PREDICTION))
    with clock.phase("kmeans_score"):
        cluster.write.format("noop").mode("overwrite").save()
    scored = PipelineModel([preparation, score_of(boosted, PROBABILITY)]).transform(test)
    probability = scored.select(USER, vector_to_array(F.col(PROBABILITY))[1].alias("p"))
    with clock.phase("gbt_score"):
        probability.write.format("noop").mode("overwrite").save()
    return Scored(_ordered(cluster, PREDICTION).astype(np.int_), _ordered(probability, "p"))


def _read(spark: SparkSession, task: Task, path: str, limit: int | None) -> DataFrame:
    users = spark.read.parquet(path).select(USER, F.col(OUTCOME).alias(LABEL), *task.users.names)
    return users if limit is None else users.limit(limit)


def _stages(task: Task) -> list[Any]:
    return [
        VectorAssembler(inputCols=task.users.names, outputCol=VECTOR),
        StandardScaler(inputCol=VECTOR, outputCol=SCALED, withMean=True, withStd=True),
    ]


def _ordered(frame: DataFrame, column: str) -> np.ndarray:
    """Collect in the order of the file, which is that of the ids; in no figure."""
    return frame.orderBy(USER).select(column).toPandas()[column].to_numpy()


def _settings(task: Task) -> dict[str, str]:
    """Return the shipped local profile, with the threads and the heap of the task."""
    given = (f"spark.spark.master=local[{task.threads}]", f"spark.spark.driver.memory={task.memory.replace('GB', 'g')}")
    return load_config(PROJECT / "conf", "local", given).spark


if __name__ == "__main__":
    main(work)
