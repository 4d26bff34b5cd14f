"""Frames and contracts: fit a frame to its table, and make small frames of what the driver knows."""

from __future__ import annotations

from functools import partial, reduce
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import to_arrow_schema

from segmentation.errors import ContractError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pyspark.sql import SparkSession
    from pyspark.sql.types import StructType

    from segmentation.tables import Table

DRIVER_ROWS = 10_000
"""Rows up to which `hold_small` collects a frame to the driver."""


def conform(df: DataFrame, table: Table, *beside: str) -> DataFrame:
    """Select the table's columns in contract order; never cast.

    Args:
        df: frame with at least the contract's columns, in any order.
        table: the contract.
        beside: columns to keep beside the contract's.

    Returns:
        The frame with exactly the contract's columns. Nullability is not checked here (Spark loses it in joins);
        the written table enforces it.

    Raises:
        ContractError: listing every missing column and every column of another type.
    """
    found = {field.name: field.dataType.simpleString() for field in df.schema.fields}
    problems = [
        f"{c.name}: {found.get(c.name, 'missing')}, contract says {c.type.simpleString()}"
        for c in table.columns
        if found.get(c.name) != c.type.simpleString()
    ]
    if problems:
        raise ContractError(f"frame does not fit table '{table.name}': " + "; ".join(problems))
    return df.select(*table.names, *beside)


def union_all(parts: Iterable[DataFrame], *, fill: bool = False) -> DataFrame:
    """Put frames of the same columns, in any order, under each other; rows are kept as often as they come.

    With `fill`, columns that only some of them have are null in the others.
    """
    return reduce(partial(DataFrame.unionByName, allowMissingColumns=fill), parts)


def small_frame(spark: SparkSession, rows: Iterable[tuple[Any, ...]], schema: StructType) -> DataFrame:
    """Make a frame of a few rows that the driver holds: a local relation, which no Spark job has to compute.

    Args:
        spark: the session.
        rows: values in the schema's order; instants are aware datetimes.
        schema: names and types.
    """
    names = schema.fieldNames()
    listed = [dict(zip(names, row, strict=True)) for row in rows]
    table = pa.Table.from_pylist(listed, schema=to_arrow_schema(schema, timezone="UTC"))
    return spark.createDataFrame(table, schema)


def hold_small(df: DataFrame, most: int = DRIVER_ROWS) -> DataFrame:
    """Collect a frame of at most `most` rows to the driver once; return a larger frame as it is.

    Later queries on the collected rows list no files and exchange nothing, because the rows are one partition. Of a
    larger frame, `most` + 1 rows reach the driver, and all queries stay distributed.
    """
    rows = df.limit(most + 1).toArrow()
    return df if rows.num_rows > most else df.sparkSession.createDataFrame(rows, df.schema).coalesce(1)


def empty_frame(spark: SparkSession, schema: StructType) -> DataFrame:
    """Make a frame without rows, which Spark leaves out of every plan."""
    nothing = (F.lit(None).cast(field.dataType).alias(field.name) for field in schema.fields)
    return spark.range(1).where(F.lit(False)).select(*nothing)
