import numpy as np
import pytest
from pyspark.sql import DataFrame, SparkSession
from sklearn.metrics import auc, brier_score_loss, log_loss, precision_recall_curve, roc_auc_score

from segmentation.evaluation.calibration import calibration_bins, expected_calibration_error
from segmentation.evaluation.classification import AUC_PR, AUC_ROC, discrimination, probability_figures

Scores = tuple[np.ndarray, np.ndarray]
pytestmark = pytest.mark.spark


@pytest.fixture(scope="module")
def scores():
    rng = np.random.default_rng(5)
    p = rng.beta(1, 3, 400).round(2)
    p[:3] = [0.0, 1.0, 0.0]
    return p, (rng.random(400) < p).astype(float)


@pytest.fixture(scope="module")
def frame(spark: SparkSession, scores: Scores):
    return spark.createDataFrame(
        [(float(a), float(b)) for a, b in zip(*scores, strict=True)], "p DOUBLE, y DOUBLE"
    ).cache()


def test_figures_are_scikit_learns(frame: DataFrame, scores: Scores):
    p, y = scores
    figures = probability_figures(frame, probability="p", label="y")
    assert figures["brier"] == pytest.approx(brier_score_loss(y, p), abs=1e-12)
    assert figures["log_loss"] == pytest.approx(log_loss(y, np.clip(p, 1e-15, 1 - 1e-15)), abs=1e-9)
    assert figures["prevalence"] == pytest.approx(y.mean())
    roc = discrimination(frame, score="p", label="y", metric=AUC_ROC)
    assert roc == pytest.approx(roc_auc_score(y, p), abs=1e-9)
    precision, recall, _ = precision_recall_curve(y, p)
    precision[-1] = precision[-2]  # scikit-learn ends the curve at precision 1, Spark where it is at the top score
    assert discrimination(frame, score="p", label="y", metric=AUC_PR) == pytest.approx(auc(recall, precision), abs=1e-9)


def test_bins_hold_all_users_in_order_and_about_equal_numbers(frame: DataFrame, scores: Scores):
    p, y = scores
    bins = calibration_bins(frame, probability="p", label="y", bins=8)
    assert sum(b.users for b in bins) == 400
    assert sum(b.users * b.predicted for b in bins) == pytest.approx(p.sum())
    assert sum(b.users * b.observed for b in bins) == pytest.approx(y.sum())
    assert [b.predicted for b in bins] == sorted(b.predicted for b in bins)
    assert all(30 <= b.users <= 70 for b in bins)
    assert all(b.lower <= b.observed <= b.upper for b in bins)
    assert expected_calibration_error(bins) < 0.1


def test_equal_scores_share_a_bin(spark: SparkSession):
    rows = [(0.2, 0.0)] * 30 + [(0.7, 1.0)] * 10
    df = spark.createDataFrame(rows, "p DOUBLE, y DOUBLE")
    bins = calibration_bins(df, probability="p", label="y", bins=10)
    assert [(b.users, b.predicted, b.observed) for b in bins] == [
        (30, pytest.approx(0.2), 0.0),
        (10, pytest.approx(0.7), 1.0),
    ]
