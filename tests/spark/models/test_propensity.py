import random
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from segmentation.errors import DataError
from segmentation.models.held_out import measures_of, score_measuring
from segmentation.models.params import PropensityParams
from segmentation.models.propensity import PropensityFit, fit_propensity, score_propensity
from segmentation.models.reasons import explain_scores, usual_values
from segmentation.models.search import TREES
from segmentation.models.windows import Cuts, LabelWindow

pytestmark = pytest.mark.spark

WINDOW = LabelWindow(2, 10)
FIRST = date(2024, 3, 1)
DAYS = [FIRST + timedelta(days=12 * i) for i in range(3)]
CUTS = Cuts(tuple(DAYS[:2]), DAYS[2])
SMALL = PropensityParams(
    features=("f", "g"), rfm_features=("g",), tree_iterations=5, tree_depths=(2,), forest_trees=5, forest_depths=(3,),
    logistic_regularisation=(0.01,), class_weights=("balanced",), calibration_bins=4, importance_users=60,
    bootstrap_rounds=100,
)  # fmt: skip


def labelled(spark: SparkSession, n: int = 300):
    """Users whose chance grows with f; g is noise, sometimes unknown; h is what will have happened."""
    rng, rows = random.Random(1), []
    for cut in DAYS:
        for i in range(n):
            f = rng.uniform(0, 1)
            label = float(rng.random() < f**2)
            rows.append((f"u{i:04d}", cut, f, rng.random() if i % 7 else None, label + rng.gauss(0, 0.1), label))
    return spark.createDataFrame(rows, "user_id STRING, cut DATE, f DOUBLE, g DOUBLE, h DOUBLE, label DOUBLE")


class Notes(dict):
    """A memory that counts what it is asked to keep."""

    def recall(self):
        return dict(self)

    def keep(self, setting, figures):
        self[str(setting)] = figures


@pytest.fixture(scope="module")
def users(spark: SparkSession):
    return labelled(spark).cache()


@pytest.fixture(scope="module")
def memory():
    return Notes()


@pytest.fixture(scope="module")
def fit(spark: SparkSession, users: DataFrame, memory: Notes):
    segments = spark.createDataFrame([(f"u{i:04d}", f"s{i % 2}") for i in range(300)], "user_id STRING, segment STRING")
    return fit_propensity(
        users.drop("h"), cuts=CUTS, window=WINDOW, target="purchase", params=SMALL, memory=memory, segments=segments
    )


def test_the_kind_that_foresees_a_later_cut_best_is_chosen_and_is_ahead_of_simple_ones(fit: PropensityFit):
    figures = {str(trial.setting): trial.figures["auc_pr"] for trial in fit.trials}
    assert len(figures) == 3
    assert figures[str(fit.chosen.setting)] == max(figures.values())
    assert fit.measured.metrics["auc_roc"] > 0.7
    assert set(fit.ahead_of) == {"majority", "rfm_logistic_regression"}
    assert all(difference.is_ahead for difference in fit.ahead_of.values())
    assert set(fit.finalists) == {trial.setting.kind for trial in fit.trials} | {"rfm_logistic_regression"}


def test_halves_share_no_user_and_leave_none_out(fit: PropensityFit):
    counts = fit.counts
    assert counts["training_users"] == 600
    assert counts["calibration_half_users"] + counts["measuring_half_users"] == 300
    assert sum(b.users for b in fit.measured.bins) == counts["measuring_half_users"]
    assert sum(s.users for s in fit.measured.by_segment) == counts["measuring_half_users"]


def test_the_pipeline_says_what_the_calibrator_says_and_rises_with_the_raw_score(users: DataFrame, fit: PropensityFit):
    later = users.where(F.col("cut") == F.lit(CUTS.evaluation))
    rows = score_propensity(later, pipeline=fit.pipeline).select("raw", "calibrated").collect()
    raw, calibrated = np.array(sorted((row["raw"], row["calibrated"]) for row in rows)).T
    assert len(raw) == 300
    assert calibrated == pytest.approx(fit.calibration.calibrator.apply(raw), abs=1e-12)
    assert (np.diff(calibrated) >= -1e-12).all()
    assert 0 < calibrated[0] < calibrated[-1] < 1


def test_a_finished_model_is_measured_on_the_same_half_as_in_its_training(users: DataFrame, fit: PropensityFit):
    later = users.where(F.col("cut") == F.lit(CUTS.evaluation))
    scored = score_measuring(later, pipeline=fit.pipeline, params=SMALL, users=300)
    assert set(scored["user_id"]) == {row["user_id"] for row in later.where(measures_of(SMALL)).collect()}
    p, y = scored["prediction"], scored["label"]
    assert -np.log(np.where(y > 0, p, 1 - p)).mean() == pytest.approx(fit.measured.metrics["log_loss"])


def test_a_model_rests_on_what_tells_and_random_labels_are_not_foreseen(fit: PropensityFit):
    first, second = fit.importances
    assert (first.feature, second.feature) == ("f", "g")
    assert first.lower > 0
    assert second.lower <= 0.05
    assert fit.leaks.suspects == {}
    assert fit.leaks.chance[0] <= fit.leaks.random_auc_roc <= fit.leaks.chance[1]


def test_reasons_are_the_change_of_log_odds_when_a_feature_is_usual(users: DataFrame, fit: PropensityFit):
    later = users.where((F.col("cut") == F.lit(CUTS.evaluation)) & (F.col("user_id") < "u0040")).select(
        "user_id", "f", "g"
    )
    usual = usual_values(later, features=("f", "g"))
    rows = explain_scores(later, usual=usual, pipeline=fit.pipeline, features=("f", "g"), top=2).collect()
    known = later.toPandas().set_index("user_id")
    medians = known.median()
    variants = {name: known.assign(**{name: medians[name]}) for name in ("f", "g")} | {"": known}
    frame = pd.concat([one.assign(changed=name).reset_index() for name, one in variants.items()])
    scored = score_propensity(later.sparkSession.createDataFrame(frame), pipeline=fit.pipeline).toPandas()
    odds = np.log(scored["raw"] / (1 - scored["raw"])).set_axis(
        pd.MultiIndex.from_frame(scored[["user_id", "changed"]])
    )
    told = {(row["user_id"], row["feature"]) for row in rows}
    for user in known.index:  # a feature without a reason moves nothing
        assert all((user, f) in told or odds[user, ""] == pytest.approx(odds[user, f], abs=1e-12) for f in ("f", "g"))
    for row in rows:
        expected = odds[row["user_id"], ""] - odds[row["user_id"], row["feature"]]
        assert row["contribution"] == pytest.approx(expected, abs=1e-9)
        assert row["reference"] == pytest.approx(medians[row["feature"]])
    sizes = {(row["user_id"], row["rank"]): abs(row["contribution"]) for row in rows}
    assert all(sizes[user, 1] >= sizes[user, 2] for user, rank in sizes if rank == 2)


def test_a_search_that_was_broken_off_goes_on_and_a_feature_of_the_future_is_named(
    users: DataFrame, fit: PropensityFit, memory: Notes
):
    """The memory knows all settings but the trees: only these are tried anew, on a feature that knows the label."""
    assert set(memory) == {str(trial.setting) for trial in fit.trials}
    known = Notes({key: value for key, value in memory.items() if not key.startswith(TREES)})
    told = SMALL.model_copy(update={"features": ("g", "h"), "forest_depths": (), "importance_users": 0})
    again = fit_propensity(users, cuts=CUTS, window=WINDOW, target="purchase", params=told, memory=known)
    assert {trial.setting.kind: trial.reused for trial in again.trials} == {
        "logistic_regression": True,
        TREES: False,
    }
    assert set(again.leaks.suspects) == {"h"}
    assert again.importances == ()


def test_one_class_only_names_target_cut_and_counts(users: DataFrame):
    later = F.col("cut") == F.lit(CUTS.evaluation)
    given = {"cuts": CUTS, "window": WINDOW, "target": "churn", "params": SMALL}
    with pytest.raises(
        DataError, match=r"'churn': the training \(cut 2024-03-01, 2024-03-13\) .* 0 of 600 users"
    ) as error:
        fit_propensity(users.withColumn("label", F.when(later, F.col("label")).otherwise(0.0)), **given)
    assert error.value.exit_code == 3
    with pytest.raises(DataError, match=r"calibration half \(cut 2024-03-25\)"):
        fit_propensity(users.withColumn("label", F.when(later, F.lit(1.0)).otherwise(F.col("label"))), **given)
