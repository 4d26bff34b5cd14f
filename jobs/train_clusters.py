"""Train the cluster model on the users at the cut, register it, make it champion where it is at least as good."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from segmentation.evaluation.comparison import compare_means
from segmentation.evaluation.separation import SILHOUETTE_EUCLIDEAN
from segmentation.models.clustering import CLUSTERS, fit_clusters, silhouettes_of
from segmentation.models.identity import carry_identities, count_segment_flows, match_successors
from segmentation.models.inputs import feature_set_at, select_cut, training_fingerprint
from segmentation.runtime.context import Context, RunReport
from segmentation.runtime.decisions import write_decisions
from segmentation.runtime.main import run_job
from segmentation.tables import MODEL_DECISIONS, USER_FEATURES
from segmentation.tracking.cluster_trainings import describe_clusters, has_structure, summarise_clusters
from segmentation.tracking.promotion import decide_on_clusters
from segmentation.tracking.records import DECISION, REASON, DataSet, ModelVersion, Verdict
from segmentation.tracking.trainings import features_of, has_features, segments_of

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from pyspark.sql import DataFrame

    from segmentation.evaluation.comparison import Difference
    from segmentation.models.clustering import ClusterFit
    from segmentation.models.identity import Comparison
    from segmentation.models.methods.method import Points

READS = (USER_FEATURES, MODEL_DECISIONS)
WRITES = (MODEL_DECISIONS,)
BOOTSTRAP_ROUNDS = 500
"""Resamples behind the interval of the difference to the champion."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The job has no options of its own."""


def run(ctx: Context) -> RunReport:
    """Train, register and judge; the same events, features, cut, parameters and code make no second version.

    Raises:
        DataError: no users at the cut, fewer users than clusters, or no feature that tells them apart.
        ConfigurationError: `user_features` is missing, or lacks a configured feature.
    """
    as_of, store = ctx.as_of, ctx.tracking.store
    table = ctx.lake.require(USER_FEATURES, "build_features")
    fingerprint = training_fingerprint(
        basis=ctx.lake.publications.current().bases.get(USER_FEATURES.name, 0),
        shaped_by={"features": feature_set_at(table, as_of=as_of), **ctx.lake.parameters(USER_FEATURES)},
        as_of=as_of,
        params=ctx.config.clusters,
    )
    found = store.find(CLUSTERS, fingerprint)
    if found is None:
        store.require_active()
    model = found or _train(ctx, table, fingerprint)
    if DECISION not in model.tags:
        model = store.settle(model, _judge(ctx, table, model))
    write_decisions(ctx, {CLUSTERS: model})
    notes = [f"nothing changed since version {model.version} was trained: it is kept"] if found else []
    if not has_structure(model):
        notes.append(f"NO cluster structure at {as_of}: {model.tags[REASON]}; see the nested runs of {model.run_id}")
    return RunReport(as_of=as_of, quality=summarise_clusters(model, trained=found is None), notes=notes)


def _train(ctx: Context, table: DataFrame, fingerprint: str) -> ModelVersion:
    params, as_of = ctx.config.clusters, ctx.as_of
    users = select_cut(table, as_of=as_of, features=params.inputs)
    fit = fit_clusters(users, params=params, fingerprint=fingerprint)
    for name, reason in fit.left_out.items():
        ctx.progress.say(f"clusters: feature {name} left out: {reason}")
    comparison = _compare(ctx, table, fit)
    if comparison is not None:
        fit = replace(fit, segments=carry_identities(fit.segments, comparison.matches))
    data = DataSet(USER_FEATURES.name, ctx.lake.path(USER_FEATURES), ctx.lake.version(USER_FEATURES) or 0)
    return ctx.tracking.store.record(
        describe_clusters(fit, fingerprint=fingerprint, as_of=as_of, params=params, data=(data,), comparison=comparison)
    )


def _compare(ctx: Context, table: DataFrame, fit: ClusterFit) -> Comparison | None:
    """Find the champion's segments in a new model, on the users at this cut; None where either has none.

    Everyone together is no segment: a cluster that holds most of them is not what they were.
    """
    champion = ctx.tracking.store.champion(CLUSTERS)
    if champion is None or not has_features(champion, table.columns):
        return None
    if fit.chosen is None or not has_structure(champion):
        return None
    features = tuple(dict.fromkeys((*fit.features, *features_of(champion))))
    users = select_cut(table, as_of=ctx.as_of, features=features)
    segments = segments_of(champion)
    flows = count_segment_flows(
        users, previous=(ctx.tracking.store.load(champion), segments), current=(fit.pipeline, fit.segments)
    )
    return match_successors(segments, fit.segments, flows=flows)


def _judge(ctx: Context, table: DataFrame, model: ModelVersion) -> Verdict:
    """Compare with the champion on the users at this cut."""
    champion = ctx.tracking.store.champion(CLUSTERS)

    def compare(champion: ModelVersion) -> Difference | None:
        ours, theirs = (_silhouettes(ctx, table, one) for one in (model, champion))
        if ours is None or theirs is None:
            return None
        seed = ctx.config.clusters.seed
        return compare_means(ours, theirs, metric=SILHOUETTE_EUCLIDEAN, rounds=BOOTSTRAP_ROUNDS, seed=seed)

    return decide_on_clusters(model, champion, cut=ctx.as_of, known=table.columns, compare=compare)


def _silhouettes(ctx: Context, table: DataFrame, model: ModelVersion) -> Points | None:
    users = select_cut(table, as_of=ctx.as_of, features=features_of(model))
    return silhouettes_of(users, pipeline=ctx.tracking.store.load(model), most=ctx.config.clusters.evidence_users)


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    return run_job(sys.modules[__name__], argv)


if __name__ == "__main__":
    sys.exit(main())
