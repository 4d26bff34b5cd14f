"""Figures of the models in use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from segmentation.evaluation.classification import AUC_PR, AUC_ROC, BRIER, LOG_LOSS, METHODS, PREVALENCE
from segmentation.evaluation.figures import Figure
from segmentation.evaluation.separation import (
    DAVIES_BOULDIN,
    SILHOUETTE,
    SILHOUETTE_EUCLIDEAN,
    Silhouette,
    davies_bouldin,
    euclidean_silhouette,
    squared_euclidean_silhouette,
)
from segmentation.statistics import wilson_interval

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyspark.sql import DataFrame

    from segmentation.evaluation.params import EvaluationParams

CLUSTERS = "clusters"
SPACE = "in the model's scaled space, all scored users"
CALIBRATION_ERROR = "calibration_error"
INTERVAL_95 = 1.96
"""Standard errors to either side of an estimate."""


def judge_separation(placed: DataFrame, *, vector: str, cluster: str, params: EvaluationParams) -> list[Figure]:
    """Judge how well the clusters of scored users are separated.

    Grain: a scored user with vector, cluster and `user_id` -> figures. With one cluster occupied nothing is separated:
    values are null.
    """
    users = placed.count()
    separable = placed.select(cluster).distinct().count() > 1
    silhouette = squared_euclidean_silhouette(placed, features=vector, cluster=cluster) if separable else None
    index = davies_bouldin(placed, features=vector, cluster=cluster) if separable else None
    figures = [
        Figure("users", CLUSTERS, float(users), "scored users"),
        Figure(
            SILHOUETTE,
            CLUSTERS,
            silhouette,
            f"mean silhouette, squared Euclidean distance {SPACE}",
            at_least=params.silhouette_min,
        ),
        Figure(
            DAVIES_BOULDIN,
            CLUSTERS,
            index,
            f"Davies-Bouldin index, Euclidean distance {SPACE}",
            at_most=params.davies_bouldin_max,
        ),
    ]
    if separable:
        most = params.euclidean_silhouette_max_users
        found = euclidean_silhouette(placed, features=vector, cluster=cluster, point="user_id", most=most)
        figures.append(_euclidean(found))
    return figures


def judge_structure(
    *, found: bool, rule: str, jaccards: Mapping[str, float | None], params: EvaluationParams
) -> list[Figure]:
    """Restate what the cluster model's training found: whether there are clusters, and how stable each is.

    Args:
        found: whether any candidate kept to the rule.
        rule: in words.
        jaccards: segment_id -> mean bootstrap Jaccard at training; None where it was not asked.
        params: thresholds.
    """
    method = f"1 if the training of the model in use found clusters, else 0: {rule}" if rule else "the model in use"
    stable = "mean Jaccard of the segment and its likest cluster in bootstrap samples (Hennig 2007), at training"
    return [
        Figure("cluster_structure", CLUSTERS, float(found), method, at_least=1.0),
        *(
            Figure("segment_jaccard", f"segment:{segment}", jaccard, stable, at_least=params.segment_jaccard_min)
            for segment, jaccard in sorted(jaccards.items())
            if jaccard is not None
        ),
    ]


def _euclidean(found: Silhouette) -> Figure:
    """Report an exact silhouette as it is, an estimate with its 95 % interval."""
    method = f"mean silhouette, Euclidean distance {SPACE}"
    if found.exact:
        return Figure(SILHOUETTE_EUCLIDEAN, CLUSTERS, found.value, method)
    either_way = INTERVAL_95 * found.standard_error
    return Figure(
        SILHOUETTE_EUCLIDEAN,
        CLUSTERS,
        found.value,
        f"{method}, estimated on {found.sampled} of them by hash of user_id, 95 % interval",
        lower=found.value - either_way,
        upper=found.value + either_way,
    )


def judge_sizes(assignments: DataFrame, *, params: EvaluationParams) -> list[Figure]:
    """Count each segment.

    Grain: a scored user at one cut -> a share (95 % Wilson interval) and a size per segment.
    """
    rows = assignments.groupBy("segment_id").agg(F.count(F.lit(1)).alias("n")).orderBy("segment_id").collect()
    total = sum(row["n"] for row in rows)
    figures = []
    for row in rows:
        scope, n = f"segment:{row['segment_id']}", row["n"]
        lower, upper = wilson_interval(n, total)
        figures += [
            Figure("segment_users", scope, float(n), "scored users in the segment"),
            Figure(
                "segment_share",
                scope,
                n / total,
                "share of the scored users, 95 % Wilson interval",
                at_least=params.segment_share_min,
                lower=lower,
                upper=upper,
            ),
        ]
    return figures


def judge_propensity(
    metrics: Mapping[str, float], *, target: str, evaluation_cut: str, params: EvaluationParams
) -> list[Figure]:
    """Restate how a propensity model did on held-out later users when it was trained.

    Args:
        metrics: of its training run.
        target: what it predicts.
        evaluation_cut: the cut of the held-out users.
        params: thresholds.
    """
    scope, where = (
        f"propensity:{target}",
        f"; users held out of training and calibration, cut {evaluation_cut}",
    )
    prevalence = metrics.get(PREVALENCE)
    lift = metrics[AUC_PR] / prevalence if prevalence and AUC_PR in metrics else None
    ranked = "; raw score"
    return [
        Figure(AUC_PR, scope, metrics.get(AUC_PR), METHODS[AUC_PR] + ranked + where),
        Figure(
            AUC_ROC,
            scope,
            metrics.get(AUC_ROC),
            METHODS[AUC_ROC] + ranked + where,
            at_least=params.auc_roc_min,
        ),
        Figure("auc_pr_lift", scope, lift, "auc_pr / prevalence" + where, at_least=params.lift_min),
        Figure(LOG_LOSS, scope, metrics.get(LOG_LOSS), METHODS[LOG_LOSS] + "; calibrated score" + where),
        Figure(BRIER, scope, metrics.get(BRIER), METHODS[BRIER] + "; calibrated score" + where),
        Figure(PREVALENCE, scope, prevalence, METHODS[PREVALENCE] + where),
        Figure(
            CALIBRATION_ERROR,
            scope,
            metrics.get(CALIBRATION_ERROR),
            "expected calibration error, equal-frequency bins; calibrated score" + where,
            at_most=params.calibration_error_max,
        ),
    ]
