"""What the executed plan may cost: the wide row is exchanged once and sorted once, and sessions come out of that."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING

import pytest
from segmentation.ingest.cap import EVENT
from segmentation.ingest.resession import NEAR
from segmentation.ingest.routes import find_suspects, index_records
from segmentation.ingest.state import State

from segmentation.checkpoints import checkpoint, checkpoint_packed
from segmentation.frames import small_frame
from segmentation.ingest.batches import planned_for
from segmentation.parameters import WorkspaceParams
from segmentation.sessions.build import build_sessions
from segmentation.sessions.params import SessionParams
from segmentation.sessions.sessionise import sessionise
from segmentation.sessions.user_days import Complete, build_user_day_counts, build_user_days, sum_contexts
from segmentation.sources.readers.units import InputUnit
from segmentation.tables import EVENTS, PARSED_RECORDS

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

pytestmark = pytest.mark.spark


def one_row(spark: SparkSession, schema) -> DataFrame:
    """A row of nulls that Spark does not know to be one."""
    return small_frame(spark, [tuple(None for _ in schema)], schema)


def steps(df: DataFrame) -> list[str]:
    """The operators of the executed plan, by name."""
    plan = df._jdf.queryExecution().executedPlan().toString()
    return [line.lstrip(" :+-*()0123456789").split(" ", 1)[0] for line in plan.splitlines()]


def test_the_wide_row_is_exchanged_once_and_sorted_once(spark: SparkSession) -> None:
    events = one_row(spark, EVENTS.schema).select(*EVENT)
    laid_out = sessionise(events, params=SessionParams(), time_zone="UTC")
    assert steps(laid_out).count("Exchange") == 1
    assert steps(laid_out).count("Sort") == 1


def test_what_is_made_of_a_held_slice_stands_where_it_is(spark: SparkSession) -> None:
    workspace, params = WorkspaceParams(), SessionParams()
    unit = InputUnit("b1", "file:/day.parquet", 30 * 2**20, datetime.now(timezone.utc), "parquet")  # three partitions
    spark.conf.set("spark.sql.adaptive.enabled", "true")  # as on a cluster
    try:
        with planned_for(spark, [unit], 12):
            events = one_row(spark, EVENTS.schema).select(*EVENT)
            laid_out = checkpoint_packed(sessionise(events, params=params, time_zone="UTC"), ("user_id",), NEAR)
            built = checkpoint(build_sessions(laid_out, workspace=workspace, params=params))
            change = Complete(laid_out, checkpoint(sum_contexts(laid_out, workspace=workspace)), built)
            for made in (built, change.contexts, build_user_days(change), build_user_day_counts(change)):
                done = steps(made)
                assert "Scan" in done
                assert "Exchange" not in done
                assert "SortAggregate" not in done
    finally:
        spark.conf.unset("spark.sql.adaptive.enabled")


def test_only_hashes_are_exchanged_to_find_copies(spark: SparkSession) -> None:
    index = index_records(one_row(spark, PARSED_RECORDS.schema))
    assert set(index.rows.columns) == {"row_key", "identity_hash", "user_day_hash", "rejected", "late"}
    nothing = State(*(one_row(spark, EVENTS.schema) for _ in range(7)), is_empty=True)
    suspects = find_suspects(index, nothing, dedup_window_days=30)
    assert suspects.routes.columns == ["identity_hash"]
    assert suspects.routes.count() == 0
