"""What the executed plan may cost: the wide row is exchanged once and sorted once, and what is derived is narrow."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from typing import TYPE_CHECKING

import pytest
from pyspark.sql.types import StructField, StructType

from segmentation.checkpoints import checkpoint_counted
from segmentation.ingest import candidates
from segmentation.ingest.batches import planned_for
from segmentation.ingest.index import index_records
from segmentation.ingest.snapshot import Snapshot
from segmentation.parameters import WorkspaceParams
from segmentation.sessions.build import build_sessions
from segmentation.sessions.item_counts import count_items
from segmentation.sessions.params import SessionParams
from segmentation.sessions.sessionise import sessionise
from segmentation.sessions.transitions import build_transitions
from segmentation.sessions.user_days import build_user_days
from segmentation.sources.readers.units import InputUnit
from segmentation.tables import (
    DUPLICATES,
    EVENT,
    EVENTS,
    INPUT_UNITS,
    ORDER_EVENTS,
    PARSED_RECORDS,
    QUARANTINE,
    SESSIONS,
    USER_DAYS,
)
from tests.spark.ingest.steps import frame, parsed_record

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import DataFrame, SparkSession

    from segmentation.checkpoints import Counted

pytestmark = pytest.mark.spark


def one_row(spark: SparkSession, schema: StructType) -> DataFrame:
    """A row of nulls that Spark does not know to be one."""
    nullable = StructType([StructField(field.name, field.dataType) for field in schema])
    return spark.createDataFrame([tuple(None for _ in schema)], nullable)


def steps(df: DataFrame) -> list[str]:
    """The operators of the executed plan, by name."""
    plan = df._jdf.queryExecution().executedPlan().toString()
    return [re.split(r"\W", line.lstrip(" :+-*()0123456789"), maxsplit=1)[0] for line in plan.splitlines()]


def exchanged(df: DataFrame) -> list[set[str]]:
    """The columns of each row that the executed plan exchanges or broadcasts."""
    found, nodes = [], [df._jdf.queryExecution().executedPlan()]
    while nodes:
        node = nodes.pop()
        children = node.children()
        nodes += [children.apply(i) for i in range(children.size())]
        if "Exchange" in node.nodeName():
            output = node.output()
            found.append({output.apply(i).name() for i in range(output.size())})
    return found


def snapshot_of(spark: SparkSession, *, is_empty: bool) -> Snapshot:
    tables = (EVENTS, SESSIONS, USER_DAYS, QUARANTINE, DUPLICATES, ORDER_EVENTS, INPUT_UNITS)
    return Snapshot(*(one_row(spark, table.schema) for table in tables), is_empty=is_empty)


def test_the_wide_row_is_exchanged_once_and_sorted_once(spark: SparkSession) -> None:
    events = one_row(spark, EVENTS.schema).select(*EVENT)
    placed = sessionise(events, params=SessionParams(), time_zone="UTC")
    assert steps(placed).count("Exchange") == 1
    assert steps(placed).count("Sort") == 1


def test_what_is_summed_of_stored_events_is_hashed_and_narrow(spark: SparkSession, tmp_path: Path) -> None:
    workspace, params = WorkspaceParams(), SessionParams()
    for table in (EVENTS, SESSIONS):
        spark.createDataFrame([], table.schema).write.parquet(str(tmp_path / table.name))
    events, sessions = (spark.read.parquet(str(tmp_path / table.name)) for table in (EVENTS, SESSIONS))
    unit = InputUnit("b1", "file:/day.parquet", 30 * 2**20, datetime.now(timezone.utc), "parquet")  # three partitions
    adaptive = spark.conf.get("spark.sql.adaptive.enabled")
    spark.conf.set("spark.sql.adaptive.enabled", "true")  # as on a cluster
    try:
        with planned_for(spark, [unit], 12):
            summed = {
                "sessions": build_sessions(events, workspace=workspace, params=params),
                "user_days": build_user_days(events, sessions, workspace=workspace),
                "transitions": build_transitions(events, sessions),
                "item_counts": count_items(events, sessions, time_zone="UTC"),
            }
            for name, made in summed.items():
                done = steps(made)
                assert "HashAggregate" in done, name
                assert "SortAggregate" not in done, name
                for columns in exchanged(made):
                    assert not columns & {"properties", "identifier", "event_id", "unit_id"}, (name, columns)
    finally:
        spark.conf.set("spark.sql.adaptive.enabled", adaptive)


def test_only_hashes_are_exchanged_to_find_copies(spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> None:
    exchanges: list[list[set[str]]] = []

    def noting(df: DataFrame) -> Counted:
        exchanges.append(exchanged(df))
        return checkpoint_counted(df)

    monkeypatch.setattr(candidates, "checkpoint_counted", noting)
    index = index_records(frame(spark, PARSED_RECORDS, [parsed_record(1)]).repartition(2))
    assert set(index.rows.columns) == {
        "row_key", "identity_hash", "user_hash", "event_date", "event_at", "rejected", "late"
    }  # fmt: skip
    for is_empty in (True, False):
        found = candidates.find_candidates(index, snapshot_of(spark, is_empty=is_empty), window_days=30)
        assert found.hashes.rows.columns == ["identity_hash"]
        assert found.hashes.count == found.hashes.rows.count() == 0
    of_batch, earlier, of_batch_again = exchanges
    assert of_batch == of_batch_again == [{"identity_hash"}]
    assert earlier
    assert all(columns == {"identity_hash"} for columns in earlier), "the batch's hashes are broadcast to each table"
