"""The four jobs on one small lake: train, score, evaluate, each again without a trace."""

import random
import shutil
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any

import mlflow
import numpy as np
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from pyspark.testing import assertDataFrameEqual

from jobs import (
    compare_segmentations,
    evaluate_segments,
    explain_customer,
    explain_propensity,
    monitor_segments,
    rollback_model,
    score_segments,
    train_clusters,
    train_propensity,
)
from segmentation.errors import ConfigurationError, DataError, UntrainableError
from segmentation.frames import empty_frame
from segmentation.models.params import ClusterParams, HysteresisParams, PropensityParams
from segmentation.models.propensity import score_propensity
from segmentation.models.search import Setting
from segmentation.monitoring.params import MonitoringParams
from segmentation.runtime.context import Context
from segmentation.runtime.main import open_context
from segmentation.tables import (
    ALERTS,
    DRIFT,
    EVALUATIONS,
    EVENTS,
    INGEST_LEDGER,
    MODEL_DECISIONS,
    MONITORED_RATES,
    PROPENSITY_REASONS,
    SEGMENT_ASSIGNMENTS,
    SEGMENT_CHANGES,
    SEGMENT_PROFILES,
    SESSIONS,
    USER_DAYS,
    user_features_table,
)
from segmentation.tables.table import COUNT, MONEY_SUM, REAL, Column
from segmentation.tracking.trainings import segments_of

pytestmark = pytest.mark.spark

RECENCY = "days_since_last_event"
AS_OF = date(2024, 4, 1)
CUTS = (AS_OF - timedelta(days=20), AS_OF - timedelta(days=10), AS_OF)
FEATURES = user_features_table(
    [
        Column(RECENCY, COUNT, "days"),
        Column("value_sum_life", MONEY_SUM, "money"),
        Column("tempo", REAL, "null where unknown", nullable=True),
    ]
)
NAMES = FEATURES.names[3:]
CLUSTERS = ClusterParams(features=NAMES, k_max=3, methods=("kmeans",), bootstraps=10, reference_draws=5)
PROPENSITY = PropensityParams(
    features=NAMES, rfm_features=NAMES[:2], horizon_days=10, training_cuts=1, min_history_days=1, forest_depths=(),
    tree_iterations=2, tree_depths=(2,), logistic_regularisation=(0.01,), calibration_bins=3, importance_users=20,
    bootstrap_rounds=100,
)  # fmt: skip
TARGETS = {
    "purchase": "happens: {did: '@conversion'}",
    "churn": "who: {feature: days_since_last_event, op: '<=', value: 15}\nhappens: {not: {did: '*'}}",
}
USERS = 80
Scored = dict[ModuleType | str, Any]


def features_at(cut: date) -> list[tuple]:
    """Every other user is active and spends; one in seven has an unknown tempo."""
    rng = random.Random(cut.toordinal())
    rows = []
    for i in range(USERS):
        days, value = (rng.randint(1, 4), rng.randint(500, 900)) if i % 2 else (rng.randint(9, 30), rng.randint(0, 9))
        rows.append((f"u{i:02d}", cut, "v1", days, Decimal(value), rng.random() if i % 7 else None))
    return rows


def events() -> list[tuple]:
    """In every ten days most active users buy, and few of the others do anything."""
    rng = random.Random(4)
    return [
        (f"u{i:02d}", cut + timedelta(days=rng.randint(1, 9)), int(rng.random() < 0.8))
        for cut in (CUTS[0] - timedelta(days=10), *CUTS[:2])
        for i in range(USERS)
        if rng.random() < (0.8 if i % 2 else 0.2)
    ] + [("u01", AS_OF - timedelta(days=1), 1)]


def fill(ctx: Context) -> None:
    spark, lake, days = ctx.spark, ctx.lake, sorted(set(events()))
    write_features(ctx)
    known = spark.createDataFrame(days, "user_id STRING, event_date DATE, purchases LONG")
    zero = [F.lit(0).cast(c.type).alias(c.name) for c in USER_DAYS.columns if c.name not in known.columns]
    lake.replace(
        USER_DAYS, known.groupBy("user_id", "event_date").agg(F.sum("purchases").alias("purchases")).select("*", *zero)
    )
    at = datetime(2024, 1, 1, tzinfo=timezone.utc)
    bought = F.when(F.col("purchases") > 0, "purchase").otherwise("view")
    given = {
        "event_id": F.concat("user_id", F.lit("-"), "event_date"), "source": F.lit("s"), "received_at": F.lit(at),
        "session_date": F.col("event_date"), "event_name": bought, "is_conversion": F.col("purchases") > 0,
    }  # fmt: skip
    columns = [
        given[c.name].alias(c.name) if c.name in given
        else F.col(c.name) if c.name in known.columns
        else (F.lit(None) if c.nullable else F.lit("0")).cast(c.type).alias(c.name)
        for c in EVENTS.columns
        if c.name not in {"event_at", "session_started_at"}
    ]  # fmt: skip
    times = [F.lit(at).alias(name) for name in ("event_at", "session_started_at")]
    lake.replace(SESSIONS, empty_frame(spark, SESSIONS.schema))
    lake.replace(EVENTS, known.dropDuplicates(["user_id", "event_date"]).select(*columns, *times))
    write_ledger(ctx, lost=0)
    lake.publish({FEATURES.name: 1})


def write_features(ctx: Context) -> None:
    rows = [row for cut in CUTS for row in features_at(cut)]
    ctx.lake.replace(FEATURES, ctx.spark.createDataFrame(rows, FEATURES.schema))


def write_ledger(ctx: Context, lost: int) -> None:
    n = len({(user, day) for user, day, _ in events()})
    records = {"read": n + lost, "parsed": n, "accepted": n}
    rows = [("b", "s", None, None, stage, None, count) for stage, count in records.items()]
    ctx.lake.replace(INGEST_LEDGER, ctx.spark.createDataFrame(rows, INGEST_LEDGER.schema))


def snapshot(ctx: Context, *tables):
    return {t.name: ctx.lake.read(t).localCheckpoint() for t in tables}


@pytest.fixture(scope="module")
def ctx(spark: SparkSession, tmp_path_factory):
    conf = tmp_path_factory.mktemp("conf")
    shutil.copytree(Path(__file__).parents[3] / "conf", conf, dirs_exist_ok=True)
    for name, text in TARGETS.items():
        (conf / "targets" / f"{name}.yaml").write_text(f"name: {name}\n{text}\n")
    context = open_context(conf_dir=conf, lake=str(tmp_path_factory.mktemp("lake")), as_of=AS_OF, spark=spark)
    config = context.config.model_copy(update={"clusters": CLUSTERS, "propensity": PROPENSITY})
    context = replace(context, config=config)
    fill(context)
    return context


@pytest.fixture(scope="module")
def scored(ctx: Context):
    """Nothing is registered at first; then train, and score an earlier cut and this one."""
    with pytest.raises(ConfigurationError, match=r"no champion of 'segmentation-clusters' .* jobs/train_clusters.py"):
        score_segments.run(ctx)
    trained = {job: job.run(ctx).quality for job in (train_clusters, train_propensity)}
    registered = ctx.tracking.store._client.get_model_version("segmentation-propensity-churn", "1")
    for cut in CUTS[1:]:
        score_segments.run(replace(ctx, given_as_of=cut))
    return {**trained, "described": registered.description}


def test_training_again_on_unchanged_events_makes_no_second_version(ctx: Context, scored: Scored):
    assert scored[train_clusters]["trained"] is True
    assert scored[train_propensity]["churn"]["trained"] is True
    write_features(ctx)  # equal rows in a new Delta version, as a second run of the pipeline leaves them
    ctx.lake.publish({FEATURES.name: 1})
    again = train_clusters.run(ctx)
    assert (again.quality["trained"], again.quality["version"], len(again.notes)) == (False, "1", 1)
    again = train_propensity.run(ctx)
    assert {again.quality[t]["version"] for t in ("churn", "purchase")} == {"1"}
    assert not again.quality["churn"]["trained"]


def test_every_decision_is_written_down_once(ctx: Context, scored: Scored):
    rows = {row["model"]: row for row in ctx.lake.read(MODEL_DECISIONS).where("decision_no = 1").collect()}
    assert set(rows) == {"clusters", "propensity-churn", "propensity-purchase"}
    clusters, churn = rows["clusters"], rows["propensity-churn"]
    assert (clusters["decision"], clusters["champion_before"], clusters["champion_after"]) == ("promoted", None, "1")
    assert (clusters["reason"], clusters["metric"]) == ("there was no champion", None)
    assert (churn["decision_no"], churn["decision"], churn["version"]) == (1, "promoted", "1")
    assert (churn["champion_before"], churn["champion_after"], churn["metric"]) == (None, "1", None)
    assert scored["described"] == "promoted: there was no champion"
    decided = ctx.lake.rows(MODEL_DECISIONS)  # other tests of the module decide on more
    train_propensity.run(ctx)
    train_clusters.run(ctx)
    assert ctx.lake.rows(MODEL_DECISIONS) == decided


def test_a_target_that_never_happens_holds_up_no_other_and_no_segments(ctx: Context, scored: Scored):
    def aiming(*targets: str) -> Context:
        aimed = PROPENSITY.model_copy(update={"targets": targets})
        return replace(ctx, config=ctx.config.model_copy(update={"propensity": aimed}))

    (ctx.conf_dir / "targets" / "upgrade.yaml").write_text("name: upgrade\nhappens: {did: upgraded}\n")
    with pytest.raises(UntrainableError, match=r"propensity 'upgrade': .* has one class only: 0 of"):
        train_propensity.run(aiming("upgrade"))
    report = train_propensity.run(aiming("upgrade", "churn"))
    assert list(report.quality) == ["churn"]
    assert any(note.startswith("upgrade: no model: propensity 'upgrade'") for note in report.notes)
    before = snapshot(ctx, SEGMENT_ASSIGNMENTS)[SEGMENT_ASSIGNMENTS.name]
    report = score_segments.run(aiming("upgrade"))
    assert report.notes == ["upgrade: no model, so no user has this propensity (jobs/train_propensity.py says why)"]
    at_cut = F.col("as_of") == F.lit(AS_OF)
    alone = ctx.lake.read(SEGMENT_ASSIGNMENTS)
    assert alone.where(at_cut & (F.size("propensities") != 0)).isEmpty()
    same = [name for name in SEGMENT_ASSIGNMENTS.names if name != "propensities"]
    assertDataFrameEqual(alone.select(same), before.select(same))
    profiles = ctx.lake.read(SEGMENT_PROFILES).where(at_cut).collect()
    assert {row["segment_name"]: row["users"] for row in profiles} == report.quality["segments"]
    assert all(row["propensities"] == {} for row in profiles)
    evaluate_segments.run(ctx)
    score_segments.run(ctx)
    assertDataFrameEqual(ctx.lake.read(SEGMENT_ASSIGNMENTS), before)


def test_a_challenger_no_better_beyond_chance_leaves_the_champion_and_a_rollback_takes_it_back(
    ctx: Context, scored: Scored
):
    weaker = PROPENSITY.model_copy(update={"targets": ("churn",), "logistic_regularisation": (1.0,), "tree_depths": ()})
    other = replace(ctx, config=ctx.config.model_copy(update={"propensity": weaker}))
    quality = train_propensity.run(other).quality["churn"]
    assert (quality["version"], quality["decision"]) == ("2", "kept as challenger")
    assert ctx.tracking.store.champion("propensity-churn").version == "1"
    rows = {
        row["decision_no"]: row for row in ctx.lake.read(MODEL_DECISIONS).where("model = 'propensity-churn'").collect()
    }
    kept = rows[2]
    assert (kept["decision"], kept["champion_before"], kept["champion_after"]) == ("kept", "1", "1")
    assert kept["lower"] <= kept["difference"] <= kept["upper"]
    assert kept["lower"] <= 0
    assert kept["reason"].startswith("not better beyond chance: log_loss better by")
    with pytest.raises(ConfigurationError, match=r"no earlier champion .* --to one of: 1, 2"):
        roll_back(ctx, model="propensity-churn")
    report = roll_back(ctx, model="segmentation-propensity-churn", to="2")
    assert report.quality == {"model": "propensity-churn", "champion_before": "1", "champion_after": "2"}
    assert roll_back(ctx, model="propensity-churn").quality["champion_after"] == "1"
    with pytest.raises(ConfigurationError, match="no earlier champion than version 1"):
        roll_back(ctx, model="propensity-churn")
    assert ctx.tracking.store.champion("propensity-churn").version == "1"
    last = ctx.lake.read(MODEL_DECISIONS).orderBy("decision_no").where("model = 'propensity-churn'").collect()
    assert [row["decision"] for row in last] == ["promoted", "kept", "rolled_back", "rolled_back"]
    with pytest.raises(ConfigurationError, match=r"did you mean 'propensity-churn'"):
        roll_back(ctx, model="propensity-chrn")


def roll_back(ctx: Context, **options: str):
    return rollback_model.run(replace(ctx, options={**ctx.options, "to": None, **options}))


def test_a_refit_is_judged_and_its_segments_keep_their_identity(ctx: Context, scored: Scored):
    store = ctx.tracking.store
    before = store.champion("clusters")
    other = ctx.config.model_copy(update={"clusters": CLUSTERS.model_copy(update={"seed": 8, "max_iterations": 29})})
    quality = train_clusters.run(replace(ctx, config=other)).quality
    version = quality["version"]
    assert int(version) > int(before.version) == 1
    challenger = store._client.get_model_version_by_alias("segmentation-clusters", "challenger")
    assert str(challenger.version) == version
    assert store.champion("clusters").version == (version if quality["decision"] == "promoted" else "1")
    refitted = store.version("clusters", version)
    assert "silhouette" in refitted.tags["decision_reason"]
    assert {s.segment_id: s.segment_name for s in segments_of(refitted)} == {
        s.segment_id: s.segment_name for s in segments_of(before)
    }
    assert refitted.metrics["adjusted_rand_to_champion"] == 1
    kept = {f.path for f in store._client.list_artifacts(refitted.run_id)}
    assert {"segment_matches.json", "segment_migration.json"} <= kept
    decided = ctx.lake.read(MODEL_DECISIONS).where(f"model = 'clusters' AND version = '{version}'").head()
    assert (decided["decision"] == "promoted") == (quality["decision"] == "promoted") == (decided["difference"] >= 0)
    assert (decided["champion_before"], decided["metric"]) == ("1", "silhouette_euclidean")
    assert decided["lower"] <= decided["difference"] <= decided["upper"]
    assert "against champion 1 on the same users" in decided["reason"]
    if quality["decision"] != "promoted":
        roll_back(ctx, model="clusters", to=version)
    report = roll_back(ctx, model="clusters").quality
    assert report == {"model": "clusters", "champion_before": version, "champion_after": "1"}
    assert store.champion("clusters").version == "1"
    train_clusters.run(replace(ctx, config=other))  # decided on before: not promoted again
    assert store.champion("clusters").version == "1"


def test_the_store_holds_figures_curves_data_and_model(ctx: Context, scored: Scored):
    store = ctx.tracking.store
    model = store.champion("clusters")
    run = store._client.get_run(model.run_id)
    assert run.data.metrics["silhouette_squared_euclidean"] == pytest.approx(
        scored[train_clusters]["silhouette_squared_euclidean"]
    )
    assert [m.step for m in store._client.get_metric_history(model.run_id, "silhouette_squared_euclidean_by_k")] == [
        2,
        3,
    ]
    source = run.inputs.dataset_inputs[0].dataset.source
    assert FEATURES.name in source
    assert '"delta_table_version": 1' in source
    kept = {f.path for f in store._client.list_artifacts(model.run_id, "curves")}
    assert {"curves/elbow.png", "curves/elbow.csv", "curves/silhouette.png", "curves/stability.csv"} <= kept
    nested = store._client.search_runs([store._experiment_id], f"tags.mlflow.parentRunId = '{model.run_id}'")
    by_verdict = {run.data.tags["verdict"]: run.data for run in nested}
    assert len(nested) == 4  # k of 2 and 3, in both spaces
    candidates = store.read_document("clusters", "1", "candidates.json")
    assert {one["name"]: one["verdict"] for one in candidates} == {
        run.info.run_name: run.data.tags["verdict"] for run in nested
    }
    assert by_verdict["chosen"].metrics["bootstrap_jaccard_min"] >= 0.75
    assert (
        by_verdict["chosen"].metrics["silhouette_euclidean"]
        > by_verdict["chosen"].metrics["reference_silhouette_limit"]
    )
    propensity = store._client.get_run(store.champion("propensity-churn").run_id).data
    assert {
        "auc_pr", "auc_roc", "log_loss", "brier", "brier_resolution", "gradient_boosted_trees_auc_pr",
        "rfm_logistic_regression_auc_roc", "log_loss_better_than_majority_lower", "auc_roc_random_labels",
    } <= set(propensity.metrics)  # fmt: skip
    run_id = store.champion("propensity-churn").run_id
    captured = store._client.get_metric_history(run_id, "captured_by_percent_of_users")
    assert (captured[-1].step, captured[-1].value) == (100, 1.0)
    report = store.read_document("propensity-churn", "1", "propensity.json")
    assert {one["segment"] for one in report["by_segment"]} <= set(scored[train_clusters]["segments"])
    assert {one["feature"] for one in report["importances"]} == set(NAMES)
    assert "Against majority: " in propensity.tags["mlflow.note.content"]
    assert (propensity.params["training_cuts"], propensity.params["evaluation_cut"]) == tuple(map(str, CUTS[:2]))


def test_a_reviewer_finds_what_a_model_is_and_takes(ctx: Context, scored: Scored):
    store = ctx.tracking.store
    for kind, outputs in (("clusters", ["prediction"]), ("propensity-churn", ["raw", "prediction"])):
        store._select()
        about = mlflow.models.get_model_info(f"models:/segmentation-{kind}/1")
        assert about.signature.outputs.input_names() == outputs
        example = mlflow.models.Model.load(f"models:/segmentation-{kind}/1").load_input_example()
        assert list(example.columns) == about.signature.inputs.input_names()
        assert "`user_features`" in store._client.get_registered_model(f"segmentation-{kind}").description


def test_settings_that_were_tried_stand_below_their_training(ctx: Context, scored: Scored):
    store = ctx.tracking.store
    setting, run_id = Setting("random_forest", 5.0), store.champion("propensity-churn").run_id
    for fingerprint in ("ours", "another"):
        store.trials("propensity-churn", fingerprint).keep(setting, {"auc_pr": 0.5})
    store.trials("propensity-churn", "ours").put_below(run_id)
    below = store._client.search_runs([store._experiment_id], f"tags.mlflow.parentRunId = '{run_id}'")
    assert [run.data.tags["trial_of"] for run in below] == ["ours"]
    assert store.trials("propensity-churn", "ours").recall() == {str(setting): {"auc_pr": 0.5}}


def test_a_review_is_kept_as_a_site_and_in_one_file(ctx: Context, scored: Scored):
    store = ctx.tracking.store
    run_id = store.record_site({"index.html": "first", "a.csv": "x"}, "everything", "review", {"job_run_id": "r1"})
    kept = {path: store._client.list_artifacts(run_id, path) for path in ("", "site")}
    assert {file.path for files in kept.values() for file in files if not file.is_dir} == {
        "review.html", "site/index.html", "site/a.csv",
    }  # fmt: skip
    assert store._client.get_run(run_id).data.tags["job_run_id"] == "r1"


def test_noise_is_told_and_leaves_the_champions_segments_in_use(ctx: Context, scored: Scored):
    noise = ctx.config.model_copy(update={"clusters": CLUSTERS.model_copy(update={"features": ("tempo",), "k_max": 2})})
    report = train_clusters.run(replace(ctx, config=noise))
    assert (report.quality["cluster_structure"], report.quality["k"]) == ("none", 1)
    assert report.quality["decision"] == "kept as challenger"
    assert "NO cluster structure" in report.notes[0]
    assert "stay in use" in report.notes[0]
    assert ctx.tracking.store.champion("clusters").version == "1"


def test_a_cluster_that_follows_everyone_together_is_a_new_segment(ctx: Context, scored: Scored):
    def training(**changes: Any) -> Context:
        return replace(ctx, config=ctx.config.model_copy(update={"clusters": CLUSTERS.model_copy(update=changes)}))

    together = train_clusters.run(training(features=("tempo",), k_max=2, seed=11)).quality["version"]
    roll_back(ctx, model="clusters", to=together)
    try:
        quality = train_clusters.run(training(seed=9, max_iterations=28)).quality
        (everyone,) = segments_of(ctx.tracking.store.version("clusters", together))
        found = segments_of(ctx.tracking.store.version("clusters", quality["version"]))
        assert max(segment.users for segment in found) >= USERS / 2
        assert {s.segment_id for s in found}.isdisjoint({everyone.segment_id})
        assert {s.segment_name for s in found}.isdisjoint({everyone.segment_name})
    finally:
        roll_back(ctx, model="clusters", to="1")


def test_a_model_of_an_earlier_cut_does_not_replace_a_newer_one(ctx: Context, scored: Scored):
    quality = train_clusters.run(replace(ctx, given_as_of=CUTS[1])).quality
    model = ctx.tracking.store.version("clusters", quality["version"])
    assert quality["decision"] == "kept as challenger"
    assert model.tags["decision_reason"] == f"of an earlier cut ({CUTS[1]}) than champion 1 ({AS_OF})"


def test_a_model_comes_back_as_it_was_logged(ctx: Context, scored: Scored):
    store = open_context(
        conf_dir=Path(__file__).parents[3] / "conf", lake=ctx.lake.root, spark=ctx.spark
    ).tracking.store
    for kind in ("clusters", "propensity-purchase"):
        users = ctx.lake.read(FEATURES).where(F.col("as_of") == F.lit(AS_OF))
        first, loaded = (s.load(s.champion(kind)).transform(users) for s in (ctx.tracking.store, store))
        assertDataFrameEqual(
            loaded.select("user_id", "prediction"), first.select("user_id", "prediction"), rtol=0, atol=0
        )


def test_everyone_is_scored_once_per_cut(ctx: Context, scored: Scored):
    rows = ctx.lake.read(SEGMENT_ASSIGNMENTS).where(F.col("as_of") == F.lit(AS_OF)).collect()
    recency = {row[0]: row[3] for row in features_at(AS_OF)}
    assert sorted(row["user_id"] for row in rows) == sorted(recency)
    for row in rows:
        churn, purchase = row["propensities"]
        assert (churn["target"], purchase["target"]) == ("churn", "purchase")
        assert 0 < purchase["calibrated"] < 1
        assert (churn["calibrated"] is None) == (recency[row["user_id"]] > 15)


def test_reasons_are_given_to_whom_a_target_asks_about(ctx: Context, scored: Scored):
    report = explain_propensity.run(ctx)
    assert report.quality["models"] == {"churn": "1", "purchase": "1"}
    rows = ctx.lake.read(PROPENSITY_REASONS).collect()
    recency = {row[0]: row[3] for row in features_at(AS_OF)}
    asked = {user for user, days in recency.items() if days <= 15}
    assert {row["user_id"] for row in rows if row["target"] == "churn"} <= asked
    assert {row["rank"] for row in rows} <= {1, 2, 3}
    assert {row["feature"] for row in rows} <= set(NAMES)


def test_profiles_add_up_and_name_what_sets_a_segment_apart(ctx: Context, scored: Scored):
    profiles = ctx.lake.read(SEGMENT_PROFILES).where(F.col("as_of") == F.lit(AS_OF)).collect()
    assert sum(p["users"] for p in profiles) == USERS
    assert sum(p["share"] for p in profiles) == pytest.approx(1)
    values = {row[0]: float(row[4]) for row in features_at(AS_OF)}
    members = (
        ctx.lake.read(SEGMENT_ASSIGNMENTS)
        .where(F.col("as_of") == F.lit(AS_OF))
        .select("user_id", "segment_id")
        .collect()
    )
    for profile in profiles:
        own = [values[m["user_id"]] for m in members if m["segment_id"] == profile["segment_id"]]
        assert profile["centroid"]["value_sum_life"] == pytest.approx(sum(own) / len(own))
        effects = [abs(d["effect_size"]) for d in profile["distinctions"]]
        assert effects == sorted(effects, reverse=True)
        rest = [
            value
            for user, value in values.items()
            if user not in {m["user_id"] for m in members if m["segment_id"] == profile["segment_id"]}
        ]
        spread = (np.var(own) * len(own) + np.var(rest) * len(rest)) / (len(values) - 2)
        told = next(d for d in profile["distinctions"] if d["feature"] == "value_sum_life")
        assert told["rest_mean"] == pytest.approx(np.mean(rest))
        assert told["cohens_d"] == pytest.approx((np.mean(own) - np.mean(rest)) / spread**0.5)
        assert min(profile["portrait"]["precision"], profile["portrait"]["coverage"]) > 0.9


def test_changes_lead_from_one_cut_to_the_next(ctx: Context, scored: Scored):
    changes = ctx.lake.read(SEGMENT_CHANGES).collect()
    first = [c for c in changes if c["changed_at"] == CUTS[1]]
    assert (len(first), {c["direction"] for c in first}) == (USERS, {"entered"})
    members = {cut: set() for cut in CUTS[1:]}
    for row in ctx.lake.read(SEGMENT_ASSIGNMENTS).collect():
        members[row["as_of"]].add((row["user_id"], row["segment_id"]))
    later = {(c["user_id"], c["segment_id"], c["direction"]) for c in changes if c["changed_at"] == AS_OF}
    entered, left = members[AS_OF] - members[CUTS[1]], members[CUTS[1]] - members[AS_OF]
    assert later == {(*m, "entered") for m in entered} | {(*m, "exited") for m in left}


def test_a_user_between_segments_is_held_by_an_earlier_cut_whatever_was_scored_before(ctx: Context, scored: Scored):
    def holding(every_days: int) -> Context:
        hysteresis = HysteresisParams(earlier_cuts=1, every_days=every_days, clear_by=1e9)
        return replace(ctx, config=ctx.config.model_copy(update={"hysteresis": hysteresis}))

    with pytest.raises(ConfigurationError, match=r"no cut 2024-03-29, .* jobs/build_features.py --as-of 2024-04-01"):
        score_segments.run(holding(every_days=3))
    segments = segments_of(ctx.tracking.store.champion("clusters"))
    larger = max(segments, key=lambda segment: (segment.users, -segment.cluster_id)).cluster_id
    at_cut = F.col("as_of") == F.lit(AS_OF)
    before = {row["user_id"]: row for row in ctx.lake.read(SEGMENT_ASSIGNMENTS).where(at_cut).collect()}
    assert {row["assignment_rule"] for row in before.values()} == {"as the model says"}
    assert all(row["cluster_id"] == row["model_cluster_id"] for row in before.values())
    evaluate_segments.run(ctx)
    sharp = silhouette_of_published(ctx)
    wavering = min(user for user, row in before.items() if row["cluster_id"] != larger)
    example = features_at(CUTS[1])[0 if before["u00"]["cluster_id"] == larger else 1]
    rows = [
        (row[0], row[1], *example[2:]) if row[:2] == (wavering, CUTS[1]) else row
        for cut in CUTS
        for row in features_at(cut)
    ]
    ctx.lake.replace(FEATURES, ctx.spark.createDataFrame(rows, FEATURES.schema))
    ctx.lake.publish({FEATURES.name: 1})
    try:
        assert score_segments.run(holding(every_days=10)).quality["held_back"] == 1
        after = {row["user_id"]: row for row in ctx.lake.read(SEGMENT_ASSIGNMENTS).where(at_cut).collect()}
        held = after[wavering]
        assert (held["cluster_id"], held["model_cluster_id"]) == (larger, before[wavering]["cluster_id"])
        assert held["margin"] < 0 < held["distance"]
        evaluate_segments.run(ctx)
        assert silhouette_of_published(ctx) < sharp, "judged is what is published"
        assert held["segment_id"] == next(s.segment_id for s in segments if s.cluster_id == larger)
        assert held["assignment_rule"] == "clear by 1e+09 at one of 2 cuts, 10 days apart"
        others = ("cluster_id", "distance", "margin", "segment_name")
        assert all(
            after[user][name] == row[name] for user, row in before.items() if user != wavering for name in others
        )
        changes = ctx.lake.read(SEGMENT_CHANGES).where(F.col("changed_at") == F.lit(AS_OF))
        assert {row["cause"] for row in changes.where(f"user_id = '{wavering}'").collect()} == {"definition"}
    finally:
        write_features(ctx)
        ctx.lake.publish({FEATURES.name: 1})
        score_segments.run(ctx)


def silhouette_of_published(ctx: Context) -> float:
    rows = ctx.lake.read(EVALUATIONS).where(F.col("as_of") == F.lit(AS_OF))
    return rows.where("metric = 'silhouette_squared_euclidean' AND scope = 'clusters'").head()["value"]


def test_scoring_and_judging_again_leave_equal_tables(ctx: Context, scored: Scored):
    tables = (SEGMENT_ASSIGNMENTS, SEGMENT_PROFILES, SEGMENT_CHANGES, EVALUATIONS)
    evaluate_segments.run(ctx)
    before = snapshot(ctx, *tables)
    for cut in (CUTS[1], AS_OF):
        score_segments.run(replace(ctx, given_as_of=cut))
    evaluate_segments.run(ctx)
    for name, after in snapshot(ctx, *tables).items():
        assertDataFrameEqual(after, before[name], rtol=1e-9)


def test_evaluations_hold_named_figures_and_a_lost_record_stops_them(ctx: Context, scored: Scored):
    evaluate_segments.run(ctx)
    found = {(row["metric"], row["scope"]): row for row in ctx.lake.read(EVALUATIONS).collect()}
    silhouette = found["silhouette_squared_euclidean", "clusters"]
    assert silhouette["value"] == pytest.approx(scored[train_clusters]["silhouette_squared_euclidean"])
    assert (silhouette["status"], silhouette["threshold"]) == ("ok", 0.1)
    assert found["cluster_structure", "clusters"]["status"] == "ok"
    stable = [row["value"] for (metric, _), row in found.items() if metric == "segment_jaccard"]
    assert len(stable) == scored[train_clusters]["k"]
    assert min(stable) >= 0.75
    assert found["auc_pr", "propensity:churn"]["value"] == pytest.approx(scored[train_propensity]["churn"]["auc_pr"])
    assert found["ledger_imbalance", "ingest:s"]["status"] == "ok"
    version = ctx.lake.version(EVALUATIONS)
    write_ledger(ctx, lost=1)
    ctx.lake.publish({})
    with pytest.raises(DataError, match="ledger_imbalance of ingest:s is 1"):
        evaluate_segments.run(ctx)
    assert ctx.lake.version(EVALUATIONS) == version
    write_ledger(ctx, lost=0)
    ctx.lake.publish({})


def test_monitoring_is_quiet_until_something_changes_and_tells_it_once(ctx: Context, scored: Scored):
    watched = MonitoringParams(baseline_days=10, active_days=None, features=("tempo", "value_sum_life"))
    ctx = replace(ctx, config=ctx.config.model_copy(update={"monitoring": watched}))
    quiet = monitor_segments.run(ctx).quality
    assert (quiet["subjects"], quiet["rates"], quiet["alerts"]) == (5, 2, {})
    unscored = monitor_segments.run(replace(ctx, given_as_of=CUTS[1] + timedelta(days=11)))
    assert (unscored.quality["subjects"], len(unscored.notes)) == (0, 1)
    assert "nothing was scored at 2024-04-02 (jobs/score_segments.py" in unscored.notes[0]
    rates = {row["scope"]: row for row in ctx.lake.read(MONITORED_RATES).collect()}
    churn = rates["calibration:churn"]
    active = {row[0] for row in features_at(CUTS[1]) if row[3] <= 15} & {user for user, _, _ in events()}
    came = {user for user, day, _ in events() if CUTS[1] <= day < AS_OF}
    assert (churn["from_date"], churn["trials"], churn["successes"]) == (CUTS[1], len(active), len(active - came))

    target, days = ctx.conf_dir / "targets" / "purchase.yaml", ctx.lake.read(USER_DAYS).localCheckpoint()
    meant, renamed = target.read_text(), min(active - came)
    target.write_text("name: purchase\nhappens: {did: '*'}\n")
    ctx.lake.replace(USER_DAYS, days.where(F.col("user_id") != renamed))
    ctx.lake.publish({})
    try:
        assert "purchase: it meant something else at 2024-03-22" in monitor_segments.run(ctx).notes[0]
        (churn,) = ctx.lake.read(MONITORED_RATES).where(F.col("as_of") == F.lit(AS_OF)).collect()
        assert (churn["trials"], churn["successes"]) == (len(active) - 1, len(active - came) - 1)
    finally:
        target.write_text(meant)
        ctx.lake.replace(USER_DAYS, days)
        ctx.lake.publish({})

    moved = [
        (*row[:4], row[4] + 10_000, row[5]) if row[1] == AS_OF else row for cut in CUTS for row in features_at(cut)
    ]
    ctx.lake.replace(FEATURES, ctx.spark.createDataFrame(moved, FEATURES.schema))
    ctx.lake.publish({FEATURES.name: 1})
    try:
        with pytest.raises(DataError, match=r"psi of feature:value_sum_life is .* published in table 'alerts'"):
            monitor_segments.run(replace(ctx, options={**ctx.options, "fail_on_alert": True}))
        before = snapshot(ctx, ALERTS, DRIFT)
        assert "psi feature:value_sum_life" in monitor_segments.run(ctx).quality["alerts"]
        for name, after in snapshot(ctx, ALERTS, DRIFT).items():
            assertDataFrameEqual(after, before[name], rtol=0, atol=0)
        drift = {row["subject"]: row for row in ctx.lake.read(DRIFT).collect()}
        assert {row["status"] for name, row in drift.items() if name == "feature:tempo"} == {"ok"}
        value = drift["feature:value_sum_life"]
        assert (value["users_before"], value["users_now"], value["baseline_as_of"]) == (USERS, USERS, CUTS[1])
        assert value["mix_effect"] + value["within_effect"] == pytest.approx(value["mean_now"] - value["mean_before"])
    finally:
        write_features(ctx)
        ctx.lake.publish({FEATURES.name: 1})


def test_a_person_is_explained_by_the_models_that_scored_them(ctx: Context, scored: Scored, capsys, caplog):
    with caplog.at_level("DEBUG", logger="segmentation"):
        found = explain_customer.run(replace(ctx, options={**ctx.options, "user": "u01"})).quality
    assert "Customer u01 as of 2024-04-01" in capsys.readouterr().err
    assert "u01" not in caplog.text
    assert [row["as_of"] for row in found["scores"]] == [AS_OF, CUTS[1]]
    assert found["about"]["events"] == len({day for user, day, _ in events() if user == "u01"})
    recency, value, tempo = next(row[3:] for row in features_at(AS_OF) if row[0] == "u01")
    assert found["features"] == {RECENCY: recency, "value_sum_life": float(value), "tempo": tempo}
    model = ctx.tracking.store.champion("propensity-purchase")
    purchase = next(one for one in found["predictions"] if one["target"] == "purchase")
    reason = next(one for one in purchase["reasons"] if one["feature"] == "value_sum_life")
    assert reason["reference"] == pytest.approx(float(np.median([float(row[4]) for row in features_at(AS_OF)])))
    other = {RECENCY: float(recency), "value_sum_life": reason["reference"], "tempo": tempo}
    user = ctx.spark.createDataFrame([("u01", *other.values())], ["user_id", *other])
    without = score_propensity(user, pipeline=ctx.tracking.store.load(model)).head()["raw"]
    odds = [np.log(p / (1 - p)) for p in (purchase["raw"], without)]
    assert reason["contribution"] == pytest.approx(odds[0] - odds[1], abs=1e-12)
    effects = [abs(one["contribution"]) for one in purchase["reasons"]]
    assert effects == sorted(effects, reverse=True)
    with pytest.raises(ConfigurationError, match="no user of this user_id") as raised:
        explain_customer.run(replace(ctx, options={**ctx.options, "user": "stranger"}))
    assert "stranger" not in str(raised.value)


def test_a_model_compared_with_itself_moves_nobody(ctx: Context, scored: Scored, capsys):
    ctx = replace(ctx, config=ctx.config.model_copy(update={"monitoring": MonitoringParams(baseline_days=10)}))
    found = compare_segmentations.run(replace(ctx, options={**ctx.options, "model": "1"})).quality
    assert (found["users"], found["movers"]) == (USERS, 0)
    sizes = {
        side: sorted(g["users"] for g in found["groups"] if g["definition"] == side) for side in ("live", "candidate")
    }
    stored = ctx.lake.read(SEGMENT_ASSIGNMENTS).where(F.col("as_of") == F.lit(AS_OF)).groupBy("segment_id").count()
    assert sizes["live"] == sizes["candidate"] == sorted(row["count"] for row in stored.collect())
    values = [float(row[4]) for row in features_at(AS_OF)]
    weighed = sum(g["users"] * g["means"]["value_sum_life"] for g in found["groups"] if g["definition"] == "live")
    assert weighed / USERS == pytest.approx(sum(values) / USERS)
    assert found["stability"]["since"] == CUTS[1]
    assert found["stability"]["live"] == found["stability"]["candidate"]
    assert "of whom 0 (0.0 %) would move" in capsys.readouterr().err
    with pytest.raises(ConfigurationError, match="has no version '77'"):
        compare_segmentations.run(replace(ctx, options={**ctx.options, "model": "77"}))
