import random
from datetime import date, timedelta

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from segmentation.errors import DataError
from segmentation.models.labels import CHURN, PURCHASE, RECENCY, assign_roles, label_users
from segmentation.models.params import PropensityParams
from segmentation.models.propensity import PropensityFit, auc_pr_of, fit_propensity, score_propensity

pytestmark = pytest.mark.spark

CUT = date(2024, 3, 1)
SMALL = PropensityParams(
    features=("f", "g"), horizon_days=10, gap_days=2, active_days=30, tree_iterations=3, tree_depths=(2,),
    logistic_regularisation=(0.01,), calibration_bins=4,
)  # fmt: skip


def test_labels_look_at_the_window_after_cut_and_gap_only(spark: SparkSession):
    features = [
        (u, CUT, d, 1.0, 1.0)
        for u, d in (("early", 1), ("first", 2), ("last", 30), ("late", 3), ("gone", 31), ("looks", 4))
    ]
    features.append(("other_cut", CUT - timedelta(days=1), 1, 1.0, 1.0))
    days = [
        ("early", 1, 1),
        ("first", 2, 1),
        ("last", 11, 1),
        ("late", 12, 1),
        ("gone", 5, 1),
        ("looks", 5, 0),
        ("new", 5, 1),
    ]
    user_features = spark.createDataFrame(features, f"user_id STRING, as_of DATE, {RECENCY} INT, f DOUBLE, g DOUBLE")
    user_days = spark.createDataFrame(
        [(u, CUT + timedelta(days=d), n) for u, d, n in days], "user_id STRING, event_date DATE, purchases LONG"
    )
    found = {
        target: {
            row["user_id"]: row["label"]
            for row in label_users(user_features, user_days, cut=CUT, target=target, params=SMALL).collect()
        }
        for target in (PURCHASE, CHURN)
    }
    assert found[PURCHASE] == {"early": 0, "first": 1, "last": 1, "late": 0, "gone": 1, "looks": 0}
    assert found[CHURN] == {"early": 1, "first": 0, "last": 0, "late": 1, "looks": 0}


def test_a_history_too_short_is_told():
    with pytest.raises(DataError, match="too short"):
        assign_roles((), as_of=CUT)


def labelled(spark: SparkSession, cut: date, n: int, seed: int):
    """Users whose chance grows with f; g is noise, sometimes unknown."""
    rng = random.Random(seed)
    rows = []
    for i in range(n):
        f = rng.uniform(0, 1)
        rows.append((f"u{i:04d}", cut, f, rng.random() if i % 7 else None, float(rng.random() < f**2)))
    return spark.createDataFrame(rows, "user_id STRING, cut DATE, f DOUBLE, g DOUBLE, label DOUBLE")


@pytest.fixture(scope="module")
def sets(spark: SparkSession):
    later = CUT + timedelta(days=12)
    return labelled(spark, CUT, 300, 1).cache(), labelled(spark, later, 300, 2).cache()


@pytest.fixture(scope="module")
def fit(sets: tuple[DataFrame, DataFrame]):
    return fit_propensity(*sets, target=PURCHASE, params=SMALL)


def test_the_better_candidate_on_the_calibration_half_is_chosen_and_beats_chance(fit: PropensityFit):
    assert {c.name for c in fit.candidates} == {"logistic_regression", "gradient_boosted_trees"}
    assert fit.chosen.selection == max(c.selection for c in fit.candidates)
    assert fit.chosen.metrics["auc_roc"] > 0.7
    assert fit.chosen.metrics["auc_pr"] > 1.3 * fit.measured.metrics["prevalence"]


def test_halves_share_no_user_and_leave_none_out(fit: PropensityFit):
    counts = fit.counts
    assert counts["training_users"] == 300
    assert counts["calibration_half_users"] + counts["measuring_half_users"] == 300
    assert sum(b.users for b in fit.measured.bins) == counts["measuring_half_users"]


def test_calibrated_scores_rise_with_raw_ones_and_never_say_never(
    sets: tuple[DataFrame, DataFrame], fit: PropensityFit
):
    scored = score_propensity(sets[1], pipeline=fit.pipeline)
    rows = sorted((row["raw"], row["calibrated"]) for row in scored.collect())
    assert len(rows) == 300
    calibrated = [c for _, c in rows]
    assert calibrated == sorted(calibrated)
    assert calibrated[0] > 0
    assert calibrated[-1] < 1
    assert calibrated[-1] - calibrated[0] > 0.3


def test_a_champion_is_judged_on_the_same_half_as_its_challenger(sets: tuple[DataFrame, DataFrame], fit: PropensityFit):
    value = auc_pr_of(sets[1], pipeline=fit.pipeline, params=SMALL)
    assert value == pytest.approx(fit.chosen.metrics["auc_pr"], abs=1e-9)


def test_one_class_only_names_target_cut_and_counts(sets: tuple[DataFrame, DataFrame]):
    training, evaluation = sets
    with pytest.raises(DataError, match=r"'churn': the training \(cut 2024-03-01\) .* 0 of 300 users") as error:
        fit_propensity(training.withColumn("label", F.lit(0.0)), evaluation, target=CHURN, params=SMALL)
    assert error.value.exit_code == 3
    with pytest.raises(DataError, match=r"calibration half \(cut 2024-03-13\)"):
        fit_propensity(training, evaluation.withColumn("label", F.lit(1.0)), target=CHURN, params=SMALL)
