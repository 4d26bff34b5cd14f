"""Measure how well a probability separates positives from negatives, for a bounded number of users, on the driver."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sklearn.metrics import auc, brier_score_loss, log_loss, precision_recall_curve, roc_auc_score

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

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


def ranking_figures(score: Floats, label: Floats) -> dict[str, float]:
    """Compute `auc_pr` and `auc_roc` of a score (higher: more likely) of users with labels 0 or 1; both must occur."""
    precision, recall, _ = precision_recall_curve(label, score)
    precision[-1] = precision[-2]  # the curve starts where it is at the highest score, not at a made-up 1
    return {AUC_PR: float(auc(recall, precision)), AUC_ROC: float(roc_auc_score(label, score))}


def probability_figures(probability: Floats, label: Floats) -> dict[str, float]:
    """Compute `log_loss`, `brier` and `prevalence` of users with a probability and a label of 0 or 1."""
    return {
        LOG_LOSS: float(log_loss(label, np.clip(probability, SMALLEST, 1 - SMALLEST), labels=[0.0, 1.0])),
        BRIER: float(brier_score_loss(label, probability)),
        PREVALENCE: float(np.mean(label)),
    }


def log_losses(probability: Floats, label: Floats) -> Floats:
    """Return each user's negative log-likelihood (nats), whose mean is `log_loss`."""
    p = np.clip(probability, SMALLEST, 1 - SMALLEST)
    return np.asarray(-(label * np.log(p) + (1 - label) * np.log(1 - p)))
