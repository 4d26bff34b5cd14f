"""Judging the records of one identity."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

import pytest

from segmentation.ingest.copies import CONFLICT, DUPLICATE, SURVIVOR, judge_copies
from tests.spark.ingest.steps import AT

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = pytest.mark.spark

WINDOW_DAYS = 30
COLUMNS = """source string, event_id string, received_at timestamp, event_at timestamp, payload_hash string,
unit_id string, record_no bigint, stored_outcome string, stored_survivor_hash string"""


class Copy(NamedTuple):
    """A record, received so many days after the first instant, with one letter for its payload."""

    day: float
    payload: str
    stored: tuple[str, str] | tuple[None, None] = (None, None)
    """Outcome and survivor so far; none: the record is new."""
    event_day: float = 0


CASES = {
    "alone": ([Copy(0, "a")], [(SURVIVOR, "a")]),
    "the same payload at the end of the window": (
        [Copy(0, "a"), Copy(30, "a")],
        [(SURVIVOR, "a"), (DUPLICATE, "a")],
    ),
    "the same payload a second beyond the window": (
        [Copy(0, "a"), Copy(30 + 1 / 86_400, "a")],
        [(SURVIVOR, "a"), (SURVIVOR, "a")],
    ),
    "another payload": (
        [Copy(0, "a"), Copy(1, "b"), Copy(2, "a")],
        [(SURVIVOR, "a"), (CONFLICT, "a"), (DUPLICATE, "a")],
    ),
    "a run longer than the window": (
        [Copy(0, "a"), Copy(29, "b"), Copy(58, "a")],
        [(SURVIVOR, "a"), (CONFLICT, "a"), (DUPLICATE, "a")],
    ),
    "one instant, the lesser payload survives": ([Copy(0, "b"), Copy(0, "a")], [(CONFLICT, "a"), (SURVIVOR, "a")]),
    "one instant, the earlier event survives": (
        [Copy(0, "a", event_day=-1), Copy(0, "b", event_day=-2)],
        [(CONFLICT, "b"), (SURVIVOR, "b")],
    ),
    "a stored survivor that a new record precedes": (
        [Copy(5, "a", (SURVIVOR, "a")), Copy(6, "b", (CONFLICT, "a")), Copy(1, "b")],
        [(CONFLICT, "b"), (DUPLICATE, "b"), (SURVIVOR, "b")],
    ),
    "a stored copy that is read first": (
        [Copy(0, "b", (CONFLICT, "a")), Copy(1, "a"), Copy(2, "b")],
        [(CONFLICT, "a"), (DUPLICATE, "a"), (CONFLICT, "a")],
    ),
}
COMPLETE_FROM = 10
WITH_DEPARTURES = {
    "a copy without its survivor": (
        [Copy(10, "b", (CONFLICT, "a")), Copy(11, "a", (DUPLICATE, "a"))],
        [(SURVIVOR, "b"), (CONFLICT, "b")],
    ),
    "a copy whose survivor may not have been read": (
        [Copy(9, "b", (CONFLICT, "a")), Copy(11, "a", (DUPLICATE, "a"))],
        [(CONFLICT, "a"), (DUPLICATE, "a")],
    ),
    "copies of which the first is the survivor now": (
        [Copy(12, "a", (DUPLICATE, "a")), Copy(12, "a", (DUPLICATE, "a"), event_day=1)],
        [(SURVIVOR, "a"), (DUPLICATE, "a")],
    ),
}


def judge(spark: SparkSession, cases: dict, complete_from: int | None = None) -> dict:
    rows = [
        (
            "s",
            case,
            AT + timedelta(days=copy.day),
            AT + timedelta(days=copy.event_day),
            copy.payload,
            "b",
            n,
            *copy.stored,
        )
        for case, (copies, _) in cases.items()
        for n, copy in enumerate(copies)
    ]
    since = None if complete_from is None else AT + timedelta(days=complete_from)
    judged = judge_copies(spark.createDataFrame(rows, COLUMNS), window_days=WINDOW_DAYS, complete_from=since)
    found: dict[str, dict] = {}
    for row in judged.collect():
        found.setdefault(row["event_id"], {})[row["record_no"]] = (row["outcome"], row["survivor_hash"])
    return {case: [outcomes[n] for n in sorted(outcomes)] for case, outcomes in found.items()}


def test_judge_copies__no_record_leaves(spark: SparkSession) -> None:
    assert judge(spark, CASES) == {case: expected for case, (_, expected) in CASES.items()}


def test_judge_copies__a_survivor_may_have_left(spark: SparkSession) -> None:
    expected = {case: outcomes for case, (_, outcomes) in WITH_DEPARTURES.items()}
    assert judge(spark, WITH_DEPARTURES, COMPLETE_FROM) == expected
