"""Land the rows of a database table beyond the last watermark as Parquet files."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from pyspark.errors import PySparkException
from pyspark.sql import functions as F
from pyspark.sql.types import DecimalType, IntegralType, TimestampNTZType, TimestampType

from segmentation.errors import ConfigurationError, RetryableError
from segmentation.filesystem import as_pattern, delete_path, glob_paths, move_file
from segmentation.jvm import Py4JJavaError
from segmentation.sources.jdbc import JdbcParams, Stretch, next_stretch, sort_landed
from segmentation.sources.parse import RAW_CORRUPT, RAW_LOCATION, RAW_RECORD_NO, RAW_TEXT, RAW_UNIT, RAW_UNIT_NO
from segmentation.sources.readers.kafka import raw_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.types import StructType

    from segmentation.sources.jdbc import Kind, Landed
    from segmentation.sources.mapping import SourceMapping

_STAGING = "_landing"
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_UNREACHABLE = (
    "refused",
    "timed out",
    "timeout",
    "UnknownHost",
    "I/O error",
    "terminating",
    "starting up",
    "connect to",
)
"""Words in the messages of errors that may go away on retry."""
_OF_SPARK = "FAILED_JDBC"
_OF_DRIVERS = (_OF_SPARK, "java.sql.", "SQLException", "java.lang.ClassNotFoundException", "No suitable driver")


def land_rows(spark: SparkSession, mapping: SourceMapping, root: str, run_id: str) -> tuple[list[str], list[str]]:
    """Land the rows of the table that have not landed before.

    Where to go on is read from the names of the files that are there: a stretch counts once all its files have their
    names, and what a dead run left of one is deleted first.

    Returns:
        The files of all complete stretches, new ones among them, and notes on what was not read.

    Raises:
        ConfigurationError: there is no such table or column, the database refuses us, or the driver is missing.
        DataError: the table ends before what has landed.
        RetryableError: the database does not answer.
    """
    params, folder = mapping.table, f"{raw_folder(root, mapping.name)}/rows"
    landed = _clean(spark, folder)
    with _named_errors(params):
        kind = _kind(params, _read(spark, params).schema)
        greatest, blanks = _reach(spark, params, kind)
        stretch = next_stretch(params, landed, greatest)
        if stretch is not None:
            _land(_rows_of(spark, params, stretch, kind), stretch, params, folder, run_id)
    notes = [f"{blanks} rows without {params.watermark} are not read"] if blanks else []
    notes += ["no new row: unchanged"] if stretch is None else []
    return _clean(spark, folder).whole, notes


def read_rows(spark: SparkSession, mapping: SourceMapping, rows: int) -> DataFrame:
    """Read some rows that have not landed, in the columns of `segmentation.sources.readers.files.read_records`."""
    params = mapping.table
    with _named_errors(params):
        found = _read(spark, params).limit(rows)
    number = F.monotonically_increasing_id()
    return found.select(
        *(F.col(f"`{name}`") for name in found.columns),
        F.lit("sample").alias(RAW_UNIT),
        F.lit(0).cast("bigint").alias(RAW_UNIT_NO),
        number.alias(RAW_RECORD_NO),
        F.concat(F.lit(f"{params.table} row "), number).alias(RAW_LOCATION),
        F.to_json(F.struct("*")).alias(RAW_TEXT),
        F.lit(False).alias(RAW_CORRUPT),
    )


def _clean(spark: SparkSession, folder: str) -> Landed:
    landed = sort_landed(glob_paths(spark, f"{as_pattern(folder)}/*.parquet"))
    for path in landed.broken:
        delete_path(spark, path)
    return landed


def _land(rows: DataFrame, stretch: Stretch, params: JdbcParams, folder: str, run_id: str) -> None:
    """Write rows to a staging folder first: a file gets its final name when it is complete."""
    spark, staging = rows.sparkSession, f"{folder}/{_STAGING}/{run_id}"
    rows.coalesce(1).write.mode("overwrite").option("maxRecordsPerFile", params.file_rows).parquet(staging)
    files = glob_paths(spark, f"{as_pattern(staging)}/part-*.parquet")
    for part, path in enumerate(files, 1):
        move_file(spark, path, f"{folder}/{stretch.name(part, len(files))}")
    delete_path(spark, staging)


def _reach(spark: SparkSession, params: JdbcParams, kind: Kind) -> tuple[int | None, int]:
    """Return the greatest watermark, and the number of rows without one."""
    column = params.watermark
    sums = f"MAX({column}) AS greatest, COUNT(*) - COUNT({column}) AS blanks"
    greatest = F.col("greatest") if kind == "number" else F.unix_micros(F.col("greatest").cast("timestamp"))
    row = _read(spark, params, sums).select(greatest.cast("bigint").alias("greatest"), "blanks").head()
    return (None, 0) if row is None else (row["greatest"], int(row["blanks"]))


def _rows_of(spark: SparkSession, params: JdbcParams, stretch: Stretch, kind: Kind) -> DataFrame:
    """Read the rows of a stretch: from the last watermark, whose row may have got neighbours, or the overlap before."""
    column = params.watermark
    bounds = [f"{column} <= {_literal(stretch.until, kind)}"]
    if stretch.after is not None:
        unit = 1 if kind == "number" else 1_000_000
        bounds.append(f"{column} >= {_literal(stretch.after - params.overlap * unit, kind)}")
    return _read(spark, params, where=" AND ".join(bounds))


def _literal(watermark: int, kind: Kind) -> str:
    if kind == "number":
        return str(watermark)
    at = _EPOCH + timedelta(microseconds=watermark)
    return f"'{at:%Y-%m-%d %H:%M:%S.%f}{'+00:00' if kind == 'instant' else ''}'"


def _kind(params: JdbcParams, schema: StructType) -> Kind:
    if params.watermark not in schema.names:
        names = ", ".join(schema.names)
        raise ConfigurationError(f"jdbc.watermark: {params.table} has no column {params.watermark}; it has: {names}")
    type_ = schema[params.watermark].dataType
    if isinstance(type_, IntegralType) or (isinstance(type_, DecimalType) and type_.scale == 0):
        return "number"
    if isinstance(type_, TimestampType | TimestampNTZType):
        return "instant" if isinstance(type_, TimestampType) else "local"
    raise ConfigurationError(
        f"jdbc.watermark: {params.watermark} is {type_.simpleString()}: a whole number or a time is needed"
    )


def _read(spark: SparkSession, params: JdbcParams, columns: str = "*", where: str = "1 = 1") -> DataFrame:
    query = f"(SELECT {columns} FROM {params.table} t WHERE {where}) w"  # noqa: S608  the mapping's own table
    return spark.read.format("jdbc").options(**params.reader()).option("dbtable", query).load()


@contextmanager
def _named_errors(params: JdbcParams) -> Iterator[None]:
    """Translate the driver's errors into RetryableError or ConfigurationError."""
    try:
        yield
    except (PySparkException, Py4JJavaError) as error:
        # Spark says only that it could not connect; why stands in what it was caused by.
        text = f"{getattr(error, '_stackTrace', None) or ''}\n{error}"
        if not any(mark in text for mark in _OF_DRIVERS):
            raise
        lines = [line.strip() for line in text.splitlines() if any(mark in line for mark in _OF_DRIVERS)]
        first = next((line for line in lines if not line.startswith("at ") and _OF_SPARK not in line), lines[0])
        if "ClassNotFound" in text or "No suitable driver" in text:
            raise ConfigurationError(
                f"{params.table}: the driver's jar is missing ({first}): put it into .jars/, or pass it by --jars"
            ) from error
        if any(mark in first for mark in _UNREACHABLE):
            raise RetryableError(f"{params.table}: the database does not answer, or broke off: {first}") from error
        raise ConfigurationError(f"{params.table}: the database refuses: {first}") from error
