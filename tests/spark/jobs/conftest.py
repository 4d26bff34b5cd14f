"""Jobs run as users run them, by their command line, on lakes of their own."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from types import ModuleType

    from pyspark.sql import SparkSession

CONF = Path(__file__).parents[3] / "conf"


@dataclass
class Outcome:
    """What a job's command line gave."""

    code: int
    result: dict[str, Any]
    stderr: str


@dataclass
class Workspace:
    """A folder with a lake and a configuration, and a way to run jobs on them."""

    spark: SparkSession
    folder: Path
    capture: pytest.CaptureFixture[str]

    @property
    def lake(self) -> Path:
        return self.folder / "lake"

    def source(self, name: str, mapping: str) -> None:
        (self.folder / "conf" / "sources" / f"{name}.yaml").write_text(mapping)

    def file(self, name: str, content: str) -> str:
        path = self.folder / name
        path.write_text(content)
        return str(path)

    def run(self, job: ModuleType, *arguments: str) -> Outcome:
        self.capture.readouterr()
        code = job.main(["--conf-dir", str(self.folder / "conf"), "--lake", str(self.lake), *arguments])
        captured = self.capture.readouterr()
        return Outcome(code, json.loads(captured.out.strip().splitlines()[-1]), captured.err)

    def run_process(self, job: str, *arguments: str) -> Outcome:
        """Run a job as a process of its own, with the local profile: for data that would be slow without compiling."""
        command = [sys.executable, str(CONF.parent / "jobs" / f"{job}.py"), "--conf-dir", str(self.folder / "conf")]
        done = subprocess.run(
            [*command, "--lake", str(self.lake), *arguments], capture_output=True, text=True, check=False
        )
        return Outcome(done.returncode, json.loads(done.stdout.strip().splitlines()[-1]), done.stderr)

    def table(self, name: str):
        version = self.pointer().get(name)
        return self.spark.read.format("delta").option("versionAsOf", version).load(str(self.lake / name))

    def pointer(self) -> dict[str, int]:
        log = self.spark.read.format("delta").load(str(self.lake / "publications"))
        return log.orderBy(log.publication_id.desc()).first()["tables"]


@pytest.fixture
def workspace(spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Workspace:
    shutil.copytree(CONF, tmp_path / "conf")
    return Workspace(spark, tmp_path, capsys)
