"""Open the store of runs and models. MLflow is imported at first use, since its import takes seconds."""

from __future__ import annotations

import os
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from segmentation.errors import ConfigurationError
from segmentation.filesystem import local_path, scheme_of
from segmentation.filesystem.paths import LOCAL

if TYPE_CHECKING:
    from segmentation.tracking.params import TrackingParams
    from segmentation.tracking.store import Store


TRACKING_VARIABLE, REGISTRY_VARIABLE = "MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI"
"""Environment variables in which MLflow's users name the server and the model registry."""


class Tracking:
    """The addresses of a lake's experiment tracking, and its store once one asks for it."""

    def __init__(self, params: TrackingParams, lake_root: str) -> None:
        """Note where the store is to be; nothing is opened or created yet."""
        self.params = params
        self._lake_root = lake_root.rstrip("/")

    @property
    def uri(self) -> str:
        """Tracking URI: as configured, else of the environment, else SQLite in the local lake.

        Raises:
            ConfigurationError: none is given, and the lake is not on a local disk.
        """
        if self._given is not None:
            return self._given
        folder = self._local_lake
        if folder is None:
            raise ConfigurationError(
                f"the lake {self._lake_root} is not on a local disk, where MLflow's own database could be: "
                f"set {TRACKING_VARIABLE}, or the key tracking.uri, to the address of an MLflow server "
                "(on Databricks: databricks)"
            )
        return f"sqlite:///{folder / 'mlflow.db'}"

    @property
    def registry_uri(self) -> str:
        """URI of the model registry: as configured, else of the environment, else the tracking URI."""
        return self.params.registry_uri or os.environ.get(REGISTRY_VARIABLE) or self.uri

    @property
    def artifacts(self) -> str | None:
        """Return the folder of a new experiment's files: beside the lake's own store; None: the server chooses."""
        folder = self._local_lake
        return (folder / "mlflow-artifacts").as_uri() if folder and self._given is None else None

    @property
    def scratch(self) -> str | None:
        """Return the folder to which Spark writes a model before it is stored; None: a local temporary folder.

        A path without a scheme is on Spark's default file system, so a temporary folder of this machine will do only
        if that is the local one: the root of the lake then has no scheme.
        """
        return None if scheme_of(self._lake_root) is None else f"{self._lake_root}/_mlflow"

    @property
    def command(self) -> str:
        """The command that opens the store in a browser."""
        return f"mlflow ui --backend-store-uri {self.uri}"

    @property
    def exists(self) -> bool:
        """Return whether there is a store to read: a lake's own is made at first use, a server is assumed to exist."""
        return not self.uri.startswith("sqlite:///") or Path(self.uri.removeprefix("sqlite:///")).exists()

    @cached_property
    def store(self) -> Store:
        """The open store."""
        store: Store = import_module("segmentation.tracking.store").Store(self)
        return store

    @property
    def _given(self) -> str | None:
        return self.params.uri or os.environ.get(TRACKING_VARIABLE) or None

    @property
    def _local_lake(self) -> Path | None:
        is_local = scheme_of(self._lake_root) in {None, LOCAL}
        return local_path(self._lake_root).absolute() if is_local else None
