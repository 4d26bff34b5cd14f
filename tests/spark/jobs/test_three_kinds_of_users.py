"""Users of three kinds, exactly alike within a kind, in a folder whose name holds a blank, an umlaut, # and %."""

from __future__ import annotations

import math
import shutil
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest

from jobs import build_features, evaluate_segments, ingest_events, publish_review, score_segments, train_clusters
from tests.spark.jobs.conftest import CONF, Workspace

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import SparkSession

pytestmark = [pytest.mark.spark, pytest.mark.faults]  # six jobs: minutes

AS_OF = "2024-06-01"
USERS = 40
MAPPING = """
format: csv
fields:
  event_id: id
  user_id: user
  event_name: event
  event_at: {column: at, format: "yyyy-MM-dd HH:mm:ss"}
  value: value
"""


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2024, 5, day, hour, minute, tzinfo=timezone.utc)


def visits(kind: str) -> list[tuple[str, datetime, str]]:
    """Return the events of a user: one look, one visit of ten pages, or four purchases."""
    if kind == "a":
        return [("view", at(31, 10), "")]
    if kind == "b":
        return [(f"page_{n}", at(1, 10, n), "") for n in range(10)]
    days = (at(3 + 7 * n, 18) for n in range(4))
    steps = (("view", 0, ""), ("cart", 1, ""), ("purchase", 2, "50"))
    return [(name, day + timedelta(minutes=minute), value) for day in days for name, minute, value in steps]


@pytest.fixture
def workspace(spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Workspace:
    folder = tmp_path / "läke #1 100%"
    shutil.copytree(CONF, folder / "conf")
    return Workspace(spark, folder, capsys)


def test_each_kind_is_a_segment(workspace: Workspace) -> None:
    rows = [(f"{kind}{n:02}", *visit) for kind in "abc" for n in range(USERS) for visit in visits(kind)]
    lines = (
        f"{number},{user},{name},{time:%Y-%m-%d %H:%M:%S},{value}"
        for number, (user, name, time, value) in enumerate(rows)
    )
    path = workspace.file("in #1.csv", "id,user,event,at,value\n" + "\n".join(lines) + "\n")
    workspace.source("kinds", MAPPING)
    outcome = workspace.run(ingest_events, "--source", "kinds", "--input", path)
    assert outcome.code == 0, outcome.stderr
    for job in (build_features, train_clusters, score_segments, evaluate_segments, publish_review):
        outcome = workspace.run(job, "--as-of", AS_OF)
        assert outcome.code == 0, outcome.stderr
    assigned = workspace.table("segment_assignments").collect()
    segments = {row["user_id"][0]: row["segment_id"] for row in assigned}
    assert len(set(segments.values())) == len(segments) == 3
    assert all(row["segment_id"] == segments[row["user_id"][0]] for row in assigned)
    assert {(row["outlier"], row["distance"]) for row in assigned} == {(False, 0.0)}
    sizes = workspace.table("segment_profiles").select("segment_id", "users", "share").distinct().collect()
    assert sorted((row["users"], round(row["share"], 3)) for row in sizes) == [(USERS, 0.333)] * 3
    found = workspace.table("evaluations").collect()
    assert not any(row["value"] is not None and math.isnan(row["value"]) for row in found)
    values = {(row["metric"], row["scope"]): row["value"] for row in found}
    assert values["silhouette_euclidean", "clusters"] == pytest.approx(1.0)
    jaccards = [value for (metric, _), value in values.items() if metric == "segment_jaccard"]
    assert jaccards == pytest.approx([1.0] * 3)
    assert (workspace.lake / "review" / "index.html").exists()
    assert not list(workspace.folder.parent.glob("l%C3*"))
