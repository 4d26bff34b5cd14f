"""Thresholds of the figures in `evaluations`, and how features are described."""

from __future__ import annotations

from pydantic import Field

from segmentation.parameters import Parameters


class EvaluationParams(Parameters):
    """Thresholds of evaluation. A threshold of null turns its verdict into `info`."""

    silhouette_min: float | None = Field(default=0.1, ge=-1.0, le=1.0)
    """Least silhouette (squared Euclidean, in the model's scaled space) over all scored users."""
    davies_bouldin_max: float | None = Field(default=2.5, gt=0.0)
    """Greatest Davies-Bouldin index."""
    segment_share_min: float | None = Field(default=0.005, ge=0.0, le=1.0)
    """Least share of the scored users in any segment."""
    segment_jaccard_min: float | None = Field(default=0.75, ge=0.0, le=1.0)
    """Least mean bootstrap Jaccard of any segment, as measured at training."""
    euclidean_silhouette_max_users: int = Field(default=2_000, ge=10)
    """Up to so many users the Euclidean silhouette is exact; of more it is estimated on so many, with an interval."""
    auc_roc_min: float | None = Field(default=0.6, ge=0.5, le=1.0)
    """Least area under the ROC curve on held-out later data."""
    lift_min: float | None = Field(default=1.0, ge=0.0)
    """Least AUC-PR divided by the share of positives (1: no better than chance)."""
    calibration_error_max: float | None = Field(default=0.1, ge=0.0, le=1.0)
    """Greatest expected calibration error of the calibrated score."""
    quarantined_share_max: float | None = Field(default=None, ge=0.0, le=1.0)
    """Greatest share of the records of a source, without excluded ones, that were unparsable or quarantined."""
    fail_on: tuple[str, ...] = ("ledger_imbalance",)
    """Metrics whose breach ends the job with exit code 3 and publishes nothing; other breaches are recorded."""


class FeatureReportParams(Parameters):
    """Description of features, and the limits beyond which they count as changed since the cut before."""

    sample_users: int = Field(default=10_000, ge=100)
    """Users at most whose values are looked at one by one: percentiles are within 1 point of those of all users."""
    correlation_users: int = Field(default=2_000, ge=100)
    """Users at most, of these, that correlations rest on."""
    correlation_at_least: float = Field(default=0.9, gt=0.0, le=1.0)
    """Rank correlation, of either sign, from which on a pair of features is listed."""
    bins: int = Field(default=20, ge=2, le=200)
    """Bins of a histogram."""
    psi_moved: float = Field(default=0.1, gt=0.0)
    """Population stability index from which on a feature has moved."""
    psi_shifted: float = Field(default=0.25, gt=0.0)
    """Population stability index from which on it has shifted."""
