"""What is recorded of a propensity model, and what all models' records share."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from segmentation.models.clustering import Segment
from segmentation.tracking.records import CHOSEN, Curve, Training

if TYPE_CHECKING:
    from collections.abc import Iterable

    from segmentation.evaluation.calibration import CalibrationBin
    from segmentation.models.candidates import Candidate
    from segmentation.models.labels import Roles
    from segmentation.models.params import ClusterParams, PropensityParams
    from segmentation.models.propensity import PropensityFit
    from segmentation.tracking.records import DataSet, ModelVersion

FEATURES = "features"
SEGMENTS = "segments"
EVALUATION_CUT = "evaluation_cut"
COST = "within_cluster_sum_of_squares"


def propensity_kind(target: str) -> str:
    """Return the kind of registered model of a target."""
    return f"propensity-{target}"


def describe_propensity(
    fit: PropensityFit, *, fingerprint: str, roles: Roles, params: PropensityParams, data: tuple[DataSet, ...]
) -> Training:
    """Describe a propensity training: the candidates, the choice, figures on held-out later data, calibration."""
    settings = {f"{c.name}.{name}": value for c in fit.candidates for name, value in c.settings.items()}
    cuts = {"training_cuts": ",".join(map(str, roles.training)), EVALUATION_CUT: str(roles.evaluation)}
    chosen = {"target": fit.target, CHOSEN: fit.chosen.name}
    measured = fit.measured
    return Training(
        kind=propensity_kind(fit.target),
        fingerprint=fingerprint,
        pipeline=fit.pipeline,
        features=fit.features,
        outputs={"prediction": "double"},
        data=data,
        params={**encode_params(params), **settings, **cuts, **chosen, "left_out": json.dumps(fit.left_out)},
        metrics={**fit.chosen.metrics, **measured.metrics, **_candidate_metrics(fit.candidates), **fit.counts},
        tags={**cuts, **chosen, FEATURES: json.dumps(fit.features)},
        curves=(
            _calibration_curve("calibration", f"Calibration of {fit.target}, calibrated score", measured.bins),
            _calibration_curve("calibration_raw", f"Calibration of {fit.target}, raw score", measured.raw_bins),
        ),
        documents={"left_out.json": dict(fit.left_out)},
    )


def segments_of(model: ModelVersion) -> tuple[Segment, ...]:
    """Return the segments that a cluster model carries."""
    return tuple(Segment(**document) for document in json.loads(model.tags[SEGMENTS]))


def features_of(model: ModelVersion) -> tuple[str, ...]:
    """Return the features that a model reads."""
    return tuple(json.loads(model.tags[FEATURES]))


def encode_params(params: ClusterParams | PropensityParams) -> dict[str, object]:
    """Write every parameter as JSON."""
    return {name: json.dumps(value) for name, value in params.model_dump(mode="json").items()}


def _candidate_metrics(candidates: Iterable[Candidate]) -> dict[str, float]:
    metrics: dict[str, float] = {}
    for c in candidates:
        metrics |= {f"{c.name}_{name}": value for name, value in c.metrics.items()}
        metrics[f"{c.name}_auc_pr_on_calibration_half"] = c.selection
        if c.cross_validated is not None:
            metrics[f"{c.name}_auc_pr_cross_validated"] = c.cross_validated
    return metrics


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
