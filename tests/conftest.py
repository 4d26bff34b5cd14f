"""One Spark session for the whole run, and where the published data sets stand."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from segmentation.runtime.session import open_session

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyspark.sql import SparkSession

PROJECT = Path(__file__).parents[1]
# PySpark takes a main module without a file for its own doctests, and ends the process: pytest-xdist's has none.
sys.modules["__main__"].__dict__.setdefault("__file__", __file__)
SETTINGS = {
    "spark.master": "local[2]",
    "spark.driver.memory": "2g",
    "spark.sql.shuffle.partitions": "2",
    "spark.default.parallelism": "2",
    "spark.databricks.delta.snapshotPartitions": "1",
    # Tiny frames: compiling code costs more than running it.
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=240m -XX:+UseSerialGC",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.adaptive.enabled": "false",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}


LONGEST = (
    "test_exactness",
    "test_crash",
    "test_published_truths",
    "test_submit",
    "test_model_jobs",
    "test_restate",
    "test_build_features_job",
)
"""Files that take minutes begin first, so that no process is left alone with one of them in the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first, in whatever order the others are."""
    items.sort(key=lambda item: LONGEST.index(item.path.stem) if item.path.stem in LONGEST else len(LONGEST))


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkSession]:
    """The session that all tests share."""
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    session = open_session("tests", SETTINGS)
    yield session
    session.stop()


def data_set(name: str, file: str = "") -> Path:
    """Return a published data set: of the neighbouring data folder, else of the set-up; skip by name if absent."""
    for root in (PROJECT.parent / "shared" / "data", PROJECT / "data"):
        path = root / name / file
        if path.exists():
            return path
    pytest.skip(f"data set {name}/{file} is absent")


@pytest.fixture
def published():
    """Give tests `data_set`."""
    return data_set
