"""Read the tables and models that monitoring compares at the run's cut, and compare them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pyspark.sql import functions as F

from segmentation.models.windows import maturity_of
from segmentation.monitoring.daily_flows import count_daily_flows
from segmentation.monitoring.outcomes import list_scored_cuts, measure_outcomes
from segmentation.monitoring.rates import Rate, compare_outcomes, compare_rates
from segmentation.monitoring.samples import DriftFound, ScoringModels, compare_samples
from segmentation.runtime.asking import read_inputs
from segmentation.segments.targets import load_targets
from segmentation.sequences.states import load_states
from segmentation.tables import EVENTS, SEGMENT_ASSIGNMENTS, USER_DAYS, USER_FEATURES
from segmentation.tracking.scorers import features_of_all, find_models_of_cut, target_version_of
from segmentation.tracking.trainings import segments_of

if TYPE_CHECKING:
    from datetime import date

    from segmentation.runtime.context import Context


class PredictionRates(NamedTuple):
    """Predicted and observed shares of the targets that can be checked, and notes on the others."""

    rates: list[Rate]
    notes: list[str]


def compare_with_baseline(ctx: Context, baseline: date | None) -> DriftFound:
    """Compare features, predictions and segments of two cuts, by the models that scored the run's.

    Args:
        ctx: the run.
        baseline: the earlier cut; None: there is none, and nothing is compared, with a note.

    Raises:
        ConfigurationError: a feature to compare does not exist.
    """
    as_of, params = ctx.as_of, ctx.config.monitoring
    if baseline is None:
        note = f"no cut of user_features is {params.baseline_days} days before {as_of}: no drift is measured"
        return DriftFound([], [note])
    models = find_models_of_cut(ctx.tracking, ctx.lake.read(SEGMENT_ASSIGNMENTS), as_of)
    if models is None:
        note = f"nothing was scored at {as_of} (jobs/score_segments.py --as-of {as_of}): no drift is measured"
        return DriftFound([], [note])
    store = ctx.tracking.store
    row = ctx.lake.read(EVENTS).agg(F.min("event_date").alias("first")).head()
    propensities = {target: store.load(model) for target, model in models.propensities.items()}
    return compare_samples(
        ctx.lake.read(USER_FEATURES),
        baseline=baseline,
        as_of=as_of,
        first_event=row["first"] if row else baseline,
        read=features_of_all([models.clusters, *models.propensities.values()]),
        models=ScoringModels(store.load(models.clusters), segments_of(models.clusters), propensities),
        params=params,
    )


def compare_transition_rates(ctx: Context) -> list[Rate]:
    """Compare the transition rates of the newest days before the run's cut with those of the days before them.

    Raises:
        ConfigurationError: nothing was ingested yet, or the states are wrong.
    """
    as_of, params = ctx.as_of, ctx.config.monitoring
    daily = count_daily_flows(
        ctx.lake.require(EVENTS, "ingest_events"),
        states=load_states(ctx.conf_dir),
        as_of=as_of,
        time_zone=ctx.config.workspace.time_zone,
        params=params,
    )
    return compare_rates(daily, as_of=as_of, goals=ctx.config.sequences.goals, params=params)


def compare_predictions(ctx: Context) -> PredictionRates:
    """Compare the newest predictions of each target that can be checked with their outcomes, and note the others.

    Raises:
        ConfigurationError: a target, funnel or state is wrong, or features were not built yet.
        DataError: nothing had happened and been received before the run's cut.
    """
    config, assignments = ctx.config, ctx.lake.read(SEGMENT_ASSIGNMENTS)
    cuts = list_scored_cuts(assignments)
    if not cuts:
        return PredictionRates([], ["nothing was scored yet: no calibration is measured"])
    targets = load_targets(ctx.conf_dir, params=config.propensity)
    inputs, lateness = read_inputs(ctx), config.ingest.allowed_lateness_days
    outcomes = measure_outcomes(
        assignments,
        ctx.lake.read(USER_DAYS).select("user_id").distinct(),
        targets=targets,
        cuts=cuts,
        known=inputs.known,
        maturity_days=maturity_of(inputs.history, allowed_lateness_days=lateness, params=config.propensity),
        as_of=ctx.as_of,
        target_version=lambda target, version: target_version_of(ctx.tracking.store, target, version),
    )
    rates = compare_outcomes(outcomes.measured, rate=config.monitoring.false_discovery_rate)
    return PredictionRates(rates, outcomes.notes)
