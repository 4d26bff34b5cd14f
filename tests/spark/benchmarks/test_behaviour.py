"""What our own functions say of behaviour is what DuckDB says, from the same stored tables."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from pyspark.sql import functions as F

from benchmarks.contract import BEHAVIOUR
from benchmarks.engines.suite_behaviour import QUESTIONS, lay_out_steps
from benchmarks.engines.task import Clock
from tests.unit.benchmarks.conftest import write_days  # noqa: F401  a fixture
from tests.unit.benchmarks.test_peers import task

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import DataFrame, SparkSession

    from segmentation.tables import Table

pytestmark = pytest.mark.spark


def test_our_answers_are_those_of_duckdb(spark: SparkSession, write_days, tmp_path: Path) -> None:  # noqa: F811
    pytest.importorskip("duckdb")
    from benchmarks.engines import duckdb_behaviour, duckdb_peer  # noqa: PLC0415  need duckdb
    from benchmarks.equality import differences, digest_tables  # noqa: PLC0415

    duckdb_peer.build(task("full", write_days(6, 1), tmp_path), Clock())
    duckdb_behaviour.answer(task("behaviour", [], tmp_path), Clock())

    def read(table: Table) -> DataFrame:
        stored = spark.read.parquet(str(tmp_path / "state" / table.name))
        columns = [F.col(name).cast(table.schema[name].dataType) for name in stored.columns]
        missing = [column for column in table.columns if column.name not in stored.columns]
        return stored.select(*columns, *(F.lit(None).cast(column.type).alias(column.name) for column in missing))

    lake = SimpleNamespace(read=read)
    steps = lay_out_steps(lake)
    for name, ask in QUESTIONS.items():
        ask(lake, steps).coalesce(1).write.parquet(str(tmp_path / "ours" / name))
    theirs = digest_tables(tmp_path / "state" / "behaviour", BEHAVIOUR)
    assert differences(digest_tables(tmp_path / "ours", BEHAVIOUR), theirs) == []
    assert theirs["funnel"]["reached"] > theirs["features"]["rows"] > 1
