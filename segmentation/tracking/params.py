"""Parameters of experiment tracking."""

from __future__ import annotations

from segmentation.parameters import Parameters


class TrackingParams(Parameters):
    """Location and names of runs and models."""

    uri: str | None = None
    """MLflow tracking URI; null: `MLFLOW_TRACKING_URI`, else `mlflow.db` (SQLite) in a local lake, artifacts beside
    it."""
    registry_uri: str | None = None
    """URI of MLflow's model registry; null: `MLFLOW_REGISTRY_URI`, else the tracking URI."""
    experiment: str = "segmentation"
    """Experiment that collects the runs."""
    model_prefix: str = "segmentation"
    """Registered models are `<prefix>-clusters` and `<prefix>-propensity-<target>`."""
    plots: bool = True
    """Whether curves are drawn (PNG) beside their data (CSV)."""
