"""Record the training of a propensity model, and the parts that all trainings share."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from segmentation.evaluation.classification import AUC_PR, AUC_ROC, BRIER, LOG_LOSS
from segmentation.models.clustering import Segment
from segmentation.tracking.propensity_report import propensity_report
from segmentation.tracking.records import CHOSEN, DECISION, Curve, Training

if TYPE_CHECKING:
    from collections.abc import Collection

    from segmentation.evaluation.calibration import CalibrationBin
    from segmentation.models.params import ClusterParams, PropensityParams
    from segmentation.models.propensity import PropensityFit
    from segmentation.models.windows import Cuts
    from segmentation.tracking.records import DataSet, ModelVersion

FEATURES = "features"
SEGMENTS = "segments"
EVALUATION_CUT = "evaluation_cut"
TARGET_VERSION = "target_version"
CALIBRATED = "is_calibrated"
CALIBRATION_METHOD = "calibration"
REMARKS = "remarks"
REPORT = "propensity.json"
"""Document of a propensity training: what `propensity_report` says."""
COST = "within_cluster_sum_of_squares"


def propensity_kind(target: str) -> str:
    """Return the kind of registered model of a target."""
    return f"propensity-{target}"


def describe_propensity(
    fit: PropensityFit,
    *,
    fingerprint: str,
    cuts: Cuts,
    target_version: str,
    params: PropensityParams,
    data: tuple[DataSet, ...],
) -> Training:
    """Describe a propensity training: the comparison, the choice, calibration, how it did on held-out later data."""
    days = {"training_cuts": ",".join(map(str, cuts.training)), EVALUATION_CUT: str(cuts.evaluation)}
    chosen = {
        "target": fit.target,
        TARGET_VERSION: target_version,
        CHOSEN: fit.chosen.setting.kind,
        "setting": str(fit.chosen.setting),
        CALIBRATION_METHOD: fit.calibration.method,
    }
    report = propensity_report(fit)
    return Training(
        kind=propensity_kind(fit.target),
        fingerprint=fingerprint,
        pipeline=fit.pipeline,
        features=fit.features,
        outputs={"raw": "double", "prediction": "double"},
        data=data,
        params={**encode_params(params), **days, **chosen, "left_out": json.dumps(fit.left_out)},
        metrics=_propensity_metrics(fit),
        tags={
            **days,
            **chosen,
            FEATURES: json.dumps(fit.features),
            CALIBRATED: str(fit.measured.is_calibrated).lower(),
            REMARKS: json.dumps(report["remarks"]),
        },
        curves=(
            _calibration_curve("calibration", f"Calibration of {fit.target}, calibrated score", fit.measured.bins),
            _calibration_curve("calibration_raw", f"Calibration of {fit.target}, raw score", fit.measured.raw_bins),
            _gains_curve(fit),
        ),
        steps=_gains_by_step(fit),
        documents={"left_out.json": dict(fit.left_out), REPORT: report},
        description=_describe(fit, report["remarks"]),
    )


def segments_of(model: ModelVersion) -> tuple[Segment, ...]:
    """Return the segments that a cluster model carries."""
    return tuple(Segment(**document) for document in json.loads(model.tags[SEGMENTS]))


def features_of(model: ModelVersion) -> tuple[str, ...]:
    """Return the features that a model reads."""
    return tuple(json.loads(model.tags[FEATURES]))


def has_features(model: ModelVersion, known: Collection[str]) -> bool:
    """Return whether all features that a model reads are known."""
    return set(features_of(model)) <= set(known)


def summarise_training(model: ModelVersion, cuts: Cuts, *, trained: bool) -> dict[str, Any]:
    """Summarise a propensity model and the decision on it for the report of a run."""
    figures = {name: model.metrics[name] for name in (AUC_PR, AUC_ROC, LOG_LOSS, BRIER)}
    about = {"model": model.name, "version": model.version, "trained": trained}
    decided = {"decision": model.tags[DECISION], CHOSEN: model.tags[CHOSEN]}
    return {**about, **decided, "training_cuts": cuts.training, "evaluation_cut": cuts.evaluation, **figures}


def encode_params(params: ClusterParams | PropensityParams) -> dict[str, object]:
    """Write every parameter as JSON."""
    return {name: json.dumps(value) for name, value in params.model_dump(mode="json").items()}


def _propensity_metrics(fit: PropensityFit) -> dict[str, float]:
    """Name every figure: those of the chosen model plainly, those of the others with their name before."""
    metrics = {**fit.measured.metrics, **fit.counts}
    for name, figures in fit.finalists.items():
        metrics |= {f"{name}_{metric}": value for metric, value in figures.items()}
    for trial in fit.trials:
        key = f"{trial.setting}_cross_validated".replace("=", "_").replace(" ", "_")
        metrics |= {f"{key}_{metric}": value for metric, value in trial.figures.items()}
    for name, difference in fit.ahead_of.items():
        key = f"log_loss_better_than_{name}"
        metrics |= {key: difference.value, f"{key}_lower": difference.lower, f"{key}_upper": difference.upper}
    metrics |= {f"{name}_log_loss_calibrating": loss for name, loss in fit.calibration.held_out.items()}
    return {**metrics, "auc_roc_random_labels": fit.leaks.random_auc_roc}


def _describe(fit: PropensityFit, remarks: list[str]) -> str:
    """Say in Markdown what was chosen, how good it is, and what to know before it is used."""
    figures = fit.measured.metrics
    lines = [
        f"**{fit.target}**: {fit.chosen.setting}, calibrated by {fit.calibration.method}.",
        (
            f"On later users: log loss {figures['log_loss']:.4f}, area under the ROC curve {figures['auc_roc']:.3f}, "
            f"calibration error {figures['calibration_error']:.3f}."
        ),
        *(f"Against {name.replace('_', ' ')}: {difference}." for name, difference in fit.ahead_of.items()),
    ]
    known = (
        ["To know before it is used:", *(f"- {remark}" for remark in remarks)] if remarks else ["Nothing to remark."]
    )
    return "\n\n".join([*lines, "\n".join(known)])


def _gains_by_step(fit: PropensityFit) -> dict[str, list[tuple[int, float]]]:
    """Return what the likeliest users hold, by their number in per cent of all as the step."""
    places = {round(100 * gain.share): gain for gain in fit.measured.gains}
    return {
        "captured_by_percent_of_users": [(percent, gain.captured) for percent, gain in places.items()],
        "lift_by_percent_of_users": [(percent, gain.lift) for percent, gain in places.items()],
    }


def _gains_curve(fit: PropensityFit) -> Curve:
    rows = [(g.share, g.captured, g.lift, g.precision, g.lower, g.upper, g.users) for g in fit.measured.gains]
    columns = ("share", "captured", "lift", "precision", "lower_95", "upper_95", "users")
    return Curve(
        "gains", f"Gains of {fit.target}", columns, rows, "share of positives captured", drawn=1, identity=True
    )


def _calibration_curve(name: str, title: str, bins: tuple[CalibrationBin, ...]) -> Curve:
    rows = [(b.predicted, b.observed, b.lower, b.upper, b.users) for b in bins]
    return Curve(
        name,
        title,
        ("predicted", "observed", "lower_95", "upper_95", "users"),
        rows,
        "observed share",
        drawn=3,
        identity=True,
    )
