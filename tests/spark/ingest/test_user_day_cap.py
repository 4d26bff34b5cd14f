"""The cap on the events of an identifier's day."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

import pytest
from pyspark.sql import functions as F

from segmentation.checkpoints import Counted
from segmentation.frames import union_all
from segmentation.ingest.index import index_records
from segmentation.ingest.user_day_cap import admit_events
from segmentation.tables import EVENT
from tests.spark.ingest.steps import (
    AT,
    LEFT,
    OLD,
    Row,
    batch_of,
    earlier_event,
    nothing_judged,
    parsed_record,
    snapshot_of,
)
from tests.spark.stored import stored_events

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from segmentation.ingest.deduplicate import Outcome
    from segmentation.ingest.snapshot import Snapshot

pytestmark = pytest.mark.spark

CAP = 3


class Earlier(NamedTuple):
    """An event of the case's identifier, received so many minutes after the first instant."""

    minute: int
    is_over_cap: bool = False
    unit: str = OLD
    person: str | None = None
    """User that identities gave it to; None: it is the identifier's."""


CASES: dict[str, tuple[list[Earlier], list[int], list[int]]] = {
    # description: earlier events, minutes of new ones, minutes of the events in the end
    "below the cap": ([Earlier(0), Earlier(1)], [2], [0, 1, 2]),
    "a batch beyond the cap": ([], [3, 1, 2, 0], [0, 1, 2]),
    "a full day": ([Earlier(0), Earlier(1), Earlier(2)], [3], [0, 1, 2]),
    "received before the events of a full day": ([Earlier(1), Earlier(2), Earlier(3)], [0], [0, 1, 2]),
    "a superseded event makes room": (
        [Earlier(0, unit=LEFT), Earlier(1), Earlier(2), Earlier(3, is_over_cap=True)],
        [],
        [1, 2, 3],
    ),
    "a superseded event beyond the cap makes none": (
        [Earlier(0), Earlier(1), Earlier(2), Earlier(3, is_over_cap=True, unit=LEFT), Earlier(4, is_over_cap=True)],
        [],
        [0, 1, 2],
    ),
    "a new event takes the room of a superseded one": (
        [Earlier(0, unit=LEFT), Earlier(1), Earlier(2), Earlier(4, is_over_cap=True)],
        [3],
        [1, 2, 3],
    ),
}
OF_TWO_PERSONS: dict[str, tuple[list[Earlier], list[int], list[int]]] = {
    "an identifier of two persons": (
        [Earlier(0, person="p"), Earlier(1, person="p"), Earlier(2, person="q")],
        [3],
        [0, 1, 2],
    ),
}
OF_ONE_PERSON: dict[str, tuple[list[Earlier], list[int], list[int]]] = {
    "one identifier of a person": ([Earlier(0, person="r"), Earlier(1, person="r")], [2], [0, 1, 2]),
    "another identifier of the person": ([Earlier(0, person="r"), Earlier(1, person="r")], [2], [0, 1, 2]),
}


def test_admit_events__full_days_and_days_with_room(spark: SparkSession) -> None:
    assert admitted(spark, CASES) == {case: expected for case, (_, _, expected) in CASES.items()}


def test_admit_events__identities_were_applied_between_batches(spark: SparkSession) -> None:
    """The cap counts what the source calls a user, so that persons neither fill a day nor get round the cap."""
    for cases in (OF_TWO_PERSONS, OF_ONE_PERSON):  # apart: a full day of one user has all users of the day counted
        found = admitted(spark, cases, has_persons=True)
        assert found == {case: expected for case, (_, _, expected) in cases.items()}


def test_admit_events__reinstated_on_a_full_day_of_no_new_record(spark: SparkSession) -> None:
    day_before = AT - timedelta(days=1)
    full = [earlier_event(n, event_at=day_before, received_at=AT + timedelta(minutes=n)) for n in range(CAP)]
    back = earlier_event(CAP, event_at=day_before, received_at=AT + timedelta(minutes=1, seconds=1))
    snapshot = snapshot_of(spark, events=full, user_days=user_days(spark, full))
    reinstated = stored_events(spark, [back]).select(
        *EVENT, F.lit("conflict").alias("stored_as"), F.lit(False).alias("late")
    )
    outcome = replace(nothing_judged(spark), reinstated=Counted(reinstated, 1))
    new = [parsed_record(9, event_id="new")]
    found = events_after(spark, new, outcome, snapshot)
    assert sorted(row["event_id"] for row in found.collect()) == ["0", "1", "3", "new"]


def admitted(spark: SparkSession, cases: dict, *, has_persons: bool = False) -> dict[str, list[int]]:
    """Return the minutes of receipt of each case's events after a batch of them all."""
    known = [
        {
            **earlier_event(n, event_id=f"{n}", identifier=case, user_id=one.person or case, unit_id=one.unit),
            "received_at": AT + timedelta(minutes=one.minute),
            "reason": "over_cap" if one.is_over_cap else None,
        }
        for n, (case, one) in enumerate((case, one) for case, (earlier, *_) in cases.items() for one in earlier)
    ]
    new = [
        parsed_record(n, event_id=f"new {n}", user_id=case, received_at=AT + timedelta(minutes=minute))
        for n, (case, minute) in enumerate((case, minute) for case, (_, new, _) in cases.items() for minute in new)
    ]
    events, over_cap = ([row for row in known if bool(row["reason"]) is held] for held in (False, True))
    snapshot = snapshot_of(
        spark,
        events=events,
        quarantine=over_cap,
        superseded_days=[AT.date()] if any(row["unit_id"] == LEFT for row in known) else [],
        user_days=user_days(spark, events),
        has_persons=has_persons,
    )
    found: dict[str, list[int]] = {}
    for row in events_after(spark, new, nothing_judged(spark), snapshot).collect():
        minute = (row["received_us"] - round(AT.timestamp() * 1_000_000)) // 60_000_000
        found[row["identifier"]] = sorted([*found.get(row["identifier"], []), minute])
    return found


def events_after(spark: SparkSession, new: list[Row], outcome: Outcome, snapshot: Snapshot) -> DataFrame:
    """Apply what is admitted: the stored events without those that leave, and those that come."""
    batch = batch_of(spark, new)
    result = admit_events(batch, index_records(batch.records), outcome, snapshot, cap=CAP, zone="UTC")
    stayed = snapshot.events.join(
        result.removed.rows.select("unit_id", "record_no"), ["unit_id", "record_no"], "left_anti"
    )
    columns = ("identifier", "event_id", F.unix_micros("received_at").alias("received_us"))
    return union_all(rows.select(*columns) for rows in (stayed, result.from_batch, result.from_earlier.rows))


def user_days(spark: SparkSession, events: list[Row]) -> DataFrame:
    counts = Counter((row["user_id"], row["event_date"]) for row in events)
    return spark.createDataFrame(
        [(*key, n) for key, n in counts.items()], "user_id string, event_date date, events bigint"
    )
