"""Remember finished settings of a search for the best one: a run per setting, in MLflow."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

from mlflow.entities import Metric, Param, RunTag
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID

from segmentation.tracking.records import FINGERPRINT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mlflow import MlflowClient

    from segmentation.models.search import Setting

TRIAL_OF = "trial_of"
SETTING = "setting"
MOST = 1_000
"""Settings of one search that are looked for at most."""


class Trials:
    """The settings of one training that are finished, so that a training that is broken off goes on where it was."""

    def __init__(self, client: MlflowClient, experiment_id: str, kind: str, fingerprint: str) -> None:
        """Look after the trials of the training with this fingerprint; nothing is read yet."""
        self._client = client
        self._experiment_id = experiment_id
        self._kind = kind
        self._fingerprint = fingerprint
        self._lock = Lock()

    def recall(self) -> Mapping[str, Mapping[str, float]]:
        """Return the figures of finished settings, by setting."""
        wanted = f"tags.{TRIAL_OF} = '{self._fingerprint}' AND attributes.status = 'FINISHED'"
        found = self._client.search_runs([self._experiment_id], wanted, max_results=MOST)
        return {run.data.tags[SETTING]: dict(run.data.metrics) for run in found}

    def put_below(self, run_id: str) -> None:
        """Show the finished settings below the run of the training that they were tried for."""
        found = self._client.search_runs(
            [self._experiment_id], f"tags.{TRIAL_OF} = '{self._fingerprint}'", max_results=MOST
        )
        for trial in found:
            self._client.set_tag(trial.info.run_id, MLFLOW_PARENT_RUN_ID, run_id)

    def keep(self, setting: Setting, figures: Mapping[str, float]) -> None:
        """Record a finished setting; settings are fitted in several threads."""
        tags = {TRIAL_OF: self._fingerprint, SETTING: str(setting), "mlflow.runName": f"{self._kind}: {setting}"}
        params = {FINGERPRINT: self._fingerprint, "kind": setting.kind, **setting.values}
        with self._lock:
            run_id = self._client.create_run(self._experiment_id, tags=tags).info.run_id
            self._client.log_batch(
                run_id,
                metrics=[Metric(name, value, 0, 0) for name, value in figures.items()],
                params=[Param(name, str(value)) for name, value in params.items()],
                tags=[RunTag("target", self._kind)],
            )
            self._client.set_terminated(run_id, "FINISHED")
