"""Read the records of models from the tracking store: versions, choice, calibration, gains and importance."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from segmentation.models.clustering import CLUSTERS
from segmentation.review.frames.segments import list_scorers
from segmentation.tables import SEGMENT_ASSIGNMENTS
from segmentation.tracking.cluster_trainings import CANDIDATE, CANDIDATES
from segmentation.tracking.records import CHOSEN, DECISION, REASON
from segmentation.tracking.trainings import EVALUATION_CUT, REPORT, propensity_kind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from segmentation.review.frames.records import Record, Records
    from segmentation.review.sections.reading import Reading
    from segmentation.tracking import Tracking
    from segmentation.tracking.records import ModelVersion
    from segmentation.tracking.store import Store

CALIBRATION, GAINS = "calibration", "gains"
"""Names of curves that are recorded with a propensity training."""
BY_K = ("silhouette", "stability", "elbow")
"""Names of curves that are recorded with a cluster training."""
IN_USE, CANDIDATE_ROLE, EARLIER = "champion", "challenger", "earlier"


@dataclass(frozen=True)
class ModelRecords:
    """Records of models; all are empty if there is no store."""

    calibration: Mapping[str, Records] = field(default_factory=dict)
    """Target -> points of the held-out calibration curve: predicted, observed, lower, upper (95 %), users."""
    gains: Mapping[str, Records] = field(default_factory=dict)
    """Target -> points of the gains curve: share, captured, lift, precision, users."""
    trainings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Target -> `propensity_report` of the model that scored last."""
    versions: Records = field(default_factory=list)
    """Versions, the newest of a kind first: kind, version, role, decision, reason, as_of, chosen, metrics."""
    by_k: Mapping[str, Records] = field(default_factory=dict)
    """Curve of the cluster champion -> a point per k."""
    candidates: Records = field(default_factory=list)
    """Candidates of the training of the cluster champion."""


def read_models(reading: Reading, tracking: Tracking) -> ModelRecords:
    """Read what was recorded of the propensity models that scored last, and of all versions that are registered."""
    if not tracking.exists:
        return ModelRecords()
    cut, store = reading.newest_cut(SEGMENT_ASSIGNMENTS), tracking.store
    scorers = list_scorers(reading.read(SEGMENT_ASSIGNMENTS), cut) if cut else []
    calibration, gains, trainings = {}, {}, {}
    for scorer in scorers:
        target, which = scorer["target"], (propensity_kind(scorer["target"]), scorer["model_version"])
        points = store.read_curve(*which, CALIBRATION)
        calibration[target] = [{**p, "lower": p["lower_95"], "upper": p["upper_95"]} for p in points]
        gains[target] = store.read_curve(*which, GAINS)
        trainings[target] = store.read_document(*which, REPORT)
    champion = store.champion(CLUSTERS)
    return ModelRecords(
        calibration=_known(calibration),
        gains=_known(gains),
        trainings=_known(trainings),
        versions=[r for kind in store.kinds() for r in _versions(store, kind, reading.params.versions)],
        by_k=_known({name: store.read_curve(CLUSTERS, champion.version, name) for name in BY_K}) if champion else {},
        candidates=(store.read_document(CLUSTERS, champion.version, CANDIDATES) or []) if champion else [],
    )


def _known(found: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in found.items() if value}


def _versions(store: Store, kind: str, limit: int) -> Records:
    champion = store.champion(kind)
    newest = store.versions(kind, newest=limit)[::-1]
    older = champion is not None and champion.version not in {model.version for model in newest}
    return [
        _version(kind, model, champion, newest[0]) for model in [*newest, *([champion] if champion and older else [])]
    ]


def _version(kind: str, model: ModelVersion, champion: ModelVersion | None, newest: ModelVersion) -> Record:
    in_use = champion is not None and model.version == champion.version
    challenging = model.version == newest.version or champion is None or int(model.version) > int(champion.version)
    return {
        "kind": kind,
        "version": model.version,
        "role": IN_USE if in_use else CANDIDATE_ROLE if challenging else EARLIER,
        "decision": model.tags.get(DECISION, ""),
        "reason": model.tags.get(REASON, ""),
        "as_of": model.tags.get("as_of") or model.tags.get(EVALUATION_CUT, ""),
        "chosen": model.tags.get(CANDIDATE) or model.tags.get(CHOSEN, ""),
        "metrics": dict(model.metrics),
    }
