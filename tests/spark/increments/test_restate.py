"""One primitive: replaced input, merged and parted persons and erasure leave what a build of the rest would make."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from pyspark.sql import functions as F

from segmentation.increments.cap import EVENT
from segmentation.increments.restate import restate
from segmentation.parameters import WorkspaceParams
from segmentation.sessions.params import SessionParams
from segmentation.storage.increment_writer import write_increment
from segmentation.storage.state import read_state
from segmentation.tables.events import EVENTS
from tests.spark.increments.cases import differences, draw_cases, ingest
from tests.spark.increments.oracle import SECOND, Limits, Record, tables

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import DataFrame, SparkSession

    from segmentation.storage.lake import Lake

LIMITS = Limits()
MERGED, ERASED, REPLACED, LEFT_ALONE = range(4)
KINDS = 4
SHIFT = 90 * SECOND
DERIVED = ("events", "sessions", "transitions", "user_days")


def first_deliveries(seed: int) -> list[Record]:
    """Draw users without copies, for no verdict is judged again; every other event is another person's."""
    records = {d.record.event_id: d.record for case in draw_cases(60, seed) for d in reversed(case)}
    return [replace(r, user=f"{'uv'[number(r) % 2]}{case(r)}") for r in records.values()]


def case(record: Record) -> int:
    return int(record.event_id.split("-")[0])


def number(record: Record) -> int:
    return int(record.event_id.split("-")[1])


def restated(records: list[Record], *, parted: bool = False) -> list[Record]:
    """What the change is to come to: the second person is the first, users are gone, a unit holds other events."""
    result = []
    for record in records:
        kind = case(record) % KINDS
        if kind == MERGED and not parted:
            result.append(replace(record, user=f"u{case(record)}"))
        elif kind == REPLACED and number(record) % 3 == 0:
            at, received = record.event_at + SHIFT, record.received_at + SHIFT
            result += [] if number(record) % 2 else [replace(record, event_at=at, received_at=received)]
        elif kind != ERASED:
            result.append(record)
    return result


def change(lake: Lake, removed: DataFrame, added: DataFrame) -> None:
    plan = restate(
        removed, added.select(*EVENT), read_state(lake), sessions=SessionParams(), workspace=WorkspaceParams()
    )
    write_increment(lake, plan)
    lake.publish({})


@pytest.mark.spark
def test_stored_events_leave_and_come_as_if_they_had_always_been_so(spark: SparkSession, tmp_path: Path) -> None:
    records = first_deliveries(int(os.environ.get("CASES_SEED", "2")))
    lake = ingest(spark, tmp_path, [records], LIMITS)
    parts = F.split("event_id", "-")
    kind, nth = parts[0].cast("int") % KINDS, parts[1].cast("int")
    second = F.col("user_id").startswith("v")
    merged, replaced = (kind == MERGED) & second, (kind == REPLACED) & (nth % 3 == 0)

    events = lake.read(EVENTS)
    moved = events.where(merged).withColumn("user_id", F.concat(F.lit("u"), parts[0]))
    shift = F.expr(f"INTERVAL {SHIFT} MICROSECONDS")
    newer = events.where(replaced & (nth % 2 == 0)).withColumns(
        {name: F.col(name) + shift for name in ("event_at", "received_at")}
    )
    newer = newer.withColumn("event_date", F.to_date("event_at"))
    change(lake, events.where(merged | replaced | (kind == ERASED)), moved.unionByName(newer))
    expected = tables(restated(records), LIMITS)
    assert differences(lake, {name: expected[name] for name in DERIVED}) == {}

    events = lake.read(EVENTS)
    again_two = events.where((kind == MERGED) & (F.col("user_id") != F.col("identifier")))
    change(lake, again_two, again_two.withColumn("user_id", F.col("identifier")))
    expected = tables(restated(records, parted=True), LIMITS)
    assert differences(lake, {name: expected[name] for name in DERIVED}) == {}
