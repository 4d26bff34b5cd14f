"""Deduplication of a batch, with what it makes of earlier records."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

import pytest
from pyspark.sql import functions as F

from segmentation.frames import union_all
from segmentation.ingest.candidates import find_candidates
from segmentation.ingest.copies import CONFLICT, DUPLICATE, SURVIVOR
from segmentation.ingest.deduplicate import deduplicate
from segmentation.ingest.earlier_records import ACCEPTED
from segmentation.ingest.index import index_records
from tests.spark.ingest.steps import AT, LEFT, OLD, Row, batch_of, earlier_event, parsed_record, snapshot_of

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = pytest.mark.spark

WINDOW_DAYS, LATENESS_DAYS = 30, 60
EVENT_NOW, REJECTED, LATE, LATE_NOW = "event", "rejected", "late", "reinstated, too late"
REINSTATED = "reinstated"


class Earlier(NamedTuple):
    """A stored record, received so many days after the event, with its value for all that makes payloads differ."""

    day: int
    value: int
    stored_as: str = ACCEPTED
    survivor: int | None = None
    unit: str = OLD


class New(NamedTuple):
    """A record of the batch."""

    day: int
    value: int
    is_rejected: bool = False


CASES: dict[str, tuple[list[Earlier], list[New], list[str], list[str | None]]] = {
    # description: earlier records, new records, outcomes of the new ones, new outcomes of the earlier ones
    "new": ([], [New(10, 1)], [EVENT_NOW], []),
    "copies within the batch": (
        [],
        [New(10, 1), New(11, 1), New(12, 2)],
        [EVENT_NOW, DUPLICATE, CONFLICT],
        [],
    ),
    "rejected": ([Earlier(9, 1)], [New(10, 1, is_rejected=True)], [REJECTED], [None]),
    "too late, with a copy": ([], [New(61, 1), New(62, 1)], [LATE, DUPLICATE], []),
    "copy of a stored event": ([Earlier(0, 1)], [New(30, 1), New(30, 2)], [DUPLICATE, CONFLICT], [None]),
    "copy of a stored event beyond the window": ([Earlier(0, 1)], [New(31, 1)], [EVENT_NOW], [None]),
    "received before a stored event": ([Earlier(20, 1)], [New(15, 1)], [EVENT_NOW], [DUPLICATE]),
    "received before a stored event and its conflict": (
        [Earlier(20, 1), Earlier(21, 2, CONFLICT, survivor=1)],
        [New(15, 2)],
        [EVENT_NOW],
        [CONFLICT, DUPLICATE],
    ),
    "copy of a conflict whose survivor is beyond the window": (
        [Earlier(-24, 2, CONFLICT, survivor=1)],
        [New(6, 1)],
        [DUPLICATE],
        [None],
    ),
    "the survivor of a duplicate is superseded": (
        [Earlier(5, 1, unit=LEFT), Earlier(6, 1, DUPLICATE)],
        [],
        [],
        [None, REINSTATED],
    ),
    "the survivor of conflicts is superseded": (
        [Earlier(5, 1, unit=LEFT), Earlier(6, 2, CONFLICT, survivor=1), Earlier(7, 2, CONFLICT, survivor=1)],
        [],
        [],
        [None, REINSTATED, DUPLICATE],
    ),
    "the survivor of a conflict is superseded, and the conflict is too late": (
        [Earlier(41, 1, unit=LEFT), Earlier(65, 2, CONFLICT, survivor=1)],
        [],
        [],
        [None, LATE_NOW],
    ),
    "the same record in the newer unit": ([Earlier(5, 1, unit=LEFT)], [New(5, 1)], [EVENT_NOW], [None]),
    "the survivor of a conflict was erased": (
        [Earlier(8, 2, CONFLICT, survivor=1)],
        [New(9, 3)],
        [CONFLICT],
        [REINSTATED],
    ),
}


def test_deduplicate__all_situations_in_one_batch(spark: SparkSession) -> None:
    batch = batch_of(spark, new_rows(), LATENESS_DAYS)
    stored = earlier_rows()
    snapshot = snapshot_of(
        spark,
        events=[row for row in stored if row["stored_as"] == ACCEPTED],
        duplicates=[row for row in stored if row["stored_as"] == DUPLICATE],
        quarantine=[{**row, "reason": CONFLICT} for row in stored if row["stored_as"] == CONFLICT],
        superseded_days=[AT.date()],
    )
    index = index_records(batch.records)
    candidates = find_candidates(index, snapshot, window_days=WINDOW_DAYS)
    outcome = deduplicate(batch, index, candidates, snapshot, window_days=WINDOW_DAYS, zone="UTC")
    kinds = {REJECTED: outcome.rejected, LATE: outcome.late, DUPLICATE: outcome.duplicates, CONFLICT: outcome.conflicts}
    later = F.when(F.col("late"), LATE_NOW).otherwise(REINSTATED).alias("kind")
    key = ("unit_id", "record_no", "event_id", "value")
    changed = outcome.changed.where(F.col("outcome") != SURVIVOR)
    rows = union_all(
        [
            *(counted.rows.select(*key, F.lit(kind).alias("kind")) for kind, counted in kinds.items()),
            changed.select(
                "unit_id",
                "record_no",
                "event_id",
                F.lit(None).cast("decimal(18,4)").alias("value"),
                F.col("outcome").alias("kind"),
            ),
            outcome.reinstated.rows.select(*key, later),
        ]
    ).collect()
    found = {(row["unit_id"], row["record_no"]): row["kind"] for row in rows}
    assert len(found) == len(rows)
    for case, (earlier, new, expected, expected_of_earlier) in CASES.items():
        own = [
            found.get((row["unit_id"], row["record_no"]), EVENT_NOW) for row in new_rows() if row["event_id"] == case
        ]
        before = [found.get((row["unit_id"], row["record_no"])) for row in stored if row["event_id"] == case]
        assert (own, before) == (expected, expected_of_earlier), case
        values = {row["value"] for row in rows if row["event_id"] == case and row["kind"] in {REINSTATED, LATE_NOW}}
        back = {
            one.value for one, kind in zip(earlier, expected_of_earlier, strict=True) if kind in {REINSTATED, LATE_NOW}
        }
        assert values == set(map(Decimal, back)), f"{case}: the payload comes back with the event"
        assert len(new) == len(own)
    not_events = {row["row_key"] for row in outcome.not_events.rows.collect()}
    assert not_events == {row["row_key"] for row in new_rows() if (row["unit_id"], row["record_no"]) in found}
    assert outcome.not_events.count == len(not_events)


def new_rows() -> list[Row]:
    cases = [(case, one) for case, (_, new, *_) in CASES.items() for one in new]
    return [
        parsed_record(
            number,
            event_id=case,
            received_at=AT + timedelta(days=one.day),
            value=Decimal(one.value),
            late=one.day > LATENESS_DAYS,
            rejected=one.is_rejected,
            reasons=["null_user"] if one.is_rejected else [],
        )
        for number, (case, one) in enumerate(cases)
    ]


def earlier_rows() -> list[Row]:
    cases = [(case, one) for case, (earlier, *_) in CASES.items() for one in earlier]
    return [
        {
            **earlier_event(
                number,
                event_id=case,
                received_at=AT + timedelta(days=one.day),
                value=Decimal(one.value),
                unit_id=one.unit,
            ),
            "stored_as": one.stored_as,
            "survivor_value": None if one.survivor is None else Decimal(one.survivor),
        }
        for number, (case, one) in enumerate(cases)
    ]
