"""A lake whose path means another file system to Spark than to the driver: only Spark's counts."""

from __future__ import annotations

import json
import os
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from jobs import build_features, build_sessions, ingest_events, maintain_tables, publish_review
from segmentation.errors import RetryableError
from segmentation.filesystem import as_pattern, create_file, list_entries, read_file
from segmentation.lake.lake import Lake
from segmentation.lake.lock import LEASE, exclusive
from segmentation.sources.kafka import OffsetRange
from segmentation.sources.readers import kafka
from segmentation.sources.readers.messages import LANDED
from segmentation.tables import EVENTS, INPUT_UNITS
from segmentation.tracking.tracking import REGISTRY_VARIABLE, TRACKING_VARIABLE
from tests.digest import digest
from tests.faults.clicks import write_clicks
from tests.spark.lake.file_systems import Mount, files_of, mounted
from tests.spark.stored import stored_units

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

    from pyspark.sql import SparkSession

    Run = Callable[..., tuple[int, Any]]

pytestmark = pytest.mark.spark

CONF = Path(__file__).parents[3] / "conf"
NAME = "läke #1 [a] 50%"
AT = datetime(2024, 5, 1, tzinfo=timezone.utc)


@pytest.fixture
def mount(spark: SparkSession, tmp_path: Path) -> Iterator[Mount]:
    with mounted(spark, tmp_path) as found:
        yield found


@pytest.fixture
def run(mount: Mount, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a job on the mounted file system; return its exit code and its result."""

    def run_job(job: ModuleType, lake: Path, *options: str) -> tuple[int, Any]:
        mount.make_current()
        capsys.readouterr()
        code = job.main(["--conf-dir", str(CONF), "--lake", str(lake), *options])
        return code, json.loads(capsys.readouterr().out.strip().splitlines()[-1])

    return run_job


@pytest.mark.faults  # seven jobs: minutes
def test_jobs__the_drivers_disk_has_a_lake_at_the_same_path(
    spark: SparkSession,
    mount: Mount,
    run: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv(REGISTRY_VARIABLE, raising=False)
    monkeypatch.delenv(TRACKING_VARIABLE, raising=False)
    lake, clicks = mount.folder / NAME, mount.folder / "in [x]" / "clicks #1.csv"
    mount.on_disk(clicks).parent.mkdir()
    write_clicks(mount.on_disk(clicks))
    decoy = Lake(spark, str(lake), "decoy")
    decoy.append(INPUT_UNITS, stored_units(spark, "decoy"))
    (lake / "events" / "_delta_log").mkdir(parents=True)
    before = files_of(mount.folder)

    ingest = ("--source", "ecom", "--input", str(clicks))
    code, first = run(ingest_events, lake, *ingest)
    assert code == 0, first
    assert first["lake"] == f"{mount.uri}{lake}"
    expected = digest(mount.spark, lake, ingest_events.WRITES)
    assert expected["events"][0] == 200

    dead = Lake(mount.spark, str(lake), "dead")
    dead.append(EVENTS, dead.read(EVENTS).limit(5))
    code, again = run(ingest_events, lake, *ingest)
    assert code == 0, again
    assert "ingested before" in " ".join(again["notes"])
    assert digest(mount.spark, lake, ingest_events.WRITES) == expected

    assert run(build_sessions, lake, "--rebuild")[0] == 0
    assert run(ingest_events, lake, *ingest, "--rebuild")[0] == 0
    assert digest(mount.spark, lake, ingest_events.WRITES) == expected
    assert run(maintain_tables, lake)[0] == 0
    assert run(build_features, lake)[0] == 0

    code, refused = run(publish_review, lake)
    assert code == 2
    assert "MLFLOW_TRACKING_URI" in refused["error"]
    monkeypatch.setenv(TRACKING_VARIABLE, f"sqlite:///{tmp_path}/server.db")
    monkeypatch.chdir(tmp_path)  # MLflow puts the files of a new experiment into the working directory
    code, published = run(publish_review, lake)
    assert code == 0, published
    assert published["quality"]["page"].startswith("MLflow run ")
    assert (tmp_path / "server.db").exists()
    assert os.environ[TRACKING_VARIABLE].endswith("server.db")
    assert REGISTRY_VARIABLE not in os.environ

    assert files_of(mount.folder) == before, "the driver's disk is as it was"
    assert LEASE not in {path.name for path in mount.on_disk(lake).iterdir()}


@pytest.mark.parametrize("is_default", [True, False])
def test_recover__commits_that_the_driver_does_not_see(
    spark: SparkSession, tmp_path: Path, *, is_default: bool
) -> None:
    with mounted(spark, tmp_path, is_default=is_default) as mount:
        root = f"{mount.folder}/lake" if is_default else f"{mount.uri}{mount.folder}/lake"
        made = Lake(mount.spark, root, "made")
        made.append(INPUT_UNITS, stored_units(mount.spark, "b1"))
        made.publish({})
        (mount.folder / "lake" / "input_units" / "_delta_log").mkdir(parents=True)
        before = files_of(mount.on_disk(made.path(INPUT_UNITS)))
        rerun = Lake(mount.spark, root, "next")
        rerun.recover()
        assert files_of(mount.on_disk(made.path(INPUT_UNITS))) == before
        assert rerun.read(INPUT_UNITS).count() == 1
        assert files_of(mount.folder / "lake") == {"input_units": b"", "input_units/_delta_log": b""}


def test_recover__a_log_that_a_crash_left_without_a_commit(mount: Mount) -> None:
    root = mount.folder / "lake"
    for table in ("events", "publications", "input_units"):
        log = mount.on_disk(root) / table / "_delta_log"
        log.mkdir(parents=True)
        (log / ".00000000000000000000.json.1.tmp").write_text("{")
    lake = Lake(mount.spark, str(root), "next")
    lake.recover()
    lake.append(INPUT_UNITS, stored_units(mount.spark, "b1"))
    lake.publish({})
    assert Lake(mount.spark, str(root), "reader").read(INPUT_UNITS).count() == 1
    assert lake.notes == []


def test_recover__a_file_system_that_does_not_answer_is_an_error(mount: Mount, tmp_path: Path) -> None:
    with pytest.raises(RetryableError, match="the file system failed"):
        Lake(mount.spark, f"{tmp_path}/silent/lake", "next").recover()


def test_drop_messages__a_lake_whose_path_is_percent_encoded(mount: Mount) -> None:
    folder, one = kafka.raw_folder(f"{mount.uri}{mount.folder}/{NAME}", "shop"), OffsetRange("clicks", 0, 0, 2)
    rows = [("clicks", 0, offset, AT, None, bytearray(b"{}"), None) for offset in range(2)]
    kafka.land(mount.spark.createDataFrame(rows, LANDED).coalesce(1), [one], folder, f"{folder}/_landing/run")
    landed = mount.spark.read.parquet(as_pattern(f"{folder}/{one.path()}"))
    (path,) = {row[0] for row in landed.select("_metadata.file_path").collect()}
    assert "%20" in path
    gone = mount.spark.createDataFrame([("u1", 0)], "unit_id string, record_no long")
    assert kafka.drop_messages(mount.spark, {"u1": path}, gone, "run") == 1
    assert [row["offset"] for row in mount.spark.read.parquet(as_pattern(f"{folder}/{one.path()}")).collect()] == [1]
    assert kafka.drop_landed(mount.spark, f"{mount.uri}{mount.folder}/{NAME}", [path]) == 1


def test_exclusive__a_second_run_waits_for_the_first_or_for_its_lease_to_expire(mount: Mount) -> None:
    lake = Lake(mount.spark, str(mount.folder / "lake"), "first")
    lease = f"{lake.root}/{LEASE}"
    with exclusive(mount.spark, lake.root, "first"):
        with pytest.raises(RetryableError, match="another run is writing"), exclusive(mount.spark, lake.root, "second"):
            pass
        assert read_file(mount.spark, lease) == "first"
    assert list_entries(mount.spark, lake.root) == []

    assert create_file(mount.spark, lease, "dead")
    os.utime(mount.on_disk(lease), (0, 0))
    with exclusive(mount.spark, lake.root, "second"):
        assert read_file(mount.spark, lease) == "second"
    assert list_entries(mount.spark, lake.root) == []
