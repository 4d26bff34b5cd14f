"""Which stored sessions a batch touches, and how they are cut anew."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from pyspark.sql import functions as F

from segmentation.checkpoints import Counted, no_rows
from segmentation.ingest.resessionise import resessionise, spans_of
from segmentation.ingest.user_day_cap import RANKED, REMOVED, Admitted
from segmentation.parameters import WorkspaceParams
from segmentation.sessions.as_of import tables_of
from segmentation.sessions.params import SessionParams
from segmentation.tables import EVENT
from tests.spark.ingest.steps import AT, earlier_event, snapshot_of
from tests.spark.stored import stored_events

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

pytestmark = pytest.mark.spark

TIMEOUT = 30
"""Minutes."""
Sessions = list[list[float]]


class Case(NamedTuple):
    """Minutes of a user's events; a minute with a letter is of the supplied session of that name."""

    stored: list[float | str]
    new: list[float | str]
    removed: list[float | str]
    touched: Sessions
    """Stored sessions that are replaced."""
    after: Sessions
    """Those that come in their place, and new ones."""


CASES = {
    "a first event": Case([], [0], [], [], [[0]]),
    "beyond the timeout": Case([0, 10], [40.01], [], [], [[40.01]]),
    "at the timeout": Case([0, 10], [40], [], [[0, 10]], [[0, 10, 40]]),
    "before a session": Case([20, 30], [0], [], [[20, 30]], [[0, 20, 30]]),
    "within a session": Case([0, 20], [5], [], [[0, 20]], [[0, 5, 20]]),
    "between two sessions": Case([0, 40, 200], [20], [], [[0], [40]], [[0, 20, 40]]),
    "between two sessions, near one": Case([0, 60], [20], [], [[0]], [[0, 20]]),
    "at midnight": Case([719], [721], [], [[719]], [[719, 721]]),
    "the event between leaves": Case([0, 20, 40, 200], [], [20], [[0, 20, 40]], [[0], [40]]),
    "the only event leaves": Case([0, 200], [], [0], [[0]], []),
    "an event leaves, another comes": Case([0, 20], [45], [0], [[0, 20]], [[20, 45]]),
    "a supplied session": Case(["a0"], ["a500"], [], [[0]], [[0, 500]]),
    "a supplied session beside one by timeout": Case(["a0", 5], [10], [], [[0], [5]], [[0], [5, 10]]),
}


def test_resessionise__touched_sessions_are_cut_anew(spark: SparkSession) -> None:
    workspace, params = WorkspaceParams(), SessionParams(timeout_s=TIMEOUT * 60)
    stored = tables_of(events_of(spark, "stored"), workspace=workspace, sessions=params)
    snapshot = replace(snapshot_of(spark), events=stored.events, sessions=stored.sessions)
    new, removed = events_of(spark, "new"), events_of(spark, "removed")
    none = no_rows(new.select(*RANKED[:-1], F.lit("").alias("origin")))
    admitted = Admitted(
        from_batch=new.select(*EVENT),
        from_earlier=no_rows(new.select(*EVENT)),
        removed=Counted(removed.select(*REMOVED), removed.count()),
        over_cap=none,
        restored=none,
        hinted=True,
    )
    found = resessionise(admitted, spans_of(new), snapshot, records=new.count(), workspace=workspace, params=params)
    touched, after = sessions_of(found.before.rows), sessions_of(found.events)
    assert {user: (touched.get(user, []), after.get(user, [])) for user in CASES} == {
        user: (case.touched, case.after) for user, case in CASES.items()
    }
    assert found.sessions.count == sum(len(case.touched) for case in CASES.values())
    assert set(found.days) == {row["event_date"] for row in found.before.rows.collect()}


def events_of(spark: SparkSession, part: str) -> DataFrame:
    """Return the events of a part of all cases; a removed event is the stored one of its minute."""
    return stored_events(spark, [event(user, moment) for user, case in CASES.items() for moment in getattr(case, part)])


def event(user: str, moment: float | str) -> dict[str, Any]:
    hint = moment[0] if isinstance(moment, str) else None
    minute = float(moment[1:]) if isinstance(moment, str) else moment
    at = AT + timedelta(minutes=minute)
    number = list(CASES).index(user) * 1_000_000 + round(minute * 100)
    return earlier_event(number, user_id=user, event_at=at, session_hint=hint, unit_id="b")


def sessions_of(events: DataFrame) -> dict[str, Sessions]:
    minute = (F.unix_micros("event_at") - round(AT.timestamp() * 1_000_000)) / 60_000_000
    cut = events.groupBy("user_id", "session_id").agg(F.sort_array(F.collect_list(minute)).alias("minutes"))
    found: dict[str, Sessions] = {}
    for row in cut.collect():
        found.setdefault(row["user_id"], []).append(row["minutes"])
    return {user: sorted(sessions) for user, sessions in found.items()}
