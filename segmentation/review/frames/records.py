"""Collect a short frame as a list of plain records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from pyspark.sql import Column, DataFrame

Record = dict[str, Any]
Records = list[Record]


def fetch_records(df: DataFrame) -> Records:
    """Bring an aggregate to the driver, one dictionary per row."""
    return [row.asDict(recursive=True) for row in df.collect()]


def fetch_one(df: DataFrame) -> Record:
    """Bring an aggregate of one row to the driver."""
    return fetch_records(df)[0]


def cut_before(df: DataFrame, day: str, as_of: date | None) -> DataFrame:
    """Keep the rows whose `day` lies before the cut; all where there is no cut."""
    return df if as_of is None else df.where(F.col(day) < F.lit(as_of))


def find_cut(df: DataFrame, as_of: date | None, column: str = "as_of") -> date | None:
    """Return the newest cut in a table that is not after `as_of`; None where there is none."""
    known = df if as_of is None else df.where(F.col(column) <= F.lit(as_of))
    return fetch_one(known.agg(F.max(column).alias("cut")))["cut"]


def list_cuts(df: DataFrame, as_of: date | None) -> list[date]:
    """Return the cuts in a table that are not after `as_of`, newest first."""
    known = df if as_of is None else df.where(F.col("as_of") <= F.lit(as_of))
    return [record["as_of"] for record in fetch_records(known.select("as_of").distinct().orderBy(F.desc("as_of")))]


def keep_largest(name: str, keep: Sequence[str], other: str) -> Column:
    """Return the column, with values outside `keep` replaced by the bucket `other`."""
    return F.when(F.col(name).isin(list(keep)), F.col(name)).otherwise(F.lit(other))
