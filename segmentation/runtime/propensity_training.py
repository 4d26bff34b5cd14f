"""Train, record and judge the propensity model of one target."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from pyspark.sql import functions as F

from segmentation.frames import hold_small, union_all
from segmentation.models.inputs import feature_sets_at, training_fingerprint
from segmentation.models.measures import compare_on_held_out
from segmentation.models.propensity import fit_propensity
from segmentation.models.rows import learnt_features
from segmentation.runtime.asking import label_target
from segmentation.segments.targets import list_training_cuts, require_cuts
from segmentation.tables import EVENTS, USER_FEATURES
from segmentation.tracking.promotion import decide_on_propensity
from segmentation.tracking.records import DECISION, DataSet
from segmentation.tracking.scorers import place_by_champion
from segmentation.tracking.trainings import describe_propensity, features_of, propensity_kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from segmentation.evaluation.comparison import Difference
    from segmentation.models.windows import Cuts
    from segmentation.runtime.asking import Inputs
    from segmentation.runtime.context import Context
    from segmentation.segments.targets import Target
    from segmentation.tracking.records import ModelVersion, Verdict


class Trained(NamedTuple):
    """The model version of a target and the cuts on which it was trained and measured."""

    model: ModelVersion
    cuts: Cuts
    is_new: bool
    """False if a version of an earlier run was trained on the same events, features, parameters and code."""


def hold_features(ctx: Context, inputs: Inputs, targets: Sequence[Target]) -> Inputs:
    """Collect the features at the cuts of all targets once if they are few (`frames.hold_small`)."""
    cuts = list_training_cuts(targets, **_cut_settings(ctx, inputs))
    return replace(inputs, features=hold_small(inputs.features.where(F.col("as_of").isin(*cuts)))) if cuts else inputs


def train_target(ctx: Context, inputs: Inputs, target: Target) -> Trained:
    """Train the model of a target unless an equal training is recorded, and decide whether it becomes champion.

    A version whose run broke off before the decision is decided on now.

    Args:
        ctx: the run.
        inputs: known events, and features at the cuts of the target.
        target: the target.

    Raises:
        UntrainableError: the history is too short, or labels have one class only.
        ConfigurationError: `user_features` lacks a cut or a feature.
    """
    cuts = require_cuts(target, **_cut_settings(ctx, inputs))
    versions = feature_sets_at(inputs.features, cuts=sorted(cuts.all))
    fingerprint = _fingerprint(ctx, target, [versions[cut] for cut in cuts.all])
    found = ctx.tracking.store.find(propensity_kind(target.name), fingerprint)
    if found is None:
        ctx.tracking.store.require_active()
    model = found or _train(ctx, inputs, target, cuts, fingerprint)
    if DECISION not in model.tags:
        model = ctx.tracking.store.settle(model, _judge(ctx, inputs, target, cuts, model))
    return Trained(model, cuts, is_new=found is None)


def _cut_settings(ctx: Context, inputs: Inputs) -> dict[str, Any]:
    lateness = ctx.config.ingest.allowed_lateness_days
    params = ctx.config.propensity
    return {"as_of": ctx.as_of, "history": inputs.history, "allowed_lateness_days": lateness, "params": params}


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
    params, store, kind = ctx.config.propensity, ctx.tracking.store, propensity_kind(target.name)
    features = learnt_features(params)
    fit = fit_propensity(
        union_all(label_target(ctx, inputs, target, cut, features) for cut in cuts.all),
        cuts=cuts,
        window=target.window,
        target=target.name,
        params=params,
        costs=target.costs,
        memory=store.trials(kind, fingerprint),
        segments=place_by_champion(store, inputs.features, cuts.evaluation),
    )
    for name, reason in fit.left_out.items():
        ctx.progress.say(f"propensity {target.name}: feature {name} left out: {reason}")
    sources = (USER_FEATURES, EVENTS)
    data = tuple(DataSet(t.name, ctx.lake.path(t), ctx.lake.version(t) or 0) for t in sources)
    return store.record(
        describe_propensity(
            fit, fingerprint=fingerprint, cuts=cuts, target_version=target.version, params=params, data=data
        )
    )


def _judge(ctx: Context, inputs: Inputs, target: Target, cuts: Cuts, model: ModelVersion) -> Verdict:
    """Compare with the champion on the measuring half of this training's evaluation cut."""
    store, params = ctx.tracking.store, ctx.config.propensity

    def compare(champion: ModelVersion) -> Difference:
        features = tuple(dict.fromkeys((*features_of(model), *features_of(champion))))
        labelled = label_target(ctx, inputs, target, cuts.evaluation, features).cache()
        users = int(model.metrics["calibration_half_users"] + model.metrics["measuring_half_users"])
        pipelines = store.load(model), store.load(champion)
        difference = compare_on_held_out(labelled, *pipelines, params=params, users=users)
        labelled.unpersist()
        return difference

    return decide_on_propensity(
        model,
        store.champion(propensity_kind(target.name)),
        target=target.name,
        target_version=target.version,
        cut=cuts.evaluation,
        known=inputs.features.columns,
        compare=compare,
    )
