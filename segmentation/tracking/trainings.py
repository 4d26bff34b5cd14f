"""What is recorded of a cluster model and of a propensity model."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from segmentation.evaluation.separation import DAVIES_BOULDIN, SILHOUETTE
from segmentation.models.clustering import CLUSTERS, Segment
from segmentation.tracking.records import CHOSEN, Curve, Training

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from segmentation.evaluation.calibration import CalibrationBin
    from segmentation.models.clustering import ClusterFit
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


def describe_clusters(
    fit: ClusterFit, *, fingerprint: str, as_of: date, params: ClusterParams, data: tuple[DataSet, ...]
) -> Training:
    """Describe a cluster training: figures per k, curves, and the segments that the model carries."""
    segments = [segment.as_document() for segment in fit.segments]
    by_k = [(t.k, t.silhouette, t.davies_bouldin, t.cost) for t in fit.trials]
    return Training(
        kind=CLUSTERS,
        fingerprint=fingerprint,
        pipeline=fit.pipeline,
        features=fit.features,
        outputs={"prediction": "integer"},
        data=data,
        params={**_params(params), "as_of": as_of, "k": fit.chosen.k, "left_out": json.dumps(fit.left_out)},
        metrics={
            "k": fit.chosen.k,
            "users": sum(fit.chosen.sizes),
            SILHOUETTE: fit.chosen.silhouette,
            DAVIES_BOULDIN: fit.chosen.davies_bouldin,
            COST: fit.chosen.cost,
            "smallest_segment_share": min(fit.chosen.sizes) / sum(fit.chosen.sizes),
        },
        tags={"as_of": str(as_of), FEATURES: json.dumps(fit.features), SEGMENTS: json.dumps(segments)},
        steps={
            f"{SILHOUETTE}_by_k": [(k, s) for k, s, _, _ in by_k],
            f"{DAVIES_BOULDIN}_by_k": [(k, d) for k, _, d, _ in by_k],
            f"{COST}_by_k": [(k, c) for k, _, _, c in by_k],
        },
        curves=(
            Curve(
                "silhouette",
                "Choice of k: silhouette (higher is better)",
                ("k", SILHOUETTE),
                [r[:2] for r in by_k],
                SILHOUETTE,
            ),
            Curve(
                "davies_bouldin",
                "Davies-Bouldin (lower is better)",
                ("k", DAVIES_BOULDIN),
                [(r[0], r[2]) for r in by_k],
                DAVIES_BOULDIN,
            ),
            Curve("elbow", "Elbow: cost by k", ("k", COST), [(r[0], r[3]) for r in by_k], COST),
        ),
        documents={"segments.json": segments, "left_out.json": dict(fit.left_out)},
    )


def describe_propensity(
    fit: PropensityFit, *, fingerprint: str, roles: Roles, params: PropensityParams, data: tuple[DataSet, ...]
) -> Training:
    """Describe a propensity training: both candidates, the choice, figures on held-out later data, calibration."""
    by_candidate = {
        f"{candidate.name}_{name}": value
        for candidate in fit.candidates
        for name, value in _candidate_metrics(candidate.cross_validated, candidate.metrics).items()
    }
    settings = {f"{c.name}.{name}": value for c in fit.candidates for name, value in c.settings.items()}
    cuts = {"training_cuts": ",".join(map(str, roles.training)), EVALUATION_CUT: str(roles.evaluation)}
    chosen = {"target": fit.target, CHOSEN: fit.chosen}
    return Training(
        kind=propensity_kind(fit.target),
        fingerprint=fingerprint,
        pipeline=fit.pipeline,
        features=fit.features,
        outputs={"prediction": "double"},
        data=data,
        params={**_params(params), **settings, **cuts, **chosen, "left_out": json.dumps(fit.left_out)},
        metrics={**fit.metrics, **by_candidate, **fit.counts},
        tags={**cuts, **chosen, FEATURES: json.dumps(fit.features)},
        curves=(
            _calibration_curve("calibration", f"Calibration of {fit.target}, calibrated score", fit.bins),
            _calibration_curve("calibration_raw", f"Calibration of {fit.target}, raw score", fit.raw_bins),
        ),
        documents={"left_out.json": dict(fit.left_out)},
    )


def segments_of(model: ModelVersion) -> tuple[Segment, ...]:
    """Return the segments that a cluster model carries."""
    return tuple(Segment(**document) for document in json.loads(model.tags[SEGMENTS]))


def features_of(model: ModelVersion) -> tuple[str, ...]:
    """Return the features that a model reads."""
    return tuple(json.loads(model.tags[FEATURES]))


def _params(params: ClusterParams | PropensityParams) -> dict[str, object]:
    return {name: json.dumps(value) for name, value in params.model_dump(mode="json").items()}


def _candidate_metrics(cross_validated: float | None, metrics: Mapping[str, float]) -> dict[str, float]:
    return (
        dict(metrics) if cross_validated is None else {**metrics, "cross_validated_auc_pr": cross_validated}
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
