"""Read Parquet files as pandas, Spark, Arrow, BigQuery and Hive write them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pyspark.errors import PySparkException
from pyspark.sql import functions as F
from pyspark.sql.types import DoubleType, FloatType, LongType, StructType

from segmentation.errors import DataError
from segmentation.frames import union_all
from segmentation.jvm import Py4JJavaError, parquet_schemas
from segmentation.sources.identifiers import identifier_text, is_lossy
from segmentation.sources.parse import RAW_CORRUPT, RAW_LOSSY, RAW_RECORD_NO
from segmentation.sources.readers.absent_columns import add_absent_columns, used_columns
from segmentation.sources.readers.declared_columns import declared_nested_types, read_as_declared
from segmentation.sources.readers.read_errors import reason_of
from segmentation.sources.readers.units import READING, split_by_name

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from pyspark.sql import Column, DataFrame, SparkSession

    from segmentation.sources.mapping import SourceMapping
    from segmentation.sources.readers.units import InputUnit

FILE = "_file"
"""64-bit hash of the file's path. The driver checks that hashes differ, so executors need not compare paths."""
PATH = "_path"


class _Group(NamedTuple):
    """Files of one schema."""

    schema: StructType
    nanoseconds: dict[str, bool]
    options: dict[str, str]
    paths: list[str]

    def type_of(self, name: str) -> str:
        if name in self.nanoseconds:
            return "timestamp" if self.nanoseconds[name] else "timestamp_ntz"
        return self.schema[name].dataType.simpleString()


def read_parquet(spark: SparkSession, mapping: SourceMapping, units: Sequence[InputUnit]) -> DataFrame:
    """Read rows with their position. Columns of one name may differ in type from file to file, or be absent.

    Timestamps in nanoseconds are cut to microseconds. The session reads them as whole numbers
    (`spark.sql.legacy.parquet.nanosAsLong`), so which columns they are is told by the footers.

    Raises:
        DataError: a file cannot be read; names it and the reason.
    """
    (paths, options), *apart = split_by_name(units)
    try:
        read = spark.read.options(**options, mergeSchema="true").parquet(*paths)
        nanoseconds = _common_nanoseconds(read, used_columns(spark, mapping).keys())
    except (PySparkException, Py4JJavaError):  # columns of one name are of several types, or a file is not readable
        nanoseconds = None
    if apart or nanoseconds is None:
        raw = _read_by_schema(spark, mapping, units)
    else:
        raw = read_as_declared(_placed_rows(read, nanoseconds), mapping)
    return add_absent_columns(raw, mapping)


def read_parquet_texts(spark: SparkSession, unit: InputUnit) -> DataFrame:
    """Read the columns of one file as text."""
    [(paths, options)] = split_by_name([unit])
    read = spark.read.options(**options).parquet(*paths)
    nanoseconds = {name: own for one in parquet_schemas(read) for name, own in one.nanoseconds}
    placed = _placed_rows(read, nanoseconds, {name.lower() for name in read.columns})
    return placed.select(*("`" + name.replace("`", "``") + "`" for name in read.columns))


def _common_nanoseconds(read: DataFrame, used: Collection[str]) -> dict[str, bool] | None:
    """Return the timestamps in nanoseconds of all files; None if a column is one in some files only.

    Footers are read only if a column that is used (named in lower case) could be one.
    """
    numbers = {field.name.lower() for field in read.schema.fields if isinstance(field.dataType, LongType)}
    if numbers.isdisjoint(used):
        return {}
    schemas = parquet_schemas(read)
    found = {name: is_instant for schema in schemas for name, is_instant in schema.nanoseconds}
    for schema in schemas:
        own = dict(schema.nanoseconds)
        given = {name.lower() for name in schema.columns}
        if any(own.get(name) != is_instant for name, is_instant in found.items() if name.lower() in given):
            return None
    return found


def _read_by_schema(spark: SparkSession, mapping: SourceMapping, units: Sequence[InputUnit]) -> DataFrame:
    """Read files whose columns differ in type (for example integer and decimal), with those columns as text.

    Text is what a field is read from wherever its type is not the one declared, so each record reads as it would alone.
    Nested columns are read as the mapping declares them.
    """
    groups: dict[str, _Group] = {}
    for unit in units:
        [(paths, options)] = split_by_name([unit])
        try:
            read = spark.read.options(**options).parquet(*paths)
            nanoseconds = {name: own for one in parquet_schemas(read) for name, own in one.nanoseconds}
        except (PySparkException, Py4JJavaError) as error:
            raise DataError(f"{unit.path} is not readable Parquet ({reason_of(str(error))})") from error
        alone = paths if len(options) > len(READING) else []
        key = f"{read.schema.json()} {sorted(nanoseconds.items())} {alone}"
        groups.setdefault(key, _Group(read.schema, nanoseconds, options, [])).paths.extend(paths)
    types: dict[str, set[str]] = {}
    for group in groups.values():
        for name in group.schema.names:
            types.setdefault(name.lower(), set()).add(group.type_of(name))
    nested = declared_nested_types(mapping)
    mixed = {name for name, found in types.items() if len(found - {"void"}) > 1 and name not in nested}

    def read_group(group: _Group) -> DataFrame:
        rows = spark.read.options(**group.options).schema(group.schema).parquet(*group.paths)
        return read_as_declared(_placed_rows(rows, group.nanoseconds, mixed), mapping)

    return union_all(map(read_group, groups.values()), fill=True)


def _placed_rows(raw: DataFrame, nanoseconds: Mapping[str, bool], as_text: Collection[str] = ()) -> DataFrame:
    """Return the rows of Parquet files with their position, and with the given columns as text."""
    path, row = F.col("_metadata.file_path"), F.col("_metadata.row_index")
    columns, lossy = [], []
    for field in raw.schema.fields:
        kind, column = field.dataType.simpleString(), F.col("`" + field.name.replace("`", "``") + "`")
        if field.name in nanoseconds:
            column, kind = _microseconds(column, is_instant=nanoseconds[field.name])
        if field.name.lower() in as_text:
            if isinstance(field.dataType, (DoubleType, FloatType)):
                lossy.append(F.when(is_lossy(column, kind), F.lit(field.name)))
            column = _as_text(column, kind)
        columns.append(column.alias(field.name))
    marked = [F.array_compact(F.array(*lossy)).alias(RAW_LOSSY)] if lossy else []
    return raw.select(
        F.xxhash64(path).alias(FILE),
        path.alias(PATH),
        row.alias(RAW_RECORD_NO),
        F.lit(False).alias(RAW_CORRUPT),
        *marked,
        *columns,
    )


def _microseconds(nanoseconds: Column, *, is_instant: bool) -> tuple[Column, str]:
    """Return a number of nanoseconds since 1970 as a timestamp, cut to microseconds, and its type."""
    whole = nanoseconds - F.pmod(nanoseconds, F.lit(1_000))  # the next lower one also before 1970
    instant = F.timestamp_micros(F.call_function("div", whole, F.lit(1_000)))
    return (instant, "timestamp") if is_instant else (instant.cast("timestamp_ntz"), "timestamp_ntz")


def _as_text(column: Column, kind: str) -> Column:
    if kind == "timestamp":  # beside texts without a zone it stays an instant
        return F.concat(column.cast("string"), F.lit("Z"))
    return identifier_text(column, kind)
