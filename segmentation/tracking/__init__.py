"""Experiment tracking and the model registry: the only code that knows MLflow."""

from segmentation.tracking.tracking import Tracking

__all__ = ["Tracking"]
