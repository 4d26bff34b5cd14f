"""How well a probability tells positives from negatives."""

from __future__ import annotations

from pyspark.ml.evaluation import BinaryClassificationEvaluator
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

AUC_PR = "auc_pr"
AUC_ROC = "auc_roc"
LOG_LOSS = "log_loss"
BRIER = "brier"
PREVALENCE = "prevalence"
METHODS = {
    AUC_PR: "area under the precision-recall curve, linear interpolation, every score a threshold",
    AUC_ROC: "area under the ROC curve, every score a threshold",
    LOG_LOSS: "mean negative log-likelihood (nats), probabilities kept within [1e-15, 1 - 1e-15]",
    BRIER: "mean squared difference of probability and outcome",
    PREVALENCE: "share of positives",
}
SMALLEST = 1e-15


def discrimination(df: DataFrame, *, score: str, label: str, metric: str) -> float:
    """Compute `auc_pr` or `auc_roc` of a score; both labels must occur.

    Grain: a user with a score (higher: more likely) and a label of 0.0 or 1.0 -> one figure.
    """
    evaluator = BinaryClassificationEvaluator(
        rawPredictionCol=score,
        labelCol=label,
        metricName="areaUnderPR" if metric == AUC_PR else "areaUnderROC",
        numBins=0,
    )
    return float(evaluator.evaluate(df))


def probability_figures(df: DataFrame, *, probability: str, label: str) -> dict[str, float]:
    """Compute `log_loss`, `brier` and `prevalence` in one pass.

    Grain: a user with a probability and a label of 0.0 or 1.0 -> one figure each.
    """
    row = df.agg(
        F.avg(_log_loss(F.col(probability), F.col(label))).alias(LOG_LOSS),
        F.avg((F.col(probability) - F.col(label)) ** 2).alias(BRIER),
        F.avg(label).alias(PREVALENCE),
    ).first()
    return {name: float(row[name]) for name in (LOG_LOSS, BRIER, PREVALENCE)} if row else {}


def _log_loss(probability: Column, label: Column) -> Column:
    p = F.least(F.greatest(probability, F.lit(SMALLEST)), F.lit(1 - SMALLEST))
    return -(label * F.log(p) + (1 - label) * F.log(1 - p))
