"""Train a propensity model per target on earlier cuts, measure it on a later one, register and judge it."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F

from segmentation.errors import UntrainableError
from segmentation.frames import hold_small, union_all
from segmentation.models.clustering import CLUSTERS, assign_clusters, name_cluster
from segmentation.models.held_out import PREDICTION, RAW, SEGMENT, score_measuring
from segmentation.models.inputs import check_known, feature_sets_at, select_cut, training_fingerprint
from segmentation.models.measures import better_by
from segmentation.models.propensity import fit_propensity
from segmentation.models.rows import learnt_features
from segmentation.models.windows import LABEL, Cuts
from segmentation.runtime.asking import label_target, read_inputs
from segmentation.runtime.context import Context, RunReport
from segmentation.runtime.decisions import write_decisions
from segmentation.runtime.main import run_job
from segmentation.segments.targets import Target, list_training_cuts, load_targets, require_cuts
from segmentation.tables import EVENTS, MODEL_DECISIONS, SESSIONS, USER_DAYS, USER_FEATURES
from segmentation.tracking.promotion import decide_on_propensity
from segmentation.tracking.records import DECISION, DataSet, ModelVersion, Verdict
from segmentation.tracking.trainings import (
    REMARKS,
    describe_propensity,
    features_of,
    has_features,
    propensity_kind,
    segments_of,
    summarise_training,
)

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence
    from datetime import date

    from pyspark.sql import DataFrame

    from segmentation.evaluation.comparison import Difference
    from segmentation.runtime.asking import Inputs

READS = (EVENTS, SESSIONS, USER_DAYS, USER_FEATURES, MODEL_DECISIONS)
WRITES = (MODEL_DECISIONS,)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The job has no options of its own."""


def run(ctx: Context) -> RunReport:
    """Train, register and judge each target; the same events, features, parameters and code make no second version.

    A target that cannot be learnt from these data is left out with a note, and keeps the champion that it has.

    Raises:
        UntrainableError: no target can be learnt: the history is too short, or labels hold one class only.
        ConfigurationError: a target is wrong, a table is missing, or `user_features` lacks a cut or a feature.
    """
    config = ctx.config
    targets = load_targets(ctx.conf_dir, params=config.propensity, workspace=config.workspace)
    inputs = _hold_features(ctx, read_inputs(ctx), targets)
    check_known(inputs.features, features=learnt_features(config.propensity))
    models, quality, notes = {}, dict[str, Any](), list[str]()
    failure: UntrainableError | None = None
    for target in targets:
        try:
            model, quality[target.name] = _learn(ctx, inputs, target)
        except UntrainableError as error:
            notes.append(f"{target.name}: no model: {error}")
            failure = failure or error
            continue
        models[propensity_kind(target.name)] = model
        notes += [f"{target.name}: {remark}" for remark in json.loads(model.tags[REMARKS])]
        if not quality[target.name]["trained"]:
            notes.append(f"{target.name}: nothing changed since version {model.version} was trained: it is kept")
    if failure is not None and not models:
        raise failure
    write_decisions(ctx, models)
    return RunReport(as_of=ctx.as_of, quality=quality, notes=notes)


def _hold_features(ctx: Context, inputs: Inputs, targets: Sequence[Target]) -> Inputs:
    """Collect the features at the cuts of all targets once if they are few (`frames.hold_small`)."""
    cuts = list_training_cuts(targets, **_cut_settings(ctx, inputs))
    return replace(inputs, features=hold_small(inputs.features.where(F.col("as_of").isin(*cuts)))) if cuts else inputs


def _cut_settings(ctx: Context, inputs: Inputs) -> dict[str, Any]:
    lateness = ctx.config.ingest.allowed_lateness_days
    params = ctx.config.propensity
    return {"as_of": ctx.as_of, "history": inputs.history, "allowed_lateness_days": lateness, "params": params}


def _learn(ctx: Context, inputs: Inputs, target: Target) -> tuple[ModelVersion, dict[str, Any]]:
    """Train and judge the model of a target, where nothing like it was trained before; say what it is like."""
    cuts = require_cuts(target, **_cut_settings(ctx, inputs))
    versions = feature_sets_at(inputs.features, cuts=sorted(cuts.all))
    fingerprint = _fingerprint(ctx, target, [versions[cut] for cut in cuts.all])
    found = ctx.tracking.store.find(propensity_kind(target.name), fingerprint)
    model = found or _train(ctx, inputs, target, cuts, fingerprint)
    if DECISION not in model.tags:
        model = ctx.tracking.store.settle(model, _judge(ctx, inputs, target, cuts, model))
    return model, summarise_training(model, cuts, trained=found is None)


def _fingerprint(ctx: Context, target: Target, feature_sets: Sequence[str]) -> str:
    return training_fingerprint(
        basis=ctx.lake.publications.current().bases.get(USER_FEATURES.name, 0),
        shaped_by={
            **ctx.lake.parameters(USER_FEATURES),
            "features": ",".join(feature_sets),
            "target": target.version,
            "costs": target.costs.fingerprint,
        },
        as_of=ctx.as_of,
        params=ctx.config.propensity.shaping,
    )


def _train(ctx: Context, inputs: Inputs, target: Target, cuts: Cuts, fingerprint: str) -> ModelVersion:
    params, kind = ctx.config.propensity, propensity_kind(target.name)
    features = learnt_features(params)
    fit = fit_propensity(
        union_all(label_target(ctx, inputs, target, cut, features) for cut in cuts.all),
        cuts=cuts,
        window=target.window,
        target=target.name,
        params=params,
        costs=target.costs,
        memory=ctx.tracking.store.trials(kind, fingerprint),
        segments=_segments(ctx, inputs, cuts.evaluation),
    )
    for name, reason in fit.left_out.items():
        ctx.progress.say(f"propensity {target.name}: feature {name} left out: {reason}")
    sources = (USER_FEATURES, EVENTS)
    data = tuple(DataSet(t.name, ctx.lake.path(t), ctx.lake.version(t) or 0) for t in sources)
    return ctx.tracking.store.record(
        describe_propensity(
            fit, fingerprint=fingerprint, cuts=cuts, target_version=target.version, params=params, data=data
        )
    )


def _segments(ctx: Context, inputs: Inputs, cut: date) -> DataFrame | None:
    """Place the users of the evaluation cut into the segments of the cluster champion; None where there is none."""
    champion = ctx.tracking.store.champion(CLUSTERS)
    if champion is None or not has_features(champion, inputs.features.columns):
        return None
    users = select_cut(inputs.features, as_of=cut, features=features_of(champion))
    segments = segments_of(champion)
    placed = assign_clusters(users, pipeline=ctx.tracking.store.load(champion), segments=segments)
    return placed.select("user_id", name_cluster(segments).alias(SEGMENT))


def _judge(ctx: Context, inputs: Inputs, target: Target, cuts: Cuts, model: ModelVersion) -> Verdict:
    """Compare with the champion on the measuring half of this training's evaluation cut."""
    store, params = ctx.tracking.store, ctx.config.propensity

    def compare(champion: ModelVersion) -> Difference:
        features = tuple(dict.fromkeys((*features_of(model), *features_of(champion))))
        labelled = label_target(ctx, inputs, target, cuts.evaluation, features).cache()
        users = int(model.metrics["calibration_half_users"] + model.metrics["measuring_half_users"])
        one, other = (
            score_measuring(labelled, pipeline=store.load(m), params=params, users=users) for m in (model, champion)
        )
        labelled.unpersist()
        ours, theirs = ((scored[RAW].to_numpy(), scored[PREDICTION].to_numpy()) for scored in (one, other))
        return better_by(ours, theirs, one[LABEL].to_numpy(), params=params)

    return decide_on_propensity(
        model,
        store.champion(propensity_kind(target.name)),
        target=target.name,
        target_version=target.version,
        cut=cuts.evaluation,
        known=inputs.features.columns,
        compare=compare,
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    return run_job(sys.modules[__name__], argv)


if __name__ == "__main__":
    sys.exit(main())
