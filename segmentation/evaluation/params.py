"""Thresholds of the figures in `evaluations`."""

from __future__ import annotations

from pydantic import Field

from segmentation.parameters import Parameters


class EvaluationParams(Parameters):
    """What is good enough. A threshold of null turns its verdict into `info`."""

    silhouette_min: float | None = Field(default=0.1, ge=-1.0, le=1.0)
    """Least silhouette (squared Euclidean, in the model's scaled space) over all scored users."""
    davies_bouldin_max: float | None = Field(default=2.5, gt=0.0)
    """Greatest Davies-Bouldin index."""
    segment_share_min: float | None = Field(default=0.005, ge=0.0, le=1.0)
    """Least share of the scored users in any segment."""
    euclidean_silhouette_max_users: int = Field(default=1_000, ge=0)
    """Up to so many users the Euclidean silhouette (all pairs, exact) is reported too."""
    auc_roc_min: float | None = Field(default=0.6, ge=0.5, le=1.0)
    """Least area under the ROC curve on held-out later data."""
    lift_min: float | None = Field(default=1.0, ge=0.0)
    """Least AUC-PR divided by the share of positives (1: no better than chance)."""
    calibration_error_max: float | None = Field(default=0.1, ge=0.0, le=1.0)
    """Greatest expected calibration error of the calibrated score."""
    quarantined_share_max: float | None = Field(default=None, ge=0.0, le=1.0)
    """Greatest share of the records of a source that were unparsable or quarantined."""
    fail_on: tuple[str, ...] = ("ledger_imbalance",)
    """Metrics whose breach ends the job with exit code 3 and publishes nothing; other breaches are recorded."""
