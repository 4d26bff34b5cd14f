"""Record a cluster training: the model, its segments, and the evidence of every candidate."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from segmentation.evaluation.separation import DAVIES_BOULDIN, SILHOUETTE, SILHOUETTE_EUCLIDEAN
from segmentation.models.clustering import CLUSTERS, EVERYONE
from segmentation.models.evidence import rule_of
from segmentation.tracking.records import DECISION, Curve, NestedRun, Training
from segmentation.tracking.trainings import COST, FEATURES, SEGMENTS, encode_params, segments_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date

    from segmentation.models.clustering import ClusterFit, Segment
    from segmentation.models.evidence import Trial
    from segmentation.models.identity import Comparison
    from segmentation.models.params import ClusterParams
    from segmentation.tracking.records import DataSet, ModelVersion

STRUCTURE = "cluster_structure"
"""Tag and metric: whether there are clusters."""
FOUND, NONE = "found", "none"
CANDIDATE = "candidate"
RULE = "rule"
REFERENCE, JACCARD = "reference_silhouette", "bootstrap_jaccard"
ADJUSTED_RAND_TO_CHAMPION = "adjusted_rand_to_champion"
AS_OF = "as_of"
"""Tag: the cut of the training."""
CANDIDATES = "candidates.json"
"""Document of all that was tried: figures and verdict of each."""
MATCHES, MIGRATION = "segment_matches.json", "segment_migration.json"
"""Documents: the successors of the champion's segments, and its users by old segment (rows) and new one (columns)."""


def describe_clusters(
    fit: ClusterFit,
    *,
    fingerprint: str,
    as_of: date,
    params: ClusterParams,
    data: tuple[DataSet, ...],
    comparison: Comparison | None = None,
) -> Training:
    """Describe a cluster training: a nested run per candidate, curves by k, and the segments that the model carries.

    `comparison` is with the champion, where there is one: what became of its segments.
    """
    chosen = fit.chosen.name if fit.chosen else EVERYONE
    described = {"as_of": as_of, "k": len(fit.segments), "left_out": json.dumps(fit.left_out), "chosen": chosen}
    return Training(
        kind=CLUSTERS,
        fingerprint=fingerprint,
        pipeline=fit.pipeline,
        features=fit.features,
        outputs={"prediction": "integer"},
        data=data,
        params={**encode_params(params), **described},
        metrics={**_metrics(fit), **({ADJUSTED_RAND_TO_CHAMPION: comparison.adjusted_rand} if comparison else {})},
        tags={
            AS_OF: str(as_of),
            FEATURES: json.dumps(fit.features),
            SEGMENTS: json.dumps([segment.as_document() for segment in fit.segments]),
            STRUCTURE: FOUND if fit.chosen else NONE,
            CANDIDATE: chosen,
            RULE: rule_of(params),
        },
        steps=_steps(fit),
        curves=_curves(fit.trials),
        documents=_documents(fit, comparison, chosen),
        description=_describe(fit, params),
        nested=tuple(_nested(trial, chosen=trial.name == chosen) for trial in fit.trials),
    )


def _describe(fit: ClusterFit, params: ClusterParams) -> str:
    """Say in Markdown what was found, by which rule, and how large the segments are."""
    sizes = [f"- {segment.segment_name}: {segment.users:,} users" for segment in fit.segments]
    found = "no cluster structure"
    if fit.chosen and fit.separation:
        found = f"{fit.chosen.name}, Euclidean silhouette {fit.separation.silhouette.value:.4f}"
    tried = f"Of {len(fit.trials)} candidates, which are the runs below this one. The rule: {rule_of(params)}."
    return "\n\n".join([f"**Chosen**: {found}.", tried, "\n".join(sizes)])


def has_structure(model: ModelVersion) -> bool:
    """Tell whether a cluster model found clusters; models from before that was asked did."""
    return model.tags.get(STRUCTURE, FOUND) == FOUND


def summarise_clusters(model: ModelVersion, *, trained: bool) -> dict[str, object]:
    """Summarise a cluster model and the decision on it for the report of a run."""
    segments = {segment.segment_name: segment.users for segment in segments_of(model)}
    return {
        "model": model.name,
        "version": model.version,
        "trained": trained,
        "decision": model.tags[DECISION],
        "k": len(segments),
        STRUCTURE: FOUND if has_structure(model) else NONE,
        "candidate": model.tags.get(CANDIDATE),
        **{name: model.metrics[name] for name in (SILHOUETTE_EUCLIDEAN, SILHOUETTE) if name in model.metrics},
        "segments": segments,
    }


def rule_behind(model: ModelVersion) -> str:
    """Return the rule by which a cluster model was chosen, in words; empty for models from before there was one."""
    return model.tags.get(RULE, "")


def _documents(fit: ClusterFit, comparison: Comparison | None, chosen: str) -> dict[str, object]:
    """Return what is kept as files: segments, what was tried, and what became of the champion's segments."""
    kept: dict[str, object] = {
        "segments.json": [segment.as_document() for segment in fit.segments],
        "left_out.json": dict(fit.left_out),
        CANDIDATES: [_candidate(trial, chosen=trial.name == chosen) for trial in fit.trials],
    }
    if comparison is not None:
        kept |= {MATCHES: _matches(comparison, fit.segments), MIGRATION: comparison.flows.tolist()}
    return kept


def _matches(comparison: Comparison, segments: Sequence[Segment]) -> list[dict[str, object]]:
    """List the verdicts, present segments under the identity that they carry from now on."""
    carried = {segment.cluster_id: segment for segment in segments}
    return [
        {
            "verdict": match.verdict,
            **_identity("previous", match.previous),
            **_identity("current", carried[match.current.cluster_id] if match.current else None),
            "jaccard": match.jaccard,
            "centroid_distance": match.distance,
            "same_by_centroids": match.same_by_centroids,
        }
        for match in comparison.matches
    ]


def _identity(role: str, segment: Segment | None) -> dict[str, object]:
    names = ("segment_id", "segment_name", "cluster_id")
    return {f"{role}_{name}": None if segment is None else getattr(segment, name) for name in names}


def _metrics(fit: ClusterFit) -> dict[str, float]:
    users = sum(segment.users for segment in fit.segments)
    metrics = {
        "k": len(fit.segments),
        "users": users,
        STRUCTURE: float(fit.chosen is not None),
        "smallest_segment_share": min(segment.users for segment in fit.segments) / users,
    }
    if fit.separation is None:
        return metrics
    jaccards = [segment.jaccard for segment in fit.segments if segment.jaccard is not None]
    return {
        **metrics,
        SILHOUETTE_EUCLIDEAN: fit.separation.silhouette.value,
        f"{SILHOUETTE_EUCLIDEAN}_standard_error": fit.separation.silhouette.standard_error,
        SILHOUETTE: fit.separation.silhouette_squared,
        DAVIES_BOULDIN: fit.separation.davies_bouldin,
        COST: fit.separation.cost,
        "agreement_with_candidate": fit.separation.agreement,
        **({f"{JACCARD}_min": min(jaccards)} if jaccards else {}),
    }


def _steps(fit: ClusterFit) -> dict[str, list[tuple[int, float]]]:
    """Return figures by k: of the method and space that were chosen, else of those tried first."""
    if not fit.trials:
        return {}
    of = fit.chosen or fit.trials[0]
    alike = [t for t in fit.trials if (t.method, t.space) == (of.method, of.space)]
    return {f"{name}_by_k": [(t.k, figure(t)) for t in alike] for name, figure in FIGURES.items()}


def _curves(trials: tuple[Trial, ...]) -> tuple[Curve, ...]:
    if not trials:
        return ()
    return (
        _by_k("silhouette", "Choice of k", trials, SILHOUETTE_EUCLIDEAN, limit=True),
        _by_k("elbow", "Elbow: cost by k, on the sample", trials, COST),
        _by_k("stability", "Least stable cluster", trials, f"{JACCARD}_min"),
    )


def _by_k(name: str, title: str, trials: tuple[Trial, ...], metric: str, *, limit: bool = False) -> Curve:
    """Draw a figure by k, a line per method and space; of equal k the greatest figure."""
    figure: Callable[[Trial], float | None] = FIGURES.get(metric, _worst_jaccard)
    kinds = list(dict.fromkeys((t.method, t.space) for t in trials))
    references = {t.k: t.reference.limit for t in trials}
    greatest: dict[tuple[int, tuple[str, str]], float] = {}
    for trial in trials:
        value, place = figure(trial), (trial.k, (trial.method, trial.space))
        if value is not None:
            greatest[place] = max(value, greatest.get(place, value))
    rows: list[list[float | int | None]] = [
        [k, *(greatest.get((k, kind)) for kind in kinds), *([references[k]] if limit else [])]
        for k in sorted(references)
    ]
    columns = ("k", *(f"{method} {space}" for method, space in kinds), *(("without clusters",) if limit else ()))
    return Curve(name, title, columns, rows, metric)


def _nested(trial: Trial, *, chosen: bool) -> NestedRun:
    """Describe a candidate: its figures, the bootstrap Jaccard of cluster i as step i, and which rules it breaks."""
    metrics = {name: figure(trial) for name, figure in FIGURES.items()}
    worst = _worst_jaccard(trial)
    metrics |= {
        "k": trial.k,
        "sound": float(not trial.flaws),
        "smallest_segment_share": trial.smallest_share,
        f"{REFERENCE}_mean": trial.reference.mean,
        f"{REFERENCE}_std": trial.reference.std,
        f"{REFERENCE}_limit": trial.reference.limit,
        f"{SILHOUETTE_EUCLIDEAN}_standard_error": trial.silhouette.standard_error,
        "sampled_users": trial.silhouette.sampled,
        **({} if worst is None else {f"{JACCARD}_min": worst}),
    }
    return NestedRun(
        name=trial.name,
        params={"method": trial.method, "space": trial.space, "setting": trial.setting},
        metrics=metrics,
        steps={JACCARD: list(enumerate(trial.jaccard))} if trial.jaccard else {},
        tags={"verdict": _verdict(trial, chosen=chosen)},
    )


def _candidate(trial: Trial, *, chosen: bool) -> dict[str, object]:
    """Describe a candidate for the review."""
    return {
        "name": trial.name,
        "method": trial.method,
        "space": trial.space,
        "k": trial.k,
        "silhouette": trial.silhouette.value,
        "silhouette_limit": trial.reference.limit,
        "jaccard_min": _worst_jaccard(trial),
        "smallest_share": trial.smallest_share,
        "davies_bouldin": trial.davies_bouldin,
        "chosen": chosen,
        "verdict": _verdict(trial, chosen=chosen),
    }


def _verdict(trial: Trial, *, chosen: bool) -> str:
    return "chosen" if chosen else "; ".join(trial.flaws) or "sound, but others have a greater silhouette"


def _worst_jaccard(trial: Trial) -> float | None:
    return min(trial.jaccard) if trial.jaccard else None


FIGURES: dict[str, Callable[[Trial], float]] = {
    SILHOUETTE_EUCLIDEAN: lambda trial: trial.silhouette.value,
    SILHOUETTE: lambda trial: trial.silhouette_squared,
    DAVIES_BOULDIN: lambda trial: trial.davies_bouldin,
    COST: lambda trial: trial.cost,
}
"""Metric -> how it is read off a candidate."""
