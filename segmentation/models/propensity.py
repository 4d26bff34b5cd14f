"""How likely a user is to purchase or to churn: boosted trees beside logistic regression, calibrated on later data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyspark.ml import Pipeline, PipelineModel
from pyspark.ml.classification import GBTClassifier, LogisticRegression
from pyspark.ml.evaluation import BinaryClassificationEvaluator
from pyspark.ml.functions import array_to_vector, vector_to_array
from pyspark.ml.regression import IsotonicRegression, IsotonicRegressionModel
from pyspark.ml.tuning import CrossValidator, ParamGridBuilder
from pyspark.sql import functions as F

from segmentation.errors import DataError
from segmentation.evaluation.calibration import CalibrationBin, calibration_bins, expected_calibration_error
from segmentation.evaluation.classification import AUC_PR, AUC_ROC, discrimination, probability_figures
from segmentation.models.inputs import arrange, measure_features
from segmentation.models.labels import LABEL
from segmentation.models.preparation import VECTOR, preparation_stages

if TYPE_CHECKING:
    from pyspark.ml.base import Model
    from pyspark.ml.param import Param
    from pyspark.sql import DataFrame

    from segmentation.models.params import PropensityParams, Target

LOGISTIC = "logistic_regression"
TREES = "gradient_boosted_trees"
PROBABILITY = "probability"
PREDICTION = "prediction"
"""Output column of the pipeline: the calibrated probability."""
RAW = "raw"
FOLD = "fold"
WEIGHT = "weight"
CALIBRATION_SALT = "calibration"


@dataclass(frozen=True)
class Candidate:
    """A kind of classifier with the best of its grid."""

    name: str
    model: Model
    settings: Mapping[str, float]
    cross_validated: float | None
    """Mean AUC-PR over the folds; None where a fold lacked a class and the first setting was taken."""
    metrics: Mapping[str, float]
    """Of the raw score on the measuring half of the evaluation cut."""


@dataclass(frozen=True)
class PropensityFit:
    """A trained and calibrated propensity model, with what it was chosen from and how it did."""

    target: Target
    pipeline: PipelineModel
    features: tuple[str, ...]
    left_out: Mapping[str, str]
    chosen: str
    candidates: tuple[Candidate, ...]
    metrics: Mapping[str, float]
    """Of the calibrated score (`raw_` ones: of the raw score) on the measuring half of the evaluation cut."""
    bins: tuple[CalibrationBin, ...]
    raw_bins: tuple[CalibrationBin, ...]
    counts: Mapping[str, int]


def fit_propensity(
    training: DataFrame, evaluation: DataFrame, *, target: Target, params: PropensityParams
) -> PropensityFit:
    """Train both kinds of classifier, choose by AUC-PR on later data, calibrate on the other half of it.

    Grain: a labelled user at a cut -> a model. The users of the evaluation cut are split by a hash of user_id: one
    half calibrates (isotonic regression), the other measures, and has served for neither training nor calibration.
    Choosing between the two kinds does look at the measuring half. Deterministic, like clustering.

    Args:
        training: `label_users` at the training cuts.
        evaluation: `label_users` at the evaluation cut.
        target: what is predicted.
        params: how.

    Raises:
        DataError: one of the sets holds one class only; names target, set and counts.
    """
    key = ("user_id", "cut")
    data = arrange(_with_fold(training, params), partitions=params.partitions, by=key).cache()
    later = arrange(_with_half(evaluation, params), partitions=params.partitions, by=key).cache()
    counts = _count_classes(data, later, target)
    ranges, left_out = measure_features(data, features=params.features)
    stages = preparation_stages(ranges, transform="signed_log1p", clip=False, indicators=True)
    preparation = Pipeline(stages=stages).fit(data)
    vectors = preparation.transform(data).select(VECTOR, LABEL, FOLD).cache()
    later_vectors = preparation.transform(later).select(VECTOR, LABEL, "measures").cache()
    candidates = _fit_candidates(vectors, later_vectors.where("measures"), params)
    best = max(candidates, key=lambda c: c.metrics[AUC_PR])
    calibrator = _calibrate(best.model.transform(later_vectors.where(~F.col("measures"))))
    pipeline = PipelineModel([*preparation.stages, best.model, calibrator])
    scored = calibrator.transform(best.model.transform(later_vectors.where("measures")))
    metrics, bins, raw_bins = _measure(scored, params)
    for frame in (data, later, vectors, later_vectors):
        frame.unpersist()
    return PropensityFit(
        target,
        pipeline,
        tuple(r.name for r in ranges),
        left_out,
        best.name,
        candidates,
        metrics,
        bins,
        raw_bins,
        counts,
    )


def score_propensity(users: DataFrame, *, pipeline: PipelineModel) -> DataFrame:
    """Score users.

    Grain: a user with features as doubles -> the same user with `raw` (the classifier's probability) and `calibrated`.
    """
    raw = vector_to_array(F.col(PROBABILITY))[1]
    return pipeline.transform(users).select(
        *users.columns, raw.alias(RAW), F.col(PREDICTION).alias("calibrated")
    )


def auc_pr_of(evaluation: DataFrame, *, pipeline: PipelineModel, params: PropensityParams) -> float:
    """Judge a model on the measuring half of an evaluation cut: AUC-PR of its raw score, as the choice is made."""
    measuring = _with_half(evaluation, params).where("measures")
    return discrimination(
        score_propensity(measuring, pipeline=pipeline), score=RAW, label=LABEL, metric=AUC_PR
    )


def _fit_candidates(
    training: DataFrame, measuring: DataFrame, params: PropensityParams
) -> tuple[Candidate, ...]:
    logistic = LogisticRegression(featuresCol=VECTOR, labelCol=LABEL, predictionCol="class")
    trees = GBTClassifier(
        featuresCol=VECTOR,
        labelCol=LABEL,
        predictionCol="class",
        maxIter=params.tree_iterations,
        stepSize=params.tree_step,
        seed=params.seed,
    )
    grids: tuple[tuple[str, Model, Param[float], Sequence[float]], ...] = (
        (LOGISTIC, logistic, logistic.regParam, params.logistic_regularisation),
        (TREES, trees, trees.maxDepth, params.tree_depths),
    )
    complete = _folds_hold_both_classes(training, params)
    return tuple(
        _fit_candidate(
            training, measuring, name, estimator, param, values if complete else values[:1], params
        )
        for name, estimator, param, values in grids
    )


def _fit_candidate(training, measuring, name, estimator, param, values, params) -> Candidate:  # noqa: ANN001, PLR0913
    cross_validated, best = None, values[0]
    if len(values) > 1:
        validation = CrossValidator(
            estimator=estimator,
            estimatorParamMaps=ParamGridBuilder().addGrid(param, list(values)).build(),
            evaluator=BinaryClassificationEvaluator(labelCol=LABEL, metricName="areaUnderPR", numBins=0),
            numFolds=params.folds,
            foldCol=FOLD,
            parallelism=2,
        ).fit(training)
        cross_validated = max(validation.avgMetrics)
        best = values[validation.avgMetrics.index(cross_validated)]
        model = validation.bestModel
    else:
        model = estimator.fit(training, {param: best})
    scored = model.transform(measuring).select(LABEL, vector_to_array(PROBABILITY)[1].alias(RAW)).cache()
    metrics = _discriminations(scored)
    scored.unpersist()
    return Candidate(name, model, {param.name: best}, cross_validated, metrics)


def _calibrate(scored: DataFrame) -> IsotonicRegressionModel:
    """Fit observed shares as a rising function of the score.

    One made-up positive below and one negative above all scores (Laplace's rule for the outermost steps) keep the
    function from saying never or always on the word of a few users.
    """
    known = scored.select(F.col(PROBABILITY), F.col(LABEL), F.lit(1.0).alias(WEIGHT))
    ends = F.explode(
        F.array(
            F.struct(F.lit(0.0).alias("p"), F.lit(1.0).alias("y")),
            F.struct(F.lit(1.0).alias("p"), F.lit(0.0).alias("y")),
        )
    )
    made_up = (
        scored.select(F.lit(1))
        .limit(1)
        .select(ends.alias("end"))
        .select(
            array_to_vector(F.array(1 - F.col("end.p"), F.col("end.p"))).alias(PROBABILITY),
            F.col("end.y").alias(LABEL),
            F.lit(1.0).alias(WEIGHT),
        )
    )
    isotonic = IsotonicRegression(
        featuresCol=PROBABILITY, featureIndex=1, labelCol=LABEL, weightCol=WEIGHT, predictionCol=PREDICTION
    )
    return isotonic.fit(known.unionByName(made_up))


def _measure(
    scored: DataFrame, params: PropensityParams
) -> tuple[dict[str, float], tuple[CalibrationBin, ...], tuple[CalibrationBin, ...]]:
    users = scored.select(LABEL, vector_to_array(PROBABILITY)[1].alias(RAW), F.col(PREDICTION)).cache()
    raw = {**_discriminations(users), **probability_figures(users, probability=RAW, label=LABEL)}
    calibrated = probability_figures(users, probability=PREDICTION, label=LABEL)
    bins = calibration_bins(users, probability=PREDICTION, label=LABEL, bins=params.calibration_bins)
    raw_bins = calibration_bins(users, probability=RAW, label=LABEL, bins=params.calibration_bins)
    users.unpersist()
    errors = {
        "calibration_error": expected_calibration_error(bins),
        "raw_calibration_error": expected_calibration_error(raw_bins),
    }
    raw_figures = {f"raw_{name}": raw[name] for name in ("log_loss", "brier")}
    return {**raw, **calibrated, **raw_figures, **errors}, bins, raw_bins


def _discriminations(scored: DataFrame) -> dict[str, float]:
    return {
        metric: discrimination(scored, score=RAW, label=LABEL, metric=metric) for metric in (AUC_PR, AUC_ROC)
    }


def _with_fold(df: DataFrame, params: PropensityParams) -> DataFrame:
    return df.withColumn(FOLD, F.pmod(F.xxhash64("user_id"), F.lit(params.folds)).cast("int"))


def _with_half(df: DataFrame, params: PropensityParams) -> DataFrame:
    draw = F.pmod(F.xxhash64("user_id", F.lit(CALIBRATION_SALT)), F.lit(10_000)) / 10_000
    return df.withColumn("measures", draw >= params.calibration_share)


def _count_classes(training: DataFrame, later: DataFrame, target: Target) -> dict[str, int]:
    """Count users by set and class.

    Raises:
        DataError: a set lacks a class.
    """
    part = F.when(F.col("measures"), "measuring half").otherwise("calibration half")
    sets = training.select(F.lit("training").alias("part"), LABEL, "cut").unionByName(
        later.select(part.alias("part"), LABEL, "cut")
    )
    rows = (
        sets.groupBy("part")
        .agg(F.sum(LABEL).alias("positives"), F.count(F.lit(1)).alias("users"), F.max("cut").alias("cut"))
        .collect()
    )
    found = {row["part"]: row for row in rows}
    counts: dict[str, int] = {}
    for name in ("training", "calibration half", "measuring half"):
        row = found.get(name)
        users, positives = (row["users"], int(row["positives"])) if row else (0, 0)
        if not 0 < positives < users:
            raise DataError(
                f"propensity '{target}': the {name} (cut {row['cut'] if row else 'none'}) has one class only: "
                f"{positives} of {users} users positive; choose another --as-of or propensity.horizon_days"
            )
        counts |= {f"{name.replace(' ', '_')}_users": users, f"{name.replace(' ', '_')}_positives": positives}
    return counts


def _folds_hold_both_classes(training: DataFrame, params: PropensityParams) -> bool:
    cells = training.groupBy(FOLD, LABEL).count().count()
    return cells == params.folds * 2
