"""Runs, models and aliases in MLflow."""

from __future__ import annotations

import io
import json
import logging
import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

# Read when MLflow is imported or first used: no telemetry, no probing of the git checkout, no progress bars.
for _name, _value in {
    "GIT_PYTHON_REFRESH": "quiet",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_RECORD_ENV_VARS_IN_MODEL_LOGGING": "false",
}.items():
    os.environ.setdefault(_name, _value)

import mlflow  # noqa: E402  after the settings it reads
import mlflow.artifacts  # noqa: E402
import mlflow.spark  # noqa: E402
import pandas as pd  # noqa: E402
from mlflow.data.delta_dataset_source import DeltaDatasetSource  # noqa: E402
from mlflow.data.meta_dataset import MetaDataset  # noqa: E402
from mlflow.entities import LifecycleStage, Metric, Param  # noqa: E402
from mlflow.exceptions import MlflowException  # noqa: E402
from mlflow.models import ModelSignature  # noqa: E402
from mlflow.protos.databricks_pb2 import RESOURCE_DOES_NOT_EXIST, ErrorCode  # noqa: E402
from mlflow.types import ColSpec, Schema  # noqa: E402
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID, MLFLOW_RUN_NOTE  # noqa: E402

from segmentation.errors import ConfigurationError  # noqa: E402
from segmentation.tracking.mlflow_internals import example_not_served  # noqa: E402
from segmentation.tracking.plots import draw_curve  # noqa: E402
from segmentation.tracking.records import (  # noqa: E402
    CHALLENGER,
    CHAMPION,
    DECISION,
    EVIDENCE,
    FINGERPRINT,
    REASON,
    ModelVersion,
    parse_points,
)
from segmentation.tracking.tracking import REGISTRY_VARIABLE, TRACKING_VARIABLE  # noqa: E402
from segmentation.tracking.trials import Trials  # noqa: E402

if TYPE_CHECKING:
    from pyspark.ml import PipelineModel

    from segmentation.tracking.records import NestedRun, Training, Verdict
    from segmentation.tracking.tracking import Tracking

CURVES = "curves"
"""Folder of a run that holds its curves."""
MLFLOW_EXPERIMENT_KIND = "mlflow.experimentKind"
SITE = "site"
"""Folder of a run that holds a site."""
MOST_MODELS = 1_000
EXPERIMENT = {
    MLFLOW_EXPERIMENT_KIND: "custom_model_development",  # opens the view of trainings, not that of language models
    MLFLOW_RUN_NOTE: "A run per training, with the candidates it chose from below it; a run per published "
    "review. Registered models: alias `champion` is in use, `challenger` is the newest; descriptions say why.",
}
MADE_UP = 1.0
"""Value of every feature in a model's input example: an invented user, as users' values stay in the lake."""
LONG_TAGS = ("features", "segments")
"""Tags of a version that a run does not repeat: its parameters and documents hold them."""
QUIET = ("mlflow", "alembic", "py4j")
REQUIREMENTS = tuple(f"{package}=={version(package)}" for package in ("pyspark", "mlflow"))


def describe_kind(kind: str) -> str:
    """Describe a registered model for its page."""
    start, _, target = kind.partition("-")
    if not target:
        return (
            "Which segment a user is in. Input: a row of `user_features`; output: `prediction`, the cluster's number."
        )
    return (
        f"How likely a user is to do '{target}' ({start}). Input: a row of `user_features`; output: `raw`, the "
        "classifier's score, and `prediction`, the calibrated probability. Alias `champion`: in use."
    )


class Store:
    """An MLflow experiment with its registered models."""

    def __init__(self, tracking: Tracking) -> None:
        """Open the experiment; make it where it does not exist."""
        for name in QUIET:
            logging.getLogger(name).setLevel(logging.ERROR)
        self._tracking = tracking
        self._params = tracking.params
        if tracking.uri.startswith("sqlite:///"):
            Path(tracking.uri.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
        self._client = mlflow.MlflowClient(tracking_uri=tracking.uri, registry_uri=tracking.registry_uri)
        self._experiment_id = self._open_experiment()
        self._pipelines: dict[tuple[str, str], PipelineModel] = {}

    def require_active(self) -> None:
        """Check that runs can be recorded, before a job computes what it would record.

        Raises:
            ConfigurationError: the experiment was deleted; names it, its store and the command that restores it.
        """
        found = self._client.get_experiment(self._experiment_id)
        if found.lifecycle_stage == LifecycleStage.ACTIVE:
            return
        restore = f"MLFLOW_TRACKING_URI={self._tracking.uri} mlflow experiments restore -x {self._experiment_id}"
        raise ConfigurationError(
            f"experiment '{self._params.experiment}' of {self._tracking.uri} was deleted, so no run can be recorded: "
            f"restore it ({restore}), or name another one with tracking.experiment"
        )

    # Looking up

    def champion(self, kind: str) -> ModelVersion | None:
        """Return the champion of a kind of model, None where there is none."""
        return self._look_up(kind, CHAMPION)

    def require_champion(self, kind: str, job: str) -> ModelVersion:
        """Return the champion of a kind of model.

        Raises:
            ConfigurationError: there is none; names the command that makes one.
        """
        found = self.champion(kind)
        if found is None:
            raise ConfigurationError(
                f"no champion of '{self._model_name(kind)}' is registered in {self._tracking.uri}: "
                f"run python jobs/{job}.py with the same --lake first"
            )
        return found

    def find(self, kind: str, fingerprint: str) -> ModelVersion | None:
        """Return the newest version that was trained from just this, None where there is none."""
        matching = f"name = '{self._model_name(kind)}' AND tag.{FINGERPRINT} = '{fingerprint}'"
        found = self._client.search_model_versions(matching)
        return self._model_version(max(found, key=lambda v: int(v.version))) if found else None

    def version(self, kind: str, version: str) -> ModelVersion:
        """Return a version that is known to exist."""
        return self._model_version(self._client.get_model_version(self._model_name(kind), version))

    def require_version(self, kind: str, version: str) -> ModelVersion:
        """Return a version by its number, or the one that an alias (`challenger`) names.

        Raises:
            ConfigurationError: there is none.
        """
        found = self._look_up(kind, version)
        if found is None:
            raise ConfigurationError(f"'{self._model_name(kind)}' has no version '{version}' in {self._tracking.uri}")
        return found

    def versions(self, kind: str, newest: int = 0) -> list[ModelVersion]:
        """Return the newest versions of a kind of model (0: all), oldest first; none where none is registered."""
        found = self._client.search_model_versions(f"name = '{self._model_name(kind)}'")
        return [self._model_version(one) for one in sorted(found, key=lambda v: int(v.version))[-newest:]]

    def kinds(self) -> list[str]:
        """Return the kinds of model that are registered here."""
        start = self._model_name("")
        names = (model.name for model in self._client.search_registered_models(max_results=MOST_MODELS))
        return sorted(name.removeprefix(start) for name in names if name.startswith(start))

    def trials(self, kind: str, fingerprint: str) -> Trials:
        """Return what a search for the best setting of a training has found so far."""
        return Trials(self._client, self._experiment_id, kind, fingerprint)

    def read_document(self, kind: str, version: str, name: str) -> Any:
        """Return a document that was recorded with a version; None where it was not."""
        run_id = self.version(kind, version).run_id
        if name not in {kept.path for kept in self._client.list_artifacts(run_id)}:
            return None
        self._select()
        return json.loads(mlflow.artifacts.load_text(f"runs:/{run_id}/{name}"))

    def load(self, model: ModelVersion) -> PipelineModel:
        """Load a model version as the Spark ML pipeline it was logged as, once in a process."""
        self._select()
        key = (model.name, model.version)
        if key not in self._pipelines:
            with self._scratch() as scratch:
                self._pipelines[key] = mlflow.spark.load_model(
                    f"models:/{model.name}/{model.version}", dfs_tmpdir=scratch
                )
        return self._pipelines[key]

    def read_curve(self, kind: str, version: str, name: str) -> list[dict[str, float | None]]:
        """Return the points of a curve that was recorded with a version; none where it was not."""
        run_id = self.version(kind, version).run_id
        if f"{CURVES}/{name}.csv" not in {kept.path for kept in self._client.list_artifacts(run_id, CURVES)}:
            return []
        self._select()
        return parse_points(mlflow.artifacts.load_text(f"runs:/{run_id}/{CURVES}/{name}.csv"))

    # Keeping

    def record(self, training: Training) -> ModelVersion:
        """Keep a training: a run with parameters, metrics, curves, data sets and model; a version, now `challenger`.

        The version appears last and with all its tags: a run that dies on the way leaves no version behind.
        """
        self._select()
        about = {MLFLOW_RUN_NOTE: training.description, **training.tags}
        shown = {name: value for name, value in about.items() if name not in LONG_TAGS}
        with mlflow.start_run(experiment_id=self._experiment_id, run_name=training.kind, tags=shown) as run:
            self._log_figures(training, run.info.run_id)
            self._log_nested(training, run.info.run_id)
            self.trials(training.kind, training.fingerprint).put_below(run.info.run_id)
            logged = self._log_model(training)
        tags = {FINGERPRINT: training.fingerprint, **training.tags}
        with redirect_stderr(io.StringIO()):  # it prints that it succeeded
            registered = mlflow.register_model(logged.model_uri, self._model_name(training.kind), tags=tags)
        self._client.update_registered_model(registered.name, describe_kind(training.kind))
        self._client.set_registered_model_alias(registered.name, CHALLENGER, registered.version)
        self._pipelines[registered.name, str(registered.version)] = training.pipeline
        return ModelVersion(registered.name, str(registered.version), run.info.run_id, tags, dict(training.metrics))

    def settle(self, model: ModelVersion, verdict: Verdict) -> ModelVersion:
        """Make a challenger champion or not; return it with the decision and its reason.

        Version and run keep them: in tags, and in the description that the registry shows. The tag that says that it
        is decided comes last: a run that dies on the way decides once more, from the same figures.
        """
        decision = "promoted" if verdict.promoted else "kept as challenger"
        evidence = json.dumps(verdict.evidence, sort_keys=True, default=str)
        self._client.update_model_version(model.name, model.version, f"{decision}: {verdict.reason}")
        tags = {EVIDENCE: evidence, REASON: verdict.reason, DECISION: decision}
        for name, value in tags.items():
            if name == DECISION and verdict.promoted:
                self._client.set_registered_model_alias(model.name, CHAMPION, model.version)
            self._client.set_tag(model.run_id, name, value)
            self._client.set_model_version_tag(model.name, model.version, name, value)
        return replace(model, tags={**model.tags, **tags})

    def make_champion(self, model: ModelVersion, note: str) -> None:
        """Give a version the champion's alias, and say so in its description."""
        self._client.update_model_version(model.name, model.version, note)
        self._client.set_registered_model_alias(model.name, CHAMPION, model.version)

    def record_site(self, site: Mapping[str, str], one_page: str, name: str, tags: Mapping[str, str]) -> str:
        """Keep a static site as a run of its own, and in one file what its viewer shows; return the run's id.

        Args:
            site: file name -> content; in the folder `site`.
            one_page: the same with everything in it, as MLflow's viewer of files loads none beside a page.
            name: of the run, and of that page.
            tags: of the run.
        """
        self._select()
        note = f"The review as it was published: open `{name}.html`. The folder `{SITE}` holds the same as pages."
        with (
            mlflow.start_run(
                experiment_id=self._experiment_id, run_name=name, tags={MLFLOW_RUN_NOTE: note, **tags}
            ) as run,
            tempfile.TemporaryDirectory(prefix="segmentation-site-") as scratch,
        ):
            for file, content in {
                **{f"{SITE}/{file}": text for file, text in site.items()},
                f"{name}.html": one_page,
            }.items():
                path = Path(scratch, file)
                path.parent.mkdir(exist_ok=True)
                path.write_text(content, encoding="utf-8")
            mlflow.log_artifacts(scratch)
        return str(run.info.run_id)

    # Inside

    def _look_up(self, kind: str, version: str) -> ModelVersion | None:
        """Return a version by its number or by an alias, None where there is none."""
        name = self._model_name(kind)
        try:
            if version.isdigit():
                return self.version(kind, version)
            return self._model_version(self._client.get_model_version_by_alias(name, version))
        except MlflowException as error:
            if error.error_code in {ErrorCode.Name(RESOURCE_DOES_NOT_EXIST), "INVALID_PARAMETER_VALUE"}:
                return None
            raise

    def _select(self) -> None:
        """Point MLflow's global state here: a process may have opened another lake's store meanwhile."""
        tracking, registry = self._tracking.uri, self._tracking.registry_uri
        with _environment_kept():
            mlflow.set_tracking_uri(tracking)
            mlflow.set_registry_uri(registry)

    def _open_experiment(self) -> str:
        found = self._client.get_experiment_by_name(self._params.experiment)
        if found is not None:
            return str(found.experiment_id)
        made = self._client.create_experiment(
            self._params.experiment, artifact_location=self._tracking.artifacts, tags=EXPERIMENT
        )
        return str(made)

    def _model_name(self, kind: str) -> str:
        return f"{self._params.model_prefix}-{kind}"

    def _model_version(self, found: mlflow.entities.model_registry.ModelVersion) -> ModelVersion:
        run_id = str(found.run_id)
        metrics = self._client.get_run(run_id).data.metrics
        return ModelVersion(found.name, str(found.version), run_id, dict(found.tags), dict(metrics))

    def _log_figures(self, training: Training, run_id: str) -> None:
        self._log_batch(run_id, {FINGERPRINT: training.fingerprint, **training.params}, training)
        for data in training.data:
            # Not mlflow.data.load_delta: it counts the rows through Python, and its source is just this one.
            source = DeltaDatasetSource(path=data.path, delta_table_version=data.version)
            mlflow.log_input(MetaDataset(source, name=data.name, digest=f"v{data.version}"), "training")  # type: ignore[abstract]
        for name, content in training.documents.items():
            mlflow.log_text(json.dumps(content, indent=2, sort_keys=True), name)
        for curve in training.curves:
            mlflow.log_text(curve.as_csv(), f"{CURVES}/{curve.name}.csv")
            if self._params.plots:
                mlflow.log_figure(draw_curve(curve), f"{CURVES}/{curve.name}.png")

    def _log_nested(self, training: Training, parent: str) -> None:
        for nested in training.nested:
            tags = {MLFLOW_PARENT_RUN_ID: parent, **nested.tags}
            run_id = self._client.create_run(self._experiment_id, tags=tags, run_name=nested.name).info.run_id
            self._log_batch(run_id, nested.params, nested)
            self._client.set_terminated(run_id)

    def _log_batch(self, run_id: str, params: Mapping[str, object], of: Training | NestedRun) -> None:
        now = int(time.time() * 1000)
        steps = [Metric(name, value, now, step) for name, pairs in of.steps.items() for step, value in pairs]
        self._client.log_batch(
            run_id,
            params=[Param(name, str(value)) for name, value in params.items()],
            metrics=[*steps, *(Metric(name, value, now, 0) for name, value in of.metrics.items())],
        )

    def _log_model(self, training: Training) -> mlflow.models.model.ModelInfo:
        signature = ModelSignature(
            inputs=Schema([ColSpec("double", name, required=False) for name in training.features]),
            outputs=Schema([ColSpec(kind, name) for name, kind in training.outputs.items()]),
        )
        with self._scratch() as scratch, example_not_served():
            return mlflow.spark.log_model(
                training.pipeline,
                "model",
                dfs_tmpdir=scratch,
                signature=signature,
                input_example=pd.DataFrame([dict.fromkeys(training.features, MADE_UP)]),
                pip_requirements=list(REQUIREMENTS),
            )

    @contextmanager
    def _scratch(self) -> Iterator[str]:
        if self._tracking.scratch is not None:
            yield self._tracking.scratch
            return
        with tempfile.TemporaryDirectory(prefix="segmentation-model-") as folder:
            yield folder


@contextmanager
def _environment_kept() -> Iterator[None]:
    """Undo what MLflow writes into the environment, where it would pass for a setting of the user's."""
    before = {name: os.environ.get(name) for name in (TRACKING_VARIABLE, REGISTRY_VARIABLE)}
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
