"""Entries and exits between two cuts."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from segmentation.segments.changes import build_segment_changes

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

pytestmark = pytest.mark.spark

CUT = date(2024, 4, 1)
PREVIOUS = """
    model     stays s1 1
    model     moves s1 1
    model     gone  s2 1
    rule:same a     same v1
    rule:same b     same v1
    rule:new_version a new_version v1
    rule:new_version b new_version v1
    rule:emptied a  emptied v1
    rule:removed a  removed v1
    rule:quiet a    quiet v1
"""
CURRENT = """
    model     stays s1 1
    model     moves s2 1
    model     fresh s1 1
    rule:same b     same v1
    rule:same c     same v1
    rule:new_version b new_version v2
    rule:new_version c new_version v2
    rule:added a    added v1
"""
VERSIONS = {
    "model": "1",
    "rule:same": "v1",
    "rule:new_version": "v2",
    "rule:emptied": "v2",
    "rule:added": "v1",
    "rule:quiet": "v1",
}
MODEL = {
    ("model", "moves", "s1", "exited", "behaviour"),
    ("model", "moves", "s2", "entered", "behaviour"),
    ("model", "gone", "s2", "exited", "behaviour"),
    ("model", "fresh", "s1", "entered", "behaviour"),
}
RULES = {
    ("rule:same", "a", "same", "exited", "behaviour"),
    ("rule:same", "c", "same", "entered", "behaviour"),
    ("rule:new_version", "a", "new_version", "exited", "definition"),
    ("rule:new_version", "c", "new_version", "entered", "definition"),
    ("rule:added", "a", "added", "entered", "behaviour"),
    ("rule:quiet", "a", "quiet", "exited", "behaviour"),
}


def memberships(spark: SparkSession, text: str) -> DataFrame:
    rows = [line.split() for line in text.strip().splitlines() if line.strip()]
    schema = "segmentation string, user_id string, segment_id string, version string, evidence string"
    return spark.createDataFrame([(*row, f'{{"of":"{row[3]}"}}') for row in rows], schema)


def changes(previous: DataFrame, current: DataFrame, versions: dict[str, str] | None = None) -> set[tuple[str, ...]]:
    rows = build_segment_changes(previous, current, changed_at=CUT, versions=versions).collect()
    assert {row["changed_at"] for row in rows} <= {CUT}
    found = {tuple(row[n] for n in ("segmentation", "user_id", "segment_id", "direction", "cause")) for row in rows}
    assert len(found) == len(rows)
    return found


def test_entries_exits_and_their_cause(spark: SparkSession) -> None:
    previous, current = memberships(spark, PREVIOUS), memberships(spark, CURRENT)
    gone = {("rule:emptied", "a", "emptied", "exited"), ("rule:removed", "a", "removed", "exited")}
    assert changes(previous, current, VERSIONS) == MODEL | RULES | {(*row, "definition") for row in gone}
    # Without the versions in force nothing tells that a segmentation without members was redefined.
    assert changes(previous, current) == MODEL | RULES | {(*row, "behaviour") for row in gone}


def test_the_first_cut_enters_everyone_and_the_same_again_changes_nothing(spark: SparkSession) -> None:
    nobody, current = memberships(spark, ""), memberships(spark, CURRENT)
    rows = [line.split() for line in CURRENT.strip().splitlines()]
    assert changes(nobody, current, VERSIONS) == {(*row[:3], "entered", "behaviour") for row in rows}
    assert changes(current, current, VERSIONS) == set()
    assert changes(current, nobody, {}) == {(*row[:3], "exited", "definition") for row in rows}


def test_evidence_is_that_of_the_membership_entered_or_left(spark: SparkSession) -> None:
    rows = build_segment_changes(
        memberships(spark, PREVIOUS), memberships(spark, CURRENT), changed_at=CUT, versions=VERSIONS
    ).where("segmentation = 'rule:new_version'")
    assert {(r["user_id"], r["evidence"]) for r in rows.collect()} == {
        ("a", '{"of":"v1"}'),
        ("c", '{"of":"v2"}'),
    }
