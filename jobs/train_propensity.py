"""Train a propensity model per target on earlier cuts, measure it on a later one, register and judge it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F

from segmentation.errors import DataError
from segmentation.evaluation.classification import AUC_PR, AUC_ROC, BRIER, LOG_LOSS
from segmentation.frames import union_all
from segmentation.models.inputs import feature_set_at, training_fingerprint
from segmentation.models.labels import Roles, assign_roles, label_users
from segmentation.models.propensity import auc_pr_of, fit_propensity
from segmentation.runtime.context import Context, RunReport
from segmentation.runtime.main import run_job
from segmentation.tables.events import EVENTS
from segmentation.tables.user_days import USER_DAYS
from segmentation.tables.user_features import USER_FEATURES
from segmentation.tracking.records import CHOSEN, DECISION, DataSet, ModelVersion, Verdict, judge
from segmentation.tracking.trainings import describe_propensity, features_of, propensity_kind

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence
    from datetime import date

    from pyspark.sql import DataFrame

    from segmentation.models.params import Target

READS = (EVENTS, USER_DAYS, USER_FEATURES)
WRITES = ()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The job has no options of its own."""


def run(ctx: Context) -> RunReport:
    """Train, register and judge each target; the same events, features, parameters and code make no second version.

    Raises:
        DataError: the history is too short, or labels hold one class only.
        ConfigurationError: a table is missing, or `user_features` lacks a cut or a configured feature.
    """
    as_of, params = ctx.as_of, ctx.config.propensity
    roles = _read_roles(ctx)
    table = ctx.lake.require(USER_FEATURES, "build_features")
    versions = [feature_set_at(table, as_of=cut) for cut in (*roles.training, roles.evaluation)]
    quality: dict[str, Any] = {"training_cuts": roles.training, "evaluation_cut": roles.evaluation}
    notes = []
    for target in params.targets:
        fingerprint = training_fingerprint(
            basis=ctx.lake.publications.current().bases.get(USER_FEATURES.name, 0),
            feature_set_version=f"{target}:{','.join(versions)}",
            as_of=as_of,
            params=params,
        )
        found = ctx.tracking.store.find(propensity_kind(target), fingerprint)
        model = found or _train(ctx, target, roles, fingerprint)
        if DECISION not in model.tags:
            model = ctx.tracking.store.settle(model, _judge(ctx, target, roles, model))
        quality[target] = _summary(model, trained=found is None)
        if found:
            notes.append(f"{target}: nothing changed since version {model.version} was trained: it is kept")
    return RunReport(as_of=as_of, quality=quality, notes=notes)


def _read_roles(ctx: Context) -> Roles:
    events = ctx.lake.require(EVENTS, "ingest_events")
    row = events.agg(F.min("event_date").alias("first"), F.max("event_date").alias("last")).head()
    if row is None or row["first"] is None:
        raise DataError("table 'events' is empty: every record was rejected; see table 'quarantine'")
    return assign_roles(ctx.config.propensity.feature_cuts(ctx.as_of, row["first"], row["last"]), as_of=ctx.as_of)


def _train(ctx: Context, target: Target, roles: Roles, fingerprint: str) -> ModelVersion:
    params = ctx.config.propensity
    training = union_all(_labelled(ctx, target, cut) for cut in roles.training)
    fit = fit_propensity(training, _labelled(ctx, target, roles.evaluation), target=target, params=params)
    for name, reason in fit.left_out.items():
        ctx.progress.say(f"propensity {target}: feature {name} left out: {reason}")
    data = tuple(DataSet(t.name, ctx.lake.path(t), ctx.lake.version(t) or 0) for t in (USER_FEATURES, USER_DAYS))
    return ctx.tracking.store.record(
        describe_propensity(fit, fingerprint=fingerprint, roles=roles, params=params, data=data)
    )


def _labelled(ctx: Context, target: Target, cut: date, features: Sequence[str] | None = None) -> DataFrame:
    """Label the users at a cut, with the configured features or others."""
    params = ctx.config.propensity
    return label_users(
        ctx.lake.read(USER_FEATURES),
        ctx.lake.require(USER_DAYS, "ingest_events"),
        cut=cut,
        target=target,
        params=params if features is None else params.model_copy(update={"features": tuple(features)}),
    )


def _judge(ctx: Context, target: Target, roles: Roles, model: ModelVersion) -> Verdict:
    """Compare with the champion on the measuring half of this training's evaluation cut, by AUC-PR of the raw score."""
    store, params = ctx.tracking.store, ctx.config.propensity
    champion = store.champion(propensity_kind(target))
    rival = None
    if champion is not None and set(features_of(champion)) <= set(ctx.lake.read(USER_FEATURES).columns):
        later = _labelled(ctx, target, roles.evaluation, features_of(champion))
        rival = auc_pr_of(later, pipeline=store.load(champion), params=params)
    return judge(AUC_PR, challenger=model.metrics[AUC_PR], champion=rival)


def _summary(model: ModelVersion, *, trained: bool) -> dict[str, Any]:
    figures = {name: model.metrics[name] for name in (AUC_PR, AUC_ROC, LOG_LOSS, BRIER)}
    about = {"model": model.name, "version": model.version, "trained": trained}
    return {**about, "decision": model.tags[DECISION], CHOSEN: model.tags[CHOSEN], **figures}


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    return run_job(sys.modules[__name__], argv)


if __name__ == "__main__":
    sys.exit(main())
