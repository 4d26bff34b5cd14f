"""One primitive: replaced input, merged and parted persons and erasure leave what a build of the rest would make."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from pyspark.sql import functions as F

from segmentation.checkpoints import checkpoint_counted
from segmentation.ingest.apply import choose_store, write_changes
from segmentation.ingest.restate import restate
from segmentation.ingest.snapshot import read_snapshot
from segmentation.parameters import WorkspaceParams
from segmentation.sessions.params import SessionParams
from segmentation.tables import EVENT, EVENTS
from tests.spark.ingest.cases import choose_seed, differences, draw_cases, ingest
from tests.spark.ingest.oracle import SECOND, Limits, Record, tables

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import DataFrame, SparkSession

    from segmentation.lake.lake import Lake

LIMITS = Limits()
MERGED, PARTED, ERASED, REPLACED, LEFT_ALONE = range(5)
KINDS = 5
SHIFT = 90 * SECOND
DERIVED = ("events", "sessions", "transitions", "user_days", "item_counts")


def first_deliveries(seed: int) -> list[Record]:
    """Draw users without copies and orders, for nothing is judged again; every other event is a second person's."""
    drawn = (d.record for case in draw_cases(60, seed) for d in reversed(case))
    records = {record.event_id: replace(record, order=None) for record in drawn}
    return [of_person(r, "u" if kind(r) == PARTED else "uv"[number(r) % 2]) for r in records.values()]


def restated(records: list[Record]) -> list[Record]:
    """What the change is to come to: two persons are one, one is two, users are gone, a unit holds other events."""
    result = []
    for record in records:
        if kind(record) == MERGED:
            result.append(of_person(record, "u"))
        elif kind(record) == PARTED:
            result.append(of_person(record, "uv"[number(record) % 2]))
        elif kind(record) == REPLACED and number(record) % 3 == 0:
            at, received = record.event_at + SHIFT, record.received_at + SHIFT
            result += [] if number(record) % 2 else [replace(record, event_at=at, received_at=received)]
        elif kind(record) != ERASED:
            result.append(record)
    return result


def of_person(record: Record, person: str) -> Record:
    return replace(record, user=f"{person}{record.event_id.split('-')[0]}")


def kind(record: Record) -> int:
    return int(record.event_id.split("-")[0]) % KINDS


def number(record: Record) -> int:
    return int(record.event_id.split("-")[1])


def change(lake: Lake, removed: DataFrame, added: DataFrame) -> None:
    changes = restate(
        checkpoint_counted(removed),
        checkpoint_counted(added.select(*EVENT)),
        read_snapshot(lake),
        choose_store(lake, is_small=False),
        sessions=SessionParams(),
        workspace=WorkspaceParams(),
    )
    write_changes(lake, changes)
    lake.publish({})


@pytest.mark.spark
def test_stored_events_leave_and_come_as_if_they_had_always_been_so(spark: SparkSession, tmp_path: Path) -> None:
    records = first_deliveries(choose_seed())
    lake = ingest(spark, tmp_path, [records], LIMITS)
    parts = F.split("event_id", "-")
    group, nth = parts[0].cast("int") % KINDS, parts[1].cast("int")
    merged = (group == MERGED) & F.col("user_id").startswith("v")
    parted = (group == PARTED) & (nth % 2 == 1)
    replaced = (group == REPLACED) & (nth % 3 == 0)

    events = lake.read(EVENTS)
    person = F.concat(F.when(group == MERGED, "u").otherwise("v"), parts[0])
    moved = events.where(merged | parted).withColumn("user_id", person)
    shift = F.expr(f"INTERVAL {SHIFT} MICROSECONDS")
    newer = events.where(replaced & (nth % 2 == 0)).withColumns(
        {name: F.col(name) + shift for name in ("event_at", "received_at")}
    )
    newer = newer.withColumn("event_date", F.to_date("event_at"))
    change(lake, events.where(merged | parted | replaced | (group == ERASED)), moved.unionByName(newer))

    expected = tables(restated(records), LIMITS)
    assert differences(lake, {name: expected[name] for name in DERIVED}) == {}
