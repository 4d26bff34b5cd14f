"""Read the first records of a file for a draft mapping, and small CSV files that people write."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from segmentation.errors import ConfigurationError, DataError
from segmentation.filesystem import glob_paths
from segmentation.sources.infer import FileSample
from segmentation.sources.readers.units import ENDINGS

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

DELIMITERS = ",;\t|"


def read_sample(spark: SparkSession, path: str, rows: int) -> FileSample:
    """Read up to `rows` records of a file or folder, and detect its format, columns and delimiter.

    Raises:
        DataError: nothing can be read there.
    """
    if ENDINGS["parquet"].search(path.rstrip("/")):
        return _sample_parquet(spark, path, rows)
    lines = [row["value"] for row in spark.read.text(path).where(F.trim("value") != "").limit(rows + 1).collect()]
    if not lines:
        raise DataError(f"{path}: there are no lines to look at")
    return _sample_json(path, lines[:rows]) if lines[0].lstrip().startswith("{") else _sample_csv(lines)


def read_table_of_texts(spark: SparkSession, path: str) -> DataFrame:
    """Read a CSV with a header line, all columns as text.

    Raises:
        ConfigurationError: there is no such file.
    """
    if not glob_paths(spark, path):
        raise ConfigurationError(f"{path} does not exist")
    return spark.read.option("header", "true").option("enforceSchema", "false").csv(path)


def _sample_parquet(spark: SparkSession, path: str, rows: int) -> FileSample:
    frame = spark.read.parquet(path)
    texts = frame.select(*(F.col(f"`{name}`").cast("string").alias(name) for name in frame.columns))
    return FileSample("parquet", tuple(frame.columns), tuple(row.asDict() for row in texts.limit(rows).collect()))


def _sample_json(path: str, lines: list[str]) -> FileSample:
    records = []
    for line in lines:
        try:
            record = json.loads(line)
        except ValueError:
            continue  # the check that follows counts and shows it
        if isinstance(record, dict):
            records.append({name: _as_text(value) for name, value in record.items()})
    if not records:
        raise DataError(f"{path}: not one of {len(lines)} lines is a JSON object")
    columns = tuple(dict.fromkeys(name for record in records for name in record))
    return FileSample("json", columns, tuple(records))


def _sample_csv(lines: list[str]) -> FileSample:
    delimiter = max(DELIMITERS, key=lines[0].count)
    reader = csv.reader((line + "\n" for line in lines), delimiter=delimiter)
    header, *rest = reader
    full: list[dict[str, str | None]] = [dict(zip(header, row, strict=True)) for row in rest if len(row) == len(header)]
    spans_lines = any("\n" in (text or "") for row in full for text in row.values())
    return FileSample("csv", tuple(header), tuple(full), delimiter, spans_lines)


def _as_text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value)
