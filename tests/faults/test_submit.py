"""Jobs under spark-submit, from the wheel: on this machine, on a standalone cluster, and when an executor dies."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from jobs import ingest_events
from segmentation.lake.lake import Lake
from segmentation.runtime.session import own_jars
from segmentation.tables import SESSIONS, USER_DAYS
from tests.digest import digest
from tests.faults.clicks import write_clicks
from tests.faults.cluster import Cluster, watched_cluster

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyspark.sql import SparkSession

pytestmark = [pytest.mark.faults, pytest.mark.spark]

PROJECT = Path(__file__).parents[2]
PACKED = ("setup.py", "pyproject.toml", "README.md", "LICENSE", "segmentation", "jobs")
TABLES = (SESSIONS, USER_DAYS)
LOCAL = "local[2]"
PARTITIONS = 4
FRAME_HELD = r"Block rdd_\d+_[23] stored"
"""Delta's own frames have one partition, ours four: what is held of those cannot be worked out again."""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's wheel, built apart so that nothing stale gets in and nothing is left in the checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in PACKED:
        origin, copy = PROJECT / name, folder / name
        shutil.copytree(origin, copy) if origin.is_dir() else shutil.copy(origin, copy)
    pip = [sys.executable, "-m", "pip", "wheel", ".", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "--no-deps", "--no-build-isolation", "-w", "dist"], cwd=folder, check=True)
    return next(folder.glob("dist/*.whl"))


@pytest.fixture(scope="module")
def lake(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake of some 200 events, taken in by the session that all tests share."""
    folder = tmp_path_factory.mktemp("submit")
    write_clicks(folder / "clicks.csv")
    options = ("--source", "ecom", "--input", str(folder / "clicks.csv"), "--conf-dir", str(PROJECT / "conf"))
    assert ingest_events.main(["--lake", str(folder / "lake"), *options]) == 0
    return folder / "lake"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with watched_cluster(tmp_path_factory.mktemp("cluster")) as running:
        yield running


def start_submit(lake: Path, wheel: Path, master: str, folder: Path) -> subprocess.Popen[str]:
    """Start `build_sessions --rebuild` from a folder where the code can only come from the wheel."""
    decoy = folder / "decoy" / "segmentation"
    decoy.mkdir(parents=True)
    (decoy / "__init__.py").write_text("raise ImportError('the wheel was not taken')\n")
    submit = [str(Path(sys.executable).with_name("spark-submit")), "--master", master, "--executor-memory", "1g"]
    submit += ["--conf", "spark.sql.adaptive.coalescePartitions.enabled=false"]  # work for every executor
    submit += ["--jars", ",".join(own_jars()), "--py-files", str(wheel)]
    job = [str(PROJECT / "jobs" / "build_sessions.py"), "--rebuild"]
    job += ["--lake", str(lake), "--conf-dir", str(PROJECT / "conf")]
    job += ["--set", f"spark.spark.sql.shuffle.partitions={PARTITIONS}"]
    where = {"PYSPARK_PYTHON": sys.executable, "PYTHONPATH": str(decoy.parent), "SPARK_LOCAL_IP": "127.0.0.1"}
    with (folder / "stderr").open("w") as stderr:
        return subprocess.Popen(
            [*submit, *job], cwd=folder, env={**os.environ, **where}, stdout=subprocess.PIPE, stderr=stderr, text=True
        )


def result_of(run: subprocess.Popen[str], folder: Path) -> dict[str, Any]:
    out, _ = run.communicate(timeout=600)
    assert run.returncode == 0, out[-5_000:] + (folder / "stderr").read_text()[-2_000:]
    return json.loads(out.strip().splitlines()[-1])


def copy_of(lake: Path, folder: Path) -> Path:
    return Path(shutil.copytree(lake, folder / "lake"))


def check_rebuilt(spark: SparkSession, before: Path, after: Path, result: dict[str, Any]) -> None:
    """Both tables were written anew, and their rows are those that the shared session made."""
    old, new = Lake(spark, str(before), "reader"), Lake(spark, str(after), "reader")
    for table in TABLES:
        assert new.version(table) == result["tables"][table.name]["version"] > old.version(table)
    made = digest(spark, after, TABLES)
    assert made == digest(spark, before, TABLES)
    assert made[SESSIONS.name][0] > 40


def test_on_this_machine(spark: SparkSession, lake: Path, wheel: Path, tmp_path: Path) -> None:
    copy = copy_of(lake, tmp_path)
    result = result_of(start_submit(copy, wheel, LOCAL, tmp_path), tmp_path)
    check_rebuilt(spark, lake, copy, result)


def test_on_a_standalone_cluster(
    spark: SparkSession, lake: Path, wheel: Path, cluster: Cluster, tmp_path: Path
) -> None:
    copy = copy_of(lake, tmp_path)
    result = result_of(start_submit(copy, wheel, cluster.master, tmp_path), tmp_path)
    check_rebuilt(spark, lake, copy, result)
    assert sum(ended > 0 for ended in cluster.tasks_ended().values()) >= 2, "both workers did some of it"


def test_an_executor_killed_with_a_frame_that_it_held_leaves_no_trace(
    spark: SparkSession, lake: Path, wheel: Path, cluster: Cluster, tmp_path: Path
) -> None:
    copy = copy_of(lake, tmp_path)
    run = start_submit(copy, wheel, cluster.master, tmp_path)
    killed = cluster.kill_an_executor_at_work(run, FRAME_HELD)
    check_rebuilt(spark, lake, copy, result_of(run, tmp_path))
    assert set(cluster.tasks_ended()) > {killed}, "others took its work over"
