"""Predict users' actions: train on earlier cuts, choose on the next, calibrate and measure on a later one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from pyspark.ml import PipelineModel
from pyspark.ml.feature import VectorSlicer
from pyspark.ml.functions import array_to_vector
from pyspark.ml.regression import IsotonicRegression
from pyspark.sql import functions as F

from segmentation.evaluation.classification import AUC_PR, AUC_ROC, ranking_figures
from segmentation.evaluation.leaks import chance_interval, find_suspects
from segmentation.models.calibrators import Calibration, calibration_stage, choose_calibrator
from segmentation.models.candidates import (
    PROBABILITY,
    Forgetful,
    Memory,
    ModelTrial,
    best_of_each_kind,
    choose_folds,
    fit_setting,
    in_parallel,
    run_trials,
)
from segmentation.models.held_out import PREDICTION, RANDOM_LABEL, RAW, HeldOut, sampled, score_held_out
from segmentation.models.importance import Importance, measure_importance
from segmentation.models.measures import MAJORITY, RFM, Measured, compare_with_baselines, measure
from segmentation.models.params import Costs
from segmentation.models.preparation import VECTOR
from segmentation.models.rows import Rows, prepare_rows
from segmentation.models.search import FOREST, LOGISTIC, Classes, Setting
from segmentation.models.windows import LABEL

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from segmentation.evaluation.comparison import Difference
    from segmentation.models.params import PropensityParams
    from segmentation.models.windows import Cuts, LabelWindow

CALIBRATED = "calibrated"
RANDOM = "random_labels"
"""The model that learns random labels."""
RFM_VECTOR = "rfm_vector"


@dataclass(frozen=True)
class Leaks:
    """Signs that the model was told the answer."""

    suspects: Mapping[str, float]
    """Feature -> area under the ROC curve by itself, of those that separate too well."""
    random_auc_roc: float
    """The same of a model that learnt random labels, on random labels: about one half, or it saw the same rows."""
    chance: tuple[float, float]
    """Interval that contains this figure in 99 of 100 cases if nothing leaks."""

    @property
    def is_random_foreseen(self) -> bool:
        """Return whether the control model predicts random labels above chance, which indicates leakage."""
        return self.random_auc_roc > self.chance[1]


@dataclass(frozen=True)
class PropensityFit:
    """A trained and calibrated propensity model, with what it was chosen from and how it did."""

    target: str
    pipeline: PipelineModel
    features: tuple[str, ...]
    left_out: Mapping[str, str]
    chosen: ModelTrial
    trials: tuple[ModelTrial, ...]
    finalists: Mapping[str, Mapping[str, float]]
    """Kind -> AUC-PR and AUC-ROC on the measuring half: the best setting of each kind, and the simple model."""
    calibration: Calibration
    measured: Measured
    ahead_of: Mapping[str, Difference]
    """Simpler model -> by how much this one is better, in log loss on the measuring half."""
    importances: tuple[Importance, ...]
    leaks: Leaks
    counts: Mapping[str, int]


@dataclass(frozen=True)
class _Contest:
    """The finalists, what they say of users whom they have not learnt from, and which of them is chosen."""

    rows: Rows
    params: PropensityParams
    models: Mapping[str, Any]
    held_out: HeldOut
    chosen: ModelTrial
    calibrations: Mapping[str, Calibration]
    """Of the chosen model and of the simple one."""

    @property
    def model(self) -> Any:
        """The chosen model."""
        return self.models[self.chosen.setting.kind]

    @property
    def calibration(self) -> Calibration:
        """Of the chosen model."""
        return self.calibrations[self.chosen.setting.kind]

    @property
    def measuring(self) -> HeldOut:
        """The half of the later cut's users that decides nothing."""
        return self.held_out.where(self.held_out.measures)


def fit_propensity(  # noqa: PLR0913  what is learnt from, and how
    labelled: DataFrame,
    *,
    cuts: Cuts,
    window: LabelWindow,
    target: str,
    params: PropensityParams,
    costs: Costs | None = None,
    memory: Memory | None = None,
    segments: DataFrame | None = None,
) -> PropensityFit:
    """Train every kind of classifier on earlier cuts, choose one, calibrate it and measure it on a later cut.

    Grain: a labelled user at a cut -> a model. Settings compete in temporal cross-validation over the training cuts
    (AUC-PR; the simpler on ties); where these give no fold, the first setting of each kind stands for it and the
    calibration half chooses. The best of each kind is fitted on all training cuts. Of the evaluation cut's users,
    split by a hash of user_id, one half calibrates; the other half measures and decides nothing.
    Deterministic: rows are arranged by key, splits are hashes, seeds are fixed. Calibrating and measuring look at
    `judged_users` users at most, on the driver.

    Args:
        labelled: `label_users` at all cuts.
        cuts: which cut is for what.
        window: of the labels.
        target: name of what is predicted.
        params: how.
        costs: of wrong decisions; not given: both alike.
        memory: what an earlier run that was broken off has found.
        segments: `user_id` and `segment` at the evaluation cut, to look at calibration within each.

    Raises:
        UntrainableError: the training cuts or one half hold one class only; names target, cut and counts.
    """
    rows = prepare_rows(labelled, cuts=cuts, target=target, params=params, segments=segments)
    trials = _search(rows, cuts, window, params, Forgetful() if memory is None else memory)
    contest = _hold_contest(rows, best_of_each_kind(trials), cuts, params)
    return _report(contest, target=target, trials=trials, costs=costs or Costs())


def score_propensity(users: DataFrame, *, pipeline: PipelineModel) -> DataFrame:
    """Score users.

    Grain: a user with features as doubles -> the same with `raw` (the classifier's probability) and `calibrated`.
    """
    return pipeline.transform(users).select(*users.columns, RAW, F.col(PREDICTION).alias(CALIBRATED))


def _search(
    rows: Rows, cuts: Cuts, window: LabelWindow, params: PropensityParams, memory: Memory
) -> tuple[ModelTrial, ...]:
    """Try the declared settings in temporal cross-validation over the training cuts."""
    folds = choose_folds(cuts.training, window=window, classes=rows.classes)
    training = rows.vectors.where(F.col("cut") != F.lit(cuts.evaluation))
    return run_trials(training, folds=folds, classes=rows.classes, params=params, memory=memory)


def _hold_contest(rows: Rows, best: Sequence[ModelTrial], cuts: Cuts, params: PropensityParams) -> _Contest:
    """Fit the finalists on the training cuts and let them score the later one; choose."""
    training = rows.vectors.where(F.col("cut") != F.lit(cuts.evaluation))
    models = _fit_finalists(training, best, rows, cuts, params)
    later = rows.classes[cuts.evaluation].rows
    evaluated = rows.vectors.where((F.col("cut") == F.lit(cuts.evaluation)) & sampled(params, later))
    held_out = score_held_out(evaluated, models=models)
    calibrating = held_out.calibrating
    chosen = _choose(best, calibrating)
    return _Contest(rows, params, models, held_out, chosen, _calibrate(models, chosen, calibrating))


def _report(contest: _Contest, *, target: str, trials: tuple[ModelTrial, ...], costs: Costs) -> PropensityFit:
    """Put the chosen model together, and measure it on the half that decided nothing."""
    rows, measuring, models = contest.rows, contest.measuring, contest.models
    return PropensityFit(
        target=target,
        pipeline=_assemble(rows, contest.model, contest.calibration),
        features=rows.features,
        left_out=rows.left_out,
        chosen=contest.chosen,
        trials=trials,
        finalists={n: ranking_figures(measuring.scores[n], measuring.label) for n in models if n != RANDOM},
        calibration=contest.calibration,
        measured=_measure(contest, costs),
        ahead_of=_compare(contest),
        importances=_rank_features(contest),
        leaks=_look_for_leaks(contest.held_out, rows, contest.params),
        counts=rows.counts,
    )


def _calibrate(models: Mapping[str, Any], chosen: ModelTrial, calibrating: HeldOut) -> dict[str, Calibration]:
    """Calibrate the chosen model, and the simple one alike: they are compared by what they say, not by how loud."""
    names = [name for name in dict.fromkeys((chosen.setting.kind, RFM)) if name in models]
    return {name: choose_calibrator(calibrating.scores[name], calibrating.label, calibrating.draw) for name in names}


def _measure(contest: _Contest, costs: Costs) -> Measured:
    measuring = contest.measuring
    raw = measuring.scores[contest.chosen.setting.kind]
    calibrated = contest.calibration.calibrator.apply(raw)
    return measure(raw, calibrated, measuring.label, segment=measuring.segment, costs=costs, params=contest.params)


def _compare(contest: _Contest) -> dict[str, Difference]:
    """Hold the chosen model against always saying one share, and against the simple model.

    The share is that of the calibrating half: all three know how much happened in this window, and no more.
    """
    measuring = contest.measuring
    share = float(contest.held_out.calibrating.label.mean())
    calibrated = {name: c.calibrator.apply(measuring.scores[name]) for name, c in contest.calibrations.items()}
    simpler = {MAJORITY: np.full(len(measuring.label), share)}
    simpler |= {name: p for name, p in calibrated.items() if name == RFM}
    ours = calibrated[contest.chosen.setting.kind]
    return compare_with_baselines(ours, simpler, measuring.label, params=contest.params)


def _rank_features(contest: _Contest) -> tuple[Importance, ...]:
    params, measuring = contest.params, contest.measuring
    if not params.importance_users:
        return ()
    few = measuring.where(np.argsort(measuring.draw, kind="stable")[: params.importance_users])
    return measure_importance(
        contest.rows.vectors.sparkSession,
        few,
        model=contest.model,
        calibrator=contest.calibration.calibrator,
        names=contest.rows.names,
        seed=params.seed,
    )


def _fit_finalists(
    training: DataFrame, best: Sequence[ModelTrial], rows: Rows, cuts: Cuts, params: PropensityParams
) -> dict[str, Any]:
    """Fit the best setting of each kind, the simple model and the one of random labels on all training cuts."""
    wanted = {trial.setting.kind: (training, trial.setting, VECTOR) for trial in best}
    simple = [i for i, name in enumerate(rows.names) if name in params.rfm_features]
    if simple:
        slicer = VectorSlicer(inputCol=VECTOR, outputCol=RFM_VECTOR, indices=simple)
        setting = Setting(LOGISTIC, params.logistic_regularisation[0])
        wanted[RFM] = (slicer.transform(training), setting, RFM_VECTOR)
    memorising = next((t.setting for t in best if t.setting.kind == FOREST), best[0].setting)
    wanted[RANDOM] = (training.withColumn(LABEL, F.col(RANDOM_LABEL)), memorising, VECTOR)

    def fit(name: str) -> Any:
        frame, setting, features = wanted[name]
        model = fit_setting(frame, setting, classes=_learnt(rows, cuts), params=params, features=features)
        return PipelineModel([slicer, model]) if name == RFM else model

    return dict(zip(wanted, in_parallel(training.sparkSession, fit, list(wanted), params.parallelism), strict=True))


def _choose(best: Sequence[ModelTrial], calibrating: HeldOut) -> ModelTrial:
    """Take the kind that cross-validated best; without folds, the best on the calibration half. Ties: the simpler."""

    def figure(trial: ModelTrial) -> float:
        if trial.figures:
            return trial.figures[AUC_PR]
        return ranking_figures(calibrating.scores[trial.setting.kind], calibrating.label)[AUC_PR]

    return max(best, key=figure)


def _assemble(rows: Rows, model: Any, calibration: Calibration) -> PipelineModel:
    """Put the stages together: features to vector to probability to `raw` to the calibrated `prediction`.

    Only native stages, so that MLflow's Spark flavour loads them as they are. No native stage takes a number out of a
    vector; an isotonic regression through (0, 0) and (1, 1) does: it reads one element and leaves it as it is.
    """
    at = F.col("id").cast("double")
    ends = rows.vectors.sparkSession.range(0, 2, 1, 1).select(
        at.alias(LABEL), array_to_vector(F.array(1 - at, at)).alias(PROBABILITY)
    )
    element = IsotonicRegression(featuresCol=PROBABILITY, featureIndex=1, labelCol=LABEL, predictionCol=RAW).fit(ends)
    calibrate = calibration_stage(calibration.calibrator, score=RAW, output=PREDICTION)
    return PipelineModel([*rows.stages, model, element, calibrate])


def _look_for_leaks(held_out: HeldOut, rows: Rows, params: PropensityParams) -> Leaks:
    suspects = find_suspects(held_out.matrix, held_out.label, names=rows.names, at_least=params.suspect_auc)
    drawn = held_out.random_label
    if not 0 < drawn.mean() < 1:
        return Leaks(suspects, 0.5, (0.0, 1.0))
    foreseen = ranking_figures(held_out.scores[RANDOM], drawn)[AUC_ROC]
    return Leaks(suspects, foreseen, chance_interval(drawn))


def _learnt(rows: Rows, cuts: Cuts) -> Classes:
    return sum((rows.classes[cut] for cut in cuts.training), Classes(0, 0))
