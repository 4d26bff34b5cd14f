"""An experiment that was deleted in MLflow's pages stops a training before it begins, with the remedy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import mlflow
import pytest

from segmentation.errors import ConfigurationError
from segmentation.tracking.params import TrackingParams
from segmentation.tracking.tracking import Tracking

if TYPE_CHECKING:
    from pathlib import Path


def test_a_deleted_experiment_is_named_with_its_store_and_the_remedy(tmp_path: Path) -> None:
    tracking = Tracking(TrackingParams(), str(tmp_path))
    tracking.store.require_active()
    client = mlflow.MlflowClient(tracking_uri=tracking.uri)
    experiment = client.get_experiment_by_name("segmentation")
    client.delete_experiment(experiment.experiment_id)
    opened = Tracking(TrackingParams(), str(tmp_path)).store
    assert opened.champion("clusters") is None  # the registry is read as before
    with pytest.raises(ConfigurationError) as refused:
        opened.require_active()
    for word in ("'segmentation'", "mlflow.db", f"experiments restore -x {experiment.experiment_id}", "tracking.exp"):
        assert word in str(refused.value)
    client.restore_experiment(experiment.experiment_id)
    opened.require_active()
