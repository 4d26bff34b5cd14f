"""The kinds of classifier that compete for a propensity, each with the best setting of its small grid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pyspark.ml.classification import GBTClassifier, LogisticRegression
from pyspark.ml.evaluation import BinaryClassificationEvaluator
from pyspark.ml.functions import vector_to_array
from pyspark.ml.tuning import CrossValidator, ParamGridBuilder
from pyspark.sql import functions as F

from segmentation.evaluation.classification import AUC_PR, AUC_ROC, discrimination
from segmentation.models.labels import LABEL
from segmentation.models.preparation import VECTOR

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from segmentation.models.params import PropensityParams

LOGISTIC = "logistic_regression"
TREES = "gradient_boosted_trees"
LOGISTIC_ITERATIONS = 30
PROBABILITY = "probability"
RAW = "raw"
FOLD = "fold"
THREADS = 2


@dataclass(frozen=True)
class Grid:
    """A kind of classifier and the values of the one parameter that is tuned."""

    name: str
    estimator: Any
    param: Any
    values: tuple[float, ...]


@dataclass(frozen=True)
class Candidate:
    """A kind of classifier with the best setting of its grid."""

    name: str
    model: Any
    settings: Mapping[str, float]
    cross_validated: float | None
    """Mean AUC-PR over the folds; None where a fold lacked a class and the first setting was taken."""
    selection: float
    """AUC-PR on the calibration half of the evaluation cut, by which one kind is chosen."""
    metrics: Mapping[str, float]
    """AUC-PR and AUC-ROC on the measuring half."""


def fit_candidates(
    training: DataFrame, calibrating: DataFrame, measuring: DataFrame, *, params: PropensityParams
) -> tuple[Candidate, ...]:
    """Fit each kind of classifier with the setting that cross-validates best.

    Args:
        training: rows with `VECTOR`, `LABEL` and `FOLD`; all rows of a user are in one fold.
        calibrating: later rows by which a kind is chosen.
        measuring: other later rows, which decide nothing.
        params: grids and folds.
    """
    cross_validate = _folds_hold_both_classes(training, params.folds)
    found = []
    for grid in _grids(params):
        model, setting, figure = _fit_best(training, grid, params.folds if cross_validate else 0)
        selection = ranking_figures(model.transform(calibrating), metrics=(AUC_PR,))[AUC_PR]
        metrics = ranking_figures(model.transform(measuring), metrics=(AUC_PR, AUC_ROC))
        found.append(Candidate(grid.name, model, {grid.param.name: setting}, figure, selection, metrics))
    return tuple(found)


def ranking_figures(scored: DataFrame, *, metrics: Sequence[str]) -> dict[str, float]:
    """Compute AUC-PR, AUC-ROC or both of a classifier's output."""
    users = scored.select(LABEL, vector_to_array(F.col(PROBABILITY))[1].alias(RAW)).cache()
    figures = {metric: discrimination(users, score=RAW, label=LABEL, metric=metric) for metric in metrics}
    users.unpersist()
    return figures


def with_fold(df: DataFrame, *, folds: int) -> DataFrame:
    """Put all rows of a user into one fold, by hash."""
    return df.withColumn(FOLD, F.pmod(F.xxhash64("user_id"), F.lit(folds)).cast("int"))


def _grids(params: PropensityParams) -> tuple[Grid, ...]:
    columns: dict[str, Any] = {"featuresCol": VECTOR, "labelCol": LABEL, "predictionCol": "class"}
    logistic = LogisticRegression(**columns, maxIter=LOGISTIC_ITERATIONS)
    trees = GBTClassifier(**columns, maxIter=params.tree_iterations, stepSize=params.tree_step, seed=params.seed)
    return (
        Grid(LOGISTIC, logistic, logistic.regParam, params.logistic_regularisation),
        Grid(TREES, trees, trees.maxDepth, params.tree_depths),
    )


def _fit_best(training: DataFrame, grid: Grid, folds: int) -> tuple[Any, float, float | None]:
    """Return the fitted model, its setting and its cross-validated AUC-PR; without folds the first setting is taken."""
    if not folds:
        return grid.estimator.fit(training, {grid.param: grid.values[0]}), grid.values[0], None
    found = CrossValidator(
        estimator=grid.estimator,
        estimatorParamMaps=ParamGridBuilder().addGrid(grid.param, list(grid.values)).build(),
        evaluator=BinaryClassificationEvaluator(labelCol=LABEL, metricName="areaUnderPR", numBins=0),
        numFolds=folds,
        foldCol=FOLD,
        parallelism=THREADS,
    ).fit(training)
    best = max(range(len(grid.values)), key=lambda i: found.avgMetrics[i])
    return found.bestModel, grid.values[best], float(found.avgMetrics[best])


def _folds_hold_both_classes(training: DataFrame, folds: int) -> bool:
    return training.select(FOLD, LABEL).distinct().count() == folds * 2
