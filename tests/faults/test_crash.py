"""SIGKILL at any point, then the same command again: the tables of a run that was left alone."""

from __future__ import annotations

import gzip
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from jobs.ingest_events import WRITES
from tests.conftest import PROJECT, data_set
from tests.digest import digest

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import SparkSession

POINTS = int(os.environ.get("CRASH_POINTS", "2"))
SEED = int(os.environ.get("CRASH_SEED", "1"))
ROWS = 3_000
CONF = """
format: csv
fields:
  event_id: {key: [user_id, event, timestamp]}
  user_id: user_id
  event_name: event
  event_at: {column: timestamp, format: "yyyy-MM-dd HH:mm:ss"}
  platform: platform
"""


class Ingest:
    """Runs of `jobs/ingest_events.py` on copies of one lake, in which a part of the history already is."""

    def __init__(self, folder: Path, rows: list[str]) -> None:
        """Write two files, so that the second joins sessions of the first, repeats some of it and comes late."""
        self.folder = folder
        self.conf = folder / "conf"
        (self.conf / "sources").mkdir(parents=True)
        for name in ("base.yaml", "local.yaml"):
            shutil.copy(PROJECT / "conf" / name, self.conf / name)
        (self.conf / "sources" / "case.yaml").write_text(CONF)
        header, lines = rows[0], rows[1:]
        halves = {"first": lines[::2], "second": [*lines[1::2], *lines[:200:2]]}
        for name, half in halves.items():
            (folder / f"{name}.csv").write_text("\n".join([header, *half]) + "\n")

    def copy(self, name: str) -> Path:
        """Copy the lake with the first half."""
        return shutil.copytree(self.folder / "base", self.folder / name)

    def start(self, lake: Path, half: str) -> subprocess.Popen[bytes]:
        """Start a run in a process group of its own."""
        command = [sys.executable, str(PROJECT / "jobs" / "ingest_events.py"), "--env", "local"]
        command += ["--conf-dir", str(self.conf), "--lake", str(lake), "--source", "case"]
        command += ["--input", str(self.folder / f"{half}.csv")]
        log = (self.folder / f"{lake.name}.log").open("ab")
        return subprocess.Popen(command, cwd=self.folder, stdout=log, stderr=log, start_new_session=True)

    def finish(self, lake: Path, half: str) -> None:
        """Run to the end."""
        assert self.start(lake, half).wait() == 0, (self.folder / f"{lake.name}.log").read_text()[-4000:]

    def kill_after(self, lake: Path, files: int) -> bool:
        """Start a run and kill all of it once it has made so many files; tell whether it was still running."""
        before = count_files(lake)
        run = self.start(lake, "second")
        while run.poll() is None:
            if count_files(lake) >= before + files:
                os.killpg(run.pid, signal.SIGKILL)
                run.wait()
                return True
            time.sleep(0.002)
        return False


def count_files(lake: Path) -> int:
    """Count data and commit files, finished or not."""
    return sum(len(files) for _, _, files in os.walk(lake))


@pytest.fixture(scope="module")
def ingest(tmp_path_factory: pytest.TempPathFactory) -> Ingest:
    with gzip.open(data_set("ecom", "ecom.csv.gz"), "rt") as lines:
        rows = [line.rstrip("\n") for _, line in zip(range(ROWS), lines, strict=False)]
    made = Ingest(tmp_path_factory.mktemp("crash"), rows)
    made.finish(made.folder / "base", "first")
    return made


@pytest.mark.faults
def test_a_killed_run_leaves_old_or_new_and_the_next_one_completes_it(ingest: Ingest, spark: SparkSession) -> None:
    old = digest(spark, ingest.folder / "base", WRITES)
    clean = ingest.copy("clean")
    before = count_files(clean)
    ingest.finish(clean, "second")
    new = digest(spark, clean, WRITES)
    assert new != old
    made = count_files(clean) - before
    rng = random.Random(SEED)
    outcomes = {}
    for point in sorted(rng.sample(range(1, made), POINTS)):
        lake = ingest.copy(f"point-{point}")
        killed = ingest.kill_after(lake, point)
        left = digest(spark, lake, WRITES)
        assert left in (old, new), f"killed after {point} of {made} files: readers see neither the old nor the new"
        ingest.finish(lake, "second")
        assert digest(spark, lake, WRITES) == new, f"killed after {point} of {made} files: the rerun differs"
        outcomes[point] = ("killed" if killed else "ended", "old" if left == old else "new")
        shutil.rmtree(lake)
    print(json.dumps({"files": made, "points": outcomes}))  # noqa: T201  what happened at which point, with -s
    assert any(state == "killed" for state, _ in outcomes.values())
