"""Measure a calibrated propensity model on users that played no part in its training or calibration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from segmentation.evaluation.calibration import (
    BrierParts,
    CalibrationBin,
    calibration_bins,
    calibration_error_by_chance,
    decompose_brier,
    expected_calibration_error,
)
from segmentation.evaluation.classification import AUC_PR, BRIER, LOG_LOSS, probability_figures, ranking_figures
from segmentation.evaluation.comparison import Difference, compare_paired
from segmentation.evaluation.gains import Decision, Gain, decide, measure_gains
from segmentation.models.held_out import PREDICTION, RAW, score_measuring
from segmentation.models.windows import LABEL
from segmentation.statistics import wilson_interval

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pyspark.ml import PipelineModel
    from pyspark.sql import DataFrame

    from segmentation.models.params import Costs, PropensityParams

    Floats = NDArray[np.float64]

CALIBRATION_ERROR = "calibration_error"
MAJORITY = "majority"
RFM = "rfm_logistic_regression"
CHANCE_ROUNDS = 200


@dataclass(frozen=True)
class SegmentCalibration:
    """Predicted and observed share of a segment's held-out users."""

    segment: str
    users: int
    predicted: float
    observed: float
    lower: float
    upper: float
    """95 % Wilson interval of the observed share."""

    @property
    def is_off(self) -> bool:
        """Return whether the mean prediction is outside the interval."""
        return not self.lower <= self.predicted <= self.upper


@dataclass(frozen=True)
class Measured:
    """Figures of a calibrated model on the measuring half of the held-out users."""

    metrics: Mapping[str, float]
    """Of the calibrated score; AUCs of the raw one, whose order ties less; `raw_` ones of the raw score."""
    bins: tuple[CalibrationBin, ...]
    raw_bins: tuple[CalibrationBin, ...]
    gains: tuple[Gain, ...]
    by_segment: tuple[SegmentCalibration, ...]
    decision: Decision
    """Outcome of acting on all users from the threshold of least cost on."""
    is_calibrated: bool
    """Whether the calibration error is small, or no larger than chance makes that of a perfect score."""


def measure(
    raw: Floats,
    calibrated: Floats,
    label: Floats,
    *,
    segment: NDArray[np.object_],
    costs: Costs,
    params: PropensityParams,
) -> Measured:
    """Measure a model on held-out users with both classes."""
    bins, raw_bins = (calibration_bins(p, label, bins=params.calibration_bins) for p in (calibrated, raw))
    error = expected_calibration_error(bins)
    by_chance = calibration_error_by_chance(
        calibrated, bins=params.calibration_bins, rounds=CHANCE_ROUNDS, seed=params.seed
    )
    parts: BrierParts = decompose_brier(calibrated, label, bins=params.calibration_bins)
    of_raw = probability_figures(raw, label)
    metrics = {
        **ranking_figures(raw, label),
        **probability_figures(calibrated, label),
        CALIBRATION_ERROR: error,
        "calibration_error_by_chance": by_chance,
        **{f"{BRIER}_{name}": value for name, value in asdict(parts).items()},
        **{f"raw_{name}": of_raw[name] for name in (LOG_LOSS, BRIER)},
        f"raw_{CALIBRATION_ERROR}": expected_calibration_error(raw_bins),
    }
    is_calibrated = error <= max(params.calibration_error_max, by_chance)
    decision = decide(calibrated, label, threshold=costs.threshold, false_alarm=costs.false_alarm, miss=costs.miss)
    segments = calibrate_segments(calibrated, label, segment)
    return Measured(metrics, bins, raw_bins, measure_gains(raw, label), segments, decision, is_calibrated)


def calibrate_segments(
    calibrated: Floats, label: Floats, segment: NDArray[np.object_]
) -> tuple[SegmentCalibration, ...]:
    """Compare predicted with observed shares per segment, by name; users without a segment are left out."""
    found = []
    for name in sorted({one for one in segment if one is not None}):
        inside = segment == name
        users, positives = int(inside.sum()), float(label[inside].sum())
        interval = wilson_interval(positives, users)
        found.append(SegmentCalibration(name, users, float(calibrated[inside].mean()), positives / users, *interval))
    return tuple(found)


def compare_with_baselines(
    calibrated: Floats, baselines: Mapping[str, Floats], label: Floats, *, params: PropensityParams
) -> dict[str, Difference]:
    """Hold a model against simpler ones by log loss on the measuring half, with paired bootstrap intervals."""
    return {
        name: compare_paired(calibrated, p, label, metric="log_loss", rounds=params.bootstrap_rounds, seed=params.seed)
        for name, p in baselines.items()
    }


def better_by(
    one: tuple[Floats, Floats], other: tuple[Floats, Floats], label: Floats, *, params: PropensityParams
) -> Difference:
    """Compare two models, each as (raw, calibrated) scores of the same users, by `decide_by`."""
    which = 0 if params.decide_by == AUC_PR else 1
    return compare_paired(
        one[which], other[which], label, metric=params.decide_by, rounds=params.bootstrap_rounds, seed=params.seed
    )


def compare_on_held_out(
    labelled: DataFrame, one: PipelineModel, other: PipelineModel, *, params: PropensityParams, users: int
) -> Difference:
    """Compare two finished models on the measuring half of an evaluation cut, by `decide_by`.

    Args:
        labelled: labelled users of the cut with the features of both models; read twice, so best cached.
        one: the pipeline whose advantage is measured.
        other: the pipeline that it is compared with.
        params: the share of the measuring half, the metric, and `judged_users`, beyond which a fixed sample is scored.
        users: number of users of the cut.
    """
    scored = [score_measuring(labelled, pipeline=each, params=params, users=users) for each in (one, other)]
    ours, theirs = ((of[RAW].to_numpy(), of[PREDICTION].to_numpy()) for of in scored)
    return better_by(ours, theirs, scored[0][LABEL].to_numpy(), params=params)
