"""Open the store of runs and models. MLflow is imported at first use, since its import takes seconds."""

from __future__ import annotations

from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from segmentation.tracking.params import TrackingParams
    from segmentation.tracking.store import Store


class Tracking:
    """The addresses of a lake's experiment tracking, and its store once one asks for it."""

    def __init__(self, params: TrackingParams, lake_root: str) -> None:
        """Note where the store is to be; nothing is opened or created yet."""
        self.params = params
        self._lake_root = lake_root.rstrip("/")

    @property
    def uri(self) -> str:
        """Tracking and registry URI: as configured, else SQLite in the local lake, else what the platform provides."""
        if self.params.uri is not None:
            return self.params.uri
        folder = self._local_lake
        return f"sqlite:///{folder / 'mlflow.db'}" if folder else "databricks"

    @property
    def artifacts(self) -> str | None:
        """Return the folder of a new experiment's files: beside the lake's own store; None: the server chooses."""
        folder = self._local_lake
        return (folder / "mlflow-artifacts").as_uri() if folder and self.params.uri is None else None

    @property
    def scratch(self) -> str | None:
        """Return the folder to which Spark writes a model before it is stored; None: a local temporary folder."""
        return None if self._local_lake else f"{self._lake_root}/_mlflow"

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
    def _local_lake(self) -> Path | None:
        root = self._lake_root.removeprefix("file://")
        return None if "://" in root else Path(root).absolute()
