"""Watches what is in use: drift of features and predictions, transition rates, predictions come true; tells of it."""

from __future__ import annotations

import sys
from datetime import date, timedelta
from typing import TYPE_CHECKING, NamedTuple

import pandas as pd
from pyspark.sql import functions as F

from segmentation.errors import DataError
from segmentation.evaluation.distributions import sample_users
from segmentation.frames import empty_frame, small_frame, union_all
from segmentation.models.clustering import CLUSTERS, assign_clusters
from segmentation.models.inputs import select_cut
from segmentation.models.propensity import CALIBRATED, score_propensity
from segmentation.models.windows import LABEL, maturity_of
from segmentation.monitoring.alerts import (
    Alert,
    Judged,
    alert_rows,
    drift_rows,
    judge_drift,
    judge_rates,
    rate_rows,
    sort_alerts,
)
from segmentation.monitoring.drift import measure_drift
from segmentation.monitoring.rates import PredictionOutcome, compare_outcomes, compare_rates, first_day
from segmentation.monitoring.subjects import RECENCY, choose_features, propensity_column
from segmentation.monitoring.webhook import check_url, read_secret, send_alerts
from segmentation.runtime.asking import find_baseline, read_inputs
from segmentation.runtime.context import Context, RunReport
from segmentation.runtime.main import run_job
from segmentation.segments.labels import label_users
from segmentation.segments.targets import load_targets
from segmentation.sequences.markov import count_flows
from segmentation.sequences.states import load_states
from segmentation.sequences.steps import build_steps
from segmentation.sessions.as_of import before_cut
from segmentation.tables import (
    ALERTS,
    DRIFT,
    EVENTS,
    MONITORED_RATES,
    SEGMENT_ASSIGNMENTS,
    SESSIONS,
    USER_DAYS,
    USER_FEATURES,
)
from segmentation.tracking.trainings import TARGET_VERSION, features_of, propensity_kind, segments_of

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from pyspark.sql import DataFrame

    from segmentation.monitoring.drift import Drift
    from segmentation.monitoring.rates import Rate
    from segmentation.segments.labels import Known
    from segmentation.segments.targets import Target
    from segmentation.tracking.records import ModelVersion

READS = (EVENTS, SESSIONS, USER_DAYS, USER_FEATURES, SEGMENT_ASSIGNMENTS)
WRITES = (DRIFT, MONITORED_RATES, ALERTS)
SEGMENT = "cluster_id"
CUT = "_cut"


class Models(NamedTuple):
    """The model versions that scored the cut."""

    clusters: ModelVersion
    propensities: dict[str, ModelVersion]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the job's own options."""
    parser.add_argument("--fail-on-alert", action="store_true", help="end with exit code 3 where there is an alert")


def run(ctx: Context) -> RunReport:
    """Write all three tables at the cut; again leaves equal rows. Alerts are published before they are sent.

    Raises:
        ConfigurationError: the webhook is configured wrongly or refuses, or a feature to compare does not exist.
        RetryableError: the webhook cannot be reached.
        DataError: there are alerts, and --fail-on-alert is given.
    """
    as_of, params, webhook = ctx.as_of, ctx.config.monitoring, ctx.config.webhook
    if webhook.url is not None:
        check_url(webhook.url)
        read_secret(webhook)
    notes, baseline = list[str](), find_baseline(ctx)
    drift = [] if baseline is None else judge_drift(_compare(ctx, baseline, notes), params=params)
    if baseline is None:
        notes.append(f"no cut of user_features is {params.baseline_days} days before {as_of}: no drift is measured")
    rates = judge_rates([*_compare_transitions(ctx), *_compare_outcomes(ctx, notes)], params=params)
    alerts = sort_alerts([*drift, *rates])
    _write(ctx, drift, rates, alerts, baseline)
    for alert in alerts:
        ctx.progress.say(f"alert: {alert.metric} of {alert.scope}: {alert.message}")
    if alerts and webhook.url is not None:
        send_alerts(alerts, as_of=as_of, params=webhook)
    if alerts and ctx.options.get("fail_on_alert"):
        raise DataError(f"{_list(alerts)}; all alerts are published in table 'alerts'")
    quality = {
        "subjects": len(drift),
        "rates": len(rates),
        "alerts": {f"{a.metric} {a.scope}": a.value for a in alerts},
    }
    return RunReport(as_of=as_of, quality=quality, notes=notes)


def _models_in_use(ctx: Context) -> Models | None:
    """Find the models that scored the cut; None where nothing did."""
    assignments = ctx.lake.read(SEGMENT_ASSIGNMENTS).where(F.col("as_of") == F.lit(ctx.as_of))
    scored = assignments.select("cluster_model_version", "propensities").first()
    if scored is None:
        return None
    store = ctx.tracking.store
    propensities = {
        entry["target"]: store.version(propensity_kind(entry["target"]), entry["model_version"])
        for entry in scored["propensities"]
    }
    return Models(store.version(CLUSTERS, scored["cluster_model_version"]), propensities)


def _compare(ctx: Context, baseline: date, notes: list[str]) -> list[Drift]:
    """Compare features, predictions and segments of two cuts, by the models of this one."""
    models = _models_in_use(ctx)
    if models is None:
        notes.append(
            f"nothing was scored at {ctx.as_of} (jobs/score_segments.py --as-of {ctx.as_of}): no drift is measured"
        )
        return []
    read = dict.fromkeys(f for m in (models.clusters, *models.propensities.values()) for f in features_of(m))
    row = ctx.lake.read(EVENTS).agg(F.min("event_date").alias("first")).head()
    first = row["first"] if row else baseline
    params = ctx.config.monitoring
    features, young = choose_features(read, given=params.features, history_days=(baseline - first).days)
    if young:
        notes.append(f"windows longer than the history before {baseline}, not compared: {', '.join(young)}")
    needed = tuple(dict.fromkeys((RECENCY, *features, *read)))
    before, now = _sample(ctx, models, (baseline, ctx.as_of), needed)
    subjects = {f"feature:{name}": name for name in features}
    subjects |= {f"propensity:{target}": propensity_column(target) for target in models.propensities}
    return measure_drift(before, now, subjects=subjects, segment=SEGMENT)


def _sample(ctx: Context, models: Models, cuts: Sequence[date], needed: Sequence[str]) -> list[pd.DataFrame]:
    """Score a bounded sample of each cut's users by the models in use, in one query, whoever the targets ask about."""
    params, store = ctx.config.monitoring, ctx.tracking.store
    table = ctx.lake.read(USER_FEATURES)
    samples = []
    for cut in cuts:
        users = select_cut(table, as_of=cut, features=needed)
        if params.active_days is not None:
            users = users.where(F.col(RECENCY) <= params.active_days)
        samples.append(sample_users(users, params.sample_users).withColumn(CUT, F.lit(cut)))
    placed = assign_clusters(
        union_all(samples), pipeline=store.load(models.clusters), segments=segments_of(models.clusters)
    )
    for target, model in models.propensities.items():
        predicted = score_propensity(placed, pipeline=store.load(model))
        placed = predicted.select(*placed.columns, F.col(CALIBRATED).alias(propensity_column(target)))
    scored: pd.DataFrame = placed.select(
        CUT, *needed, SEGMENT, *map(propensity_column, models.propensities)
    ).toPandas()  # bounded
    return [scored[scored[CUT] == cut].drop(columns=CUT).reset_index(drop=True) for cut in cuts]


def _compare_transitions(ctx: Context) -> list[Rate]:
    as_of, params, zone = ctx.as_of, ctx.config.monitoring, ctx.config.workspace.time_zone
    events = ctx.lake.require(EVENTS, "ingest_events").where(before_cut(as_of, zone))
    recent = events.where(F.col("event_date") >= F.lit(first_day(as_of, params)))
    steps = build_steps(recent, states=load_states(ctx.conf_dir), time_zone=zone)
    daily: dict[date, dict[tuple[str, str], int]] = {}
    for row in count_flows(steps, by=["session_date"]).collect():  # a row per day and pair of states
        daily.setdefault(row["session_date"], {})[row["from_state"], row["to_state"]] = row["transitions"]
    return compare_rates(daily, as_of=as_of, goals=ctx.config.sequences.goals, params=params)


def _compare_outcomes(ctx: Context, notes: list[str]) -> list[Rate]:
    """Compare, for each target, the newest predictions whose label window is over and ripe with what came of them."""
    config, table = ctx.config, ctx.lake.read(SEGMENT_ASSIGNMENTS)
    cuts = sorted(row["as_of"] for row in table.select("as_of").distinct().collect())  # a row per cut
    if not cuts:
        notes.append("nothing was scored yet: no calibration is measured")
        return []
    targets = load_targets(ctx.conf_dir, params=config.propensity, workspace=config.workspace)
    inputs, found = read_inputs(ctx), list[PredictionOutcome]()
    maturity = maturity_of(
        inputs.history, allowed_lateness_days=config.ingest.allowed_lateness_days, params=config.propensity
    )
    for target in targets:
        over = [cut for cut in cuts if target.window.closes(cut) + timedelta(days=maturity) <= ctx.as_of]
        if not over:
            notes.append(f"{target.name}: no label window of a scored cut is over yet: no calibration is measured")
            continue
        asked = _predictions(table, target, over[-1])
        if _predicted_something_else(ctx, asked, target):
            notes.append(f"{target.name}: it meant something else at {over[-1]}: no calibration is measured")
            continue
        found.append(_outcome(inputs.known, asked.join(_people(ctx), "user_id", "left_semi"), target, over[-1]))
    return compare_outcomes(found, rate=config.monitoring.false_discovery_rate)


def _predictions(assignments: DataFrame, target: Target, cut: date) -> DataFrame:
    """List what was predicted of whom at a cut."""
    scored = assignments.where(F.col("as_of") == F.lit(cut)).select("user_id", F.inline("propensities"))
    return scored.where((F.col("target") == target.name) & F.col("calibrated").isNotNull())


def _predicted_something_else(ctx: Context, predictions: DataFrame, target: Target) -> bool:
    """Tell whether the target was another when the model behind the predictions was trained."""
    row = predictions.select("model_version").first()
    if row is None:
        return False
    model = ctx.tracking.store.version(propensity_kind(target.name), row["model_version"])
    return model.tags.get(TARGET_VERSION) != target.version


def _people(ctx: Context) -> DataFrame:
    """List today's persons: of those who have another name than when they were scored nothing is recorded."""
    return ctx.lake.read(USER_DAYS).select("user_id").distinct()


def _outcome(known: Known, asked: DataFrame, target: Target, cut: date) -> PredictionOutcome:
    p = F.col("calibrated")
    labels = label_users(
        asked.select("user_id", F.lit(True).alias(target.asked_column)), known, target=target, cut=cut, features=()
    )
    exact = [F.sum(x.cast("decimal(30,12)")).cast("double") for x in (p, p * (1 - p))]  # the same in any order
    whole = asked.join(labels, "user_id").agg(F.count(F.lit(1)), F.sum(F.col(LABEL).cast("bigint")), *exact)
    row = whole.head() or (0, 0, 0.0, 0.0)
    sums = (row[0], row[1] or 0, row[2] or 0.0, row[3] or 0.0)
    return PredictionOutcome(target.name, cut, target.window.closes(cut), *sums)


def _write(
    ctx: Context, drift: list[Judged[Drift]], rates: list[Judged[Rate]], alerts: list[Alert], baseline: date | None
) -> None:
    found = {
        DRIFT: drift_rows(drift, as_of=ctx.as_of, baseline=baseline) if baseline else [],
        MONITORED_RATES: rate_rows(rates, as_of=ctx.as_of),
        ALERTS: alert_rows(alerts, as_of=ctx.as_of),
    }
    for table, rows in found.items():
        schema = table.schema
        frame = small_frame(ctx.spark, rows, schema) if rows else empty_frame(ctx.spark, schema)
        ctx.lake.replace(table, frame.coalesce(1), where=f"as_of = DATE'{ctx.as_of}'")
    base = ctx.lake.publications.current().bases.get(SEGMENT_ASSIGNMENTS.name, 0)
    ctx.lake.publish({table.name: base for table in WRITES})


def _list(alerts: Sequence[Alert]) -> str:
    shown = "; ".join(f"{a.metric} of {a.scope} is {a.value:.3g} (at most {a.threshold:g})" for a in alerts[:5])
    more = " ..." if len(alerts) > 5 else ""  # noqa: PLR2004
    return f"{len(alerts)} alert{'' if len(alerts) == 1 else 's'}: {shown}{more}"


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    return run_job(sys.modules[__name__], argv)


if __name__ == "__main__":
    sys.exit(main())
