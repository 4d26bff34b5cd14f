"""Order-independent digests of a lake's published tables, for saying that two lakes are equal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from segmentation.lake.lake import Lake
from segmentation.tables import INGEST_LEDGER

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from pyspark.sql import SparkSession

    from segmentation.tables import Table

OF_THE_RUN = {"run_id", "unit_id", "record_no", "location", "path", "modified_at"}
"""What the law leaves out of equality, and what names the run's own folders."""


def digest(spark: SparkSession, lake: str | Path, tables: Iterable[Table]) -> dict[str, tuple[int, str]]:
    """Return table -> (rows, sum of the rows' hashes), of what readers see; the ledger is summed over batches."""
    opened = Lake(spark, str(lake), "digest")
    found = {}
    for table in tables:
        if opened.version(table) is None:
            continue
        rows = opened.read(table)
        columns = [name for name in table.names if name not in OF_THE_RUN]
        if table is INGEST_LEDGER:
            keys = [name for name in columns if name != "records"]
            rows = rows.groupBy(*keys).agg(F.sum("records").alias("records")).where("records <> 0")
        hashed = rows.select(F.xxhash64(F.to_json(F.struct(*columns))).cast("decimal(38,0)").alias("hash"))
        total = hashed.agg(F.count(F.lit(1)).alias("rows"), F.sum("hash").alias("sum")).head()
        found[table.name] = (total["rows"], str(total["sum"]))
    return found
