"""Fits the search space: every setting on earlier cuts, judged on the next; then the best of each kind on all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import numpy as np
from pyspark import inheritable_thread_target
from pyspark.ml import PipelineModel
from pyspark.ml.functions import vector_to_array
from pyspark.sql import functions as F

from segmentation.evaluation.classification import AUC_PR, LOG_LOSS, probability_figures, ranking_figures
from segmentation.models.preparation import VECTOR
from segmentation.models.search import WEIGHT, Classes, Setting, build_estimator, declare_settings, weight_of
from segmentation.models.windows import LABEL

if TYPE_CHECKING:
    from datetime import date

    from pyspark.sql import DataFrame, SparkSession

    from segmentation.models.params import PropensityParams
    from segmentation.models.windows import LabelWindow

PROBABILITY = "probability"
DRAW = "draw"
"""Number in [0, 1) that a user's id gives."""
K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True)
class Fold:
    """One step of temporal cross-validation: train on earlier cuts, measure on a later one."""

    training: tuple[date, ...]
    validation: date


@dataclass(frozen=True)
class ModelTrial:
    """Result of a setting in temporal cross-validation."""

    setting: Setting
    figures: Mapping[str, float]
    """Mean AUC-PR and log loss (of the raw score) over the folds; empty where there are no folds."""
    reused: bool
    """Whether a run that was broken off had already found them."""


class Memory(Protocol):
    """Keeps what a search has found so far, so that a run that is broken off need not search again."""

    def recall(self) -> Mapping[str, Mapping[str, float]]:
        """Return the figures of the settings that are finished, by setting."""

    def keep(self, setting: Setting, figures: Mapping[str, float]) -> None:
        """Keep the figures of a setting."""


class Forgetful:
    """No memory: every search begins anew."""

    def recall(self) -> Mapping[str, Mapping[str, float]]:
        """Nothing is known."""
        return {}

    def keep(self, setting: Setting, figures: Mapping[str, float]) -> None:
        """Nothing is kept."""


def choose_folds(cuts: Sequence[date], *, window: LabelWindow, classes: Mapping[date, Classes]) -> tuple[Fold, ...]:
    """Divide the training cuts into folds of temporal cross-validation.

    Each cut but the first validates what was learnt from all cuts whose label windows were over by then. A fold of
    which one side lacks a class is left out; one training cut alone gives no fold.
    """
    folds = []
    for validation in sorted(cuts):
        earlier = tuple(cut for cut in sorted(cuts) if window.closes(cut) <= validation)
        learnt = sum((classes[cut] for cut in earlier), Classes(0, 0))
        if learnt.are_both_there and classes[validation].are_both_there:
            folds.append(Fold(earlier, validation))
    return tuple(folds)


def run_trials(
    vectors: DataFrame,
    *,
    folds: Sequence[Fold],
    classes: Mapping[date, Classes],
    params: PropensityParams,
    memory: Memory,
) -> tuple[ModelTrial, ...]:
    """Try every setting of the search space that the memory does not know yet.

    Grain: a training user at a cut (`VECTOR`, `LABEL`, `DRAW`, the class weight's and boosting's columns) -> a setting.
    Judged on `judged_users` of each validation cut at most. Settings are fitted `parallelism` at a time; each is kept
    as soon as it is finished.
    """
    settings = declare_settings(params)
    if not folds:
        return tuple(ModelTrial(setting, {}, reused=False) for setting in settings)
    known = {key: figures for key, figures in memory.recall().items() if {AUC_PR, LOG_LOSS} <= set(figures)}

    def trial(setting: Setting) -> ModelTrial:
        if str(setting) in known:
            return ModelTrial(setting, known[str(setting)], reused=True)
        found = [_validate(vectors, setting, fold, classes, params) for fold in folds]
        figures = {name: float(np.mean([one[name] for one in found])) for name in (AUC_PR, LOG_LOSS)}
        memory.keep(setting, figures)
        return ModelTrial(setting, figures, reused=False)

    return tuple(in_parallel(vectors.sparkSession, trial, settings, params.parallelism))


def best_of_each_kind(trials: Sequence[ModelTrial]) -> tuple[ModelTrial, ...]:
    """Keep the setting of each kind with the highest AUC-PR; the first on ties, and where nothing was tried."""
    best: dict[str, ModelTrial] = {}
    for trial in trials:
        rival = best.get(trial.setting.kind)
        if rival is None or trial.figures.get(AUC_PR, 0.0) > rival.figures.get(AUC_PR, 0.0):
            best[trial.setting.kind] = trial
    return tuple(best.values())


def fit_setting(rows: DataFrame, setting: Setting, *, classes: Classes, params: PropensityParams, features: str) -> Any:
    """Fit a setting on rows with both classes."""
    weighted = rows.select(*rows.columns, weight_of(setting, classes).alias(WEIGHT))
    return build_estimator(setting, params=params, features=features).fit(weighted)


def score_of(model: Any, name: str) -> Any:
    """Return a model that adds its probabilities as vector column `name` (and what stages before it need)."""
    if isinstance(model, PipelineModel):
        return PipelineModel([*model.stages[:-1], score_of(model.stages[-1], name)])
    return model.copy({model.probabilityCol: name, model.predictionCol: "", model.rawPredictionCol: ""})


def in_parallel(spark: SparkSession, work: Callable[[K], V], things: Sequence[K], at_a_time: int) -> list[V]:
    """Do some work on each thing, several at a time, and return what comes of it in the order of the things."""
    # Wrapped one by one: what one call copies of the session's properties is shared by all that it wraps.
    tasks = [inheritable_thread_target(spark)(partial(work, thing)) for thing in things]
    with ThreadPoolExecutor(at_a_time) as pool:
        return [future.result() for future in [pool.submit(task) for task in tasks]]


def _validate(
    vectors: DataFrame, setting: Setting, fold: Fold, classes: Mapping[date, Classes], params: PropensityParams
) -> dict[str, float]:
    learnt = sum((classes[cut] for cut in fold.training), Classes(0, 0))
    rows = vectors.where(F.col("cut").isin(*fold.training))
    model = fit_setting(rows, setting, classes=learnt, params=params, features=VECTOR)
    share = min(1.0, params.judged_users / classes[fold.validation].rows)
    later = vectors.where((F.col("cut") == F.lit(fold.validation)) & (F.col(DRAW) < share))
    scored = score_of(model, PROBABILITY).transform(later)
    found = scored.select(vector_to_array(F.col(PROBABILITY))[1].alias("p"), LABEL).toPandas()
    score, label = found["p"].to_numpy(), found[LABEL].to_numpy()
    return {AUC_PR: ranking_figures(score, label)[AUC_PR], LOG_LOSS: probability_figures(score, label)[LOG_LOSS]}
