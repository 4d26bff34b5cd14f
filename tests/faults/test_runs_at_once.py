"""Two runs of one job on one lake at once: one wins, the other says so and leaves nothing; a repeat changes nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from jobs import ingest_events
from segmentation.errors import RetryableError
from segmentation.ingest.received import unit_rows
from segmentation.lake.lake import Lake
from segmentation.sources.readers.units import InputUnit
from segmentation.tables import INPUT_UNITS
from tests.digest import digest
from tests.faults.clicks import write_clicks

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = [pytest.mark.faults, pytest.mark.spark]

PROJECT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Outcome:
    """What a run gave."""

    code: int
    result: dict[str, Any]
    stderr: str


def start(folder: Path) -> subprocess.Popen[str]:
    """Start a run on the folder's lake."""
    command = [sys.executable, str(PROJECT / "jobs" / "ingest_events.py"), *options(folder, "lake")]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def options(folder: Path, lake: str) -> list[str]:
    given = ["--source", "ecom", "--input", str(folder / "clicks.csv"), "--conf-dir", str(PROJECT / "conf")]
    return [*given, "--lake", str(folder / lake)]


def finish(run: subprocess.Popen[str]) -> Outcome:
    out, err = run.communicate(timeout=600)
    return Outcome(run.returncode, json.loads(out.strip().splitlines()[-1]), err)


def test_of_two_at_once_one_wins_and_a_repeat_changes_nothing(spark: SparkSession, tmp_path: Path) -> None:
    write_clicks(tmp_path / "clicks.csv")
    assert ingest_events.main(options(tmp_path, "alone")) == 0
    alone = digest(spark, tmp_path / "alone", ingest_events.WRITES)

    winner, loser = sorted(map(finish, [start(tmp_path), start(tmp_path)]), key=lambda outcome: outcome.code)
    assert (winner.code, loser.code) == (0, 4), winner.stderr + loser.stderr
    assert winner.result["quality"] == {"read": 201, "parsed": 201, "accepted": 200, "duplicate": 1, "reasons": {}}
    assert loser.result["status"] == "failed"
    assert f"another run is writing to {tmp_path / 'lake'}" in loser.result["error"]
    assert "Traceback" not in loser.stderr
    assert digest(spark, tmp_path / "lake", ingest_events.WRITES) == alone

    published = Lake(spark, str(tmp_path / "lake"), "reader").publications.current()
    again = finish(start(tmp_path))
    assert again.code == 0, again.stderr
    assert "ingested before" in " ".join(again.result["notes"])
    assert again.result["tables"] == winner.result["tables"]
    assert Lake(spark, str(tmp_path / "lake"), "reader").publications.current() == published


def test_of_two_without_a_lock_the_one_that_publishes_publishes_its_own_alone(
    spark: SparkSession, tmp_path: Path
) -> None:
    rivals = [Lake(spark, str(tmp_path), name) for name in ("first", "second")]
    for lake in rivals:
        assert lake.version(INPUT_UNITS) is None
    for lake in rivals:
        unit = InputUnit("b1", "file:/clicks.csv", 1, datetime(2024, 5, 1, tzinfo=timezone.utc), "csv")
        lake.append(INPUT_UNITS, unit_rows(spark, [unit], "shop", lake.run_id))
    outcomes = [publish(lake) for lake in reversed(rivals)]
    seen = [row["run_id"] for row in Lake(spark, str(tmp_path), "reader").read(INPUT_UNITS).collect()]
    assert seen == [name for name in outcomes if name is not None]
    assert len(seen) <= 1


def publish(lake: Lake) -> str | None:
    """Publish; return the run's name, or None where it was refused."""
    try:
        lake.publish({})
    except RetryableError:
        return None
    return lake.run_id
