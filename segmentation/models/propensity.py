"""How likely a user is to purchase or to churn: learnt on earlier cuts, chosen and calibrated on a later one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyspark.ml import Pipeline, PipelineModel
from pyspark.ml.functions import array_to_vector, vector_to_array
from pyspark.ml.regression import IsotonicRegression, IsotonicRegressionModel
from pyspark.sql import functions as F

from segmentation.errors import DataError
from segmentation.evaluation.calibration import CalibrationBin, calibration_bins, expected_calibration_error
from segmentation.evaluation.classification import AUC_PR, BRIER, LOG_LOSS, discrimination, probability_figures
from segmentation.models.candidates import FOLD, PROBABILITY, RAW, Candidate, fit_candidates, with_fold
from segmentation.models.inputs import arrange, measure_features
from segmentation.models.labels import LABEL
from segmentation.models.preparation import VECTOR, preparation_stages

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from segmentation.models.params import PropensityParams, Target

PREDICTION = "prediction"
"""Output column of the pipeline: the calibrated probability."""
CALIBRATED = "calibrated"
CALIBRATION_ERROR = "calibration_error"
MEASURES = "measures"
"""Whether a user of the evaluation cut is in the measuring half."""
SETS = ("training", "calibration half", "measuring half")


@dataclass(frozen=True)
class Measured:
    """How a calibrated model does on the measuring half."""

    metrics: Mapping[str, float]
    """Log loss, Brier and calibration error of the calibrated score; `raw_` ones of the raw score."""
    bins: tuple[CalibrationBin, ...]
    raw_bins: tuple[CalibrationBin, ...]


@dataclass(frozen=True)
class PropensityFit:
    """A trained and calibrated propensity model, with what it was chosen from and how it did."""

    target: Target
    pipeline: PipelineModel
    features: tuple[str, ...]
    left_out: Mapping[str, str]
    chosen: Candidate
    candidates: tuple[Candidate, ...]
    measured: Measured
    counts: Mapping[str, int]


def fit_propensity(
    training: DataFrame, evaluation: DataFrame, *, target: Target, params: PropensityParams
) -> PropensityFit:
    """Train each kind of classifier on earlier cuts; choose, calibrate and measure on a later one.

    Grain: a labelled user at a cut -> a model. The users of the evaluation cut are split by a hash of user_id. One half
    chooses the kind (AUC-PR; the simpler one on ties) and calibrates it (isotonic regression); the other half measures
    and decides nothing. Deterministic: rows are arranged by key, folds and halves are hashes, seeds are fixed.

    Args:
        training: `label_users` at the training cuts.
        evaluation: `label_users` at the evaluation cut.
        target: what is predicted.
        params: how.

    Raises:
        DataError: one of the three sets holds one class only; names target, cut and counts.
    """
    key, partitions = ("user_id", "cut"), params.partitions
    data = arrange(with_fold(training, folds=params.folds), partitions=partitions, by=key).cache()
    later = arrange(_with_half(evaluation, params), partitions=partitions, by=key).cache()
    counts = _count_classes(data, later, target)
    ranges, left_out = measure_features(data, features=params.features)
    stages = preparation_stages(ranges, transform="signed_log1p", clip=False, indicators=True)
    preparation = Pipeline(stages=stages).fit(data)
    vectors = preparation.transform(data).select(VECTOR, LABEL, FOLD).cache()
    later_vectors = preparation.transform(later).select(VECTOR, LABEL, MEASURES).cache()
    calibrating, measuring = later_vectors.where(~F.col(MEASURES)), later_vectors.where(MEASURES)
    candidates = fit_candidates(vectors, calibrating, measuring, params=params)
    chosen = max(candidates, key=lambda candidate: candidate.selection)
    calibrator = _calibrate(chosen.model.transform(calibrating))
    measured = _measure(calibrator.transform(chosen.model.transform(measuring)), params.calibration_bins)
    for frame in (data, later, vectors, later_vectors):
        frame.unpersist()
    pipeline = PipelineModel([*preparation.stages, chosen.model, calibrator])
    features = tuple(r.name for r in ranges)
    return PropensityFit(target, pipeline, features, left_out, chosen, candidates, measured, counts)


def score_propensity(users: DataFrame, *, pipeline: PipelineModel) -> DataFrame:
    """Score users.

    Grain: a user with features as doubles -> the same with `raw` (the classifier's probability) and `calibrated`.
    """
    raw = vector_to_array(F.col(PROBABILITY))[1]
    return pipeline.transform(users).select(*users.columns, raw.alias(RAW), F.col(PREDICTION).alias(CALIBRATED))


def auc_pr_of(evaluation: DataFrame, *, pipeline: PipelineModel, params: PropensityParams) -> float:
    """Judge a model by the AUC-PR of its raw score on the measuring half of an evaluation cut."""
    measuring = _with_half(evaluation, params).where(MEASURES)
    scored = score_propensity(measuring, pipeline=pipeline)
    return discrimination(scored, score=RAW, label=LABEL, metric=AUC_PR)


def _calibrate(scored: DataFrame) -> IsotonicRegressionModel:
    """Fit observed shares as a rising function of the score.

    One made-up positive below and one negative above all scores (Laplace's rule for the outermost steps) keep the
    function from saying never or always on the word of a few users.
    """
    score = vector_to_array(F.col(PROBABILITY))[1]
    at = F.col("end.label")
    lowest, highest = (
        F.struct(F.min(score).alias("p"), F.lit(1.0).alias("label")),
        F.struct(F.max(score).alias("p"), F.lit(0.0).alias("label")),
    )
    ends = scored.agg(F.array(lowest, highest).alias("ends")).select(F.explode("ends").alias("end"))
    made_up = ends.select(array_to_vector(F.array(1 - F.col("end.p"), F.col("end.p"))).alias(PROBABILITY), at)
    isotonic = IsotonicRegression(featuresCol=PROBABILITY, featureIndex=1, labelCol=LABEL, predictionCol=PREDICTION)
    return isotonic.fit(scored.select(PROBABILITY, LABEL).unionByName(made_up))


def _measure(scored: DataFrame, bins: int) -> Measured:
    users = scored.select(LABEL, vector_to_array(F.col(PROBABILITY))[1].alias(RAW), PREDICTION).cache()
    calibrated = probability_figures(users, probability=PREDICTION, label=LABEL)
    raw = probability_figures(users, probability=RAW, label=LABEL)
    by_calibrated = calibration_bins(users, probability=PREDICTION, label=LABEL, bins=bins)
    by_raw = calibration_bins(users, probability=RAW, label=LABEL, bins=bins)
    users.unpersist()
    metrics = {
        **calibrated,
        CALIBRATION_ERROR: expected_calibration_error(by_calibrated),
        **{f"raw_{name}": raw[name] for name in (LOG_LOSS, BRIER)},
        f"raw_{CALIBRATION_ERROR}": expected_calibration_error(by_raw),
    }
    return Measured(metrics, by_calibrated, by_raw)


def _with_half(df: DataFrame, params: PropensityParams) -> DataFrame:
    """Draw by a hash other than that of the folds."""
    draw = F.pmod(F.xxhash64("user_id", F.lit("half")), F.lit(10_000)) / 10_000
    return df.withColumn(MEASURES, draw >= params.calibration_share)


def _count_classes(training: DataFrame, later: DataFrame, target: Target) -> dict[str, int]:
    """Count users by set and class; refuse a set that lacks a class."""
    half = F.when(F.col(MEASURES), F.lit(SETS[2])).otherwise(F.lit(SETS[1]))
    columns = (F.col(LABEL), F.col("cut"))
    rows = (
        training.select(F.lit(SETS[0]).alias("set"), *columns)
        .unionByName(later.select(half.alias("set"), *columns))
        .groupBy("set")
        .agg(F.count(F.lit(1)).alias("users"), F.sum(LABEL).alias("positives"), F.max("cut").alias("cut"))
        .collect()
    )
    found = {row["set"]: (row["users"], int(row["positives"]), row["cut"]) for row in rows}
    counts: dict[str, int] = {}
    for name in SETS:
        users, positives, cut = found.get(name, (0, 0, None))
        if not 0 < positives < users:
            raise DataError(
                f"propensity '{target}': the {name} (cut {cut}) has one class only: {positives} of {users} users are "
                f"positive; choose another --as-of or propensity.horizon_days, or leave the target out of "
                f"propensity.targets"
            )
        prefix = name.replace(" ", "_")
        counts |= {f"{prefix}_users": users, f"{prefix}_positives": positives}
    return counts
