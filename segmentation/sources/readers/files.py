"""Read the records of input files, with their position and text."""

from __future__ import annotations

import csv
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from pyspark.errors import PySparkException
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from segmentation.errors import ConfigurationError, DataError
from segmentation.filesystem import read_first_line
from segmentation.frames import small_frame, union_all
from segmentation.jvm import Py4JJavaError
from segmentation.sources.location import BLOCK_BYTES, CSV_RECORDS, first_offset, record_location
from segmentation.sources.parse import RAW_CORRUPT, RAW_LOCATION, RAW_RECORD_NO, RAW_TEXT, RAW_UNIT, RAW_UNIT_NO
from segmentation.sources.readers.absent_columns import add_absent_columns
from segmentation.sources.readers.messages import LANDED, MESSAGES, parse_messages
from segmentation.sources.readers.quoted_records import split_records
from segmentation.sources.readers.values import decode_text, parse_csv, parse_json, parse_plain

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from pyspark.sql import Column, DataFrame, SparkSession

    from segmentation.sources.mapping import SourceMapping
    from segmentation.sources.readers.units import InputUnit

_FILE = "_file"
"""64-bit hash of the file's path. The driver checks that hashes differ, so executors need not compare paths."""
_PATH = "_path"
_POSITION = (_FILE, _PATH, RAW_RECORD_NO, RAW_TEXT, RAW_CORRUPT)
BYTE_ORDER_MARK = "\ufeff"
_ROW_BITS = 33
"""monotonically_increasing_id keeps the row's position within its task in its lower 33 bits."""


@contextmanager
def one_task_per_block(spark: SparkSession) -> Iterator[None]:
    """Make every scan that starts inside read at most one block of one file per task.

    A text file has no row index. With one block per task, the position within the task is the position within
    the block; block offset plus position is then unique and ascending within a file, whatever else is read with it.
    """
    keys = ("spark.sql.files.maxPartitionBytes", "spark.sql.files.openCostInBytes")
    before = {key: str(spark.conf.get(key)) for key in keys}
    for key in keys:
        spark.conf.set(key, str(BLOCK_BYTES))
    try:
        yield
    finally:
        for key, value in before.items():
            spark.conf.set(key, value)


def read_records(spark: SparkSession, mapping: SourceMapping, units: Sequence[InputUnit]) -> DataFrame:
    """Read the units' records: raw columns beside their unit, position, location, text and whether they are corrupt.

    Blank lines and CSV headers are not records. Files of one batch are of one format; their CSV headers may differ.

    Raises:
        ConfigurationError: a CSV file lacks a column that the mapping names.
        DataError: a file cannot be read at all (named).
    """
    readers = {
        "csv": _read_csv,
        CSV_RECORDS: _read_csv,
        "json": _read_json,
        MESSAGES: _read_messages,
        "parquet": _read_parquet,
        "text": _read_text,
    }
    format_ = units[0].format
    records = readers[format_](spark, mapping, units)
    placed = records.join(F.broadcast(_number_units(spark, units)), _FILE)
    # What only rejected records need comes after the join, where it is left out for all others.
    location = record_location(F.col(_PATH), F.col(RAW_RECORD_NO), F.lit(format_)).alias(RAW_LOCATION)
    text = [] if RAW_TEXT in records.columns else [F.to_json(F.struct(*map(_quoted, _given(records)))).alias(RAW_TEXT)]
    return placed.select(*(name for name in placed.columns if name not in (_FILE, _PATH)), location, *text)


def _given(records: DataFrame) -> list[str]:
    """Return the names of the columns that the source sent."""
    return [name for name in records.columns if name not in _POSITION]


def _quoted(name: str) -> Column:
    """Return the column of a name that may contain dots."""
    return F.col(f"`{name}`")


def _number_units(spark: SparkSession, units: Sequence[InputUnit]) -> DataFrame:
    """Return the unit_id and number of each file of a batch by the hash of its path."""
    rows = [(unit.path, unit.unit_id, number) for number, unit in enumerate(units)]
    schema = StructType().add("path", "string").add(RAW_UNIT, "string").add(RAW_UNIT_NO, "long")
    listed = small_frame(spark, rows, schema)
    numbered = listed.select(F.xxhash64("path").alias(_FILE), RAW_UNIT, RAW_UNIT_NO)
    hashes = [row[_FILE] for row in numbered.select(_FILE).collect()]  # as many rows as there are files
    if len(set(hashes)) < len(hashes):
        raise DataError("two files of one batch have paths of equal hash; ingest them one by one (--input)")
    return numbered


@contextmanager
def named_read_errors(units: Sequence[InputUnit], *, must_be_named: bool = False) -> Iterator[None]:
    """Translate a failing read (truncated or corrupt file) into an error that names the file.

    With `must_be_named`, an error that names none of the units is raised unchanged: tables are read inside as well.
    """
    try:
        yield
    except (PySparkException, Py4JJavaError) as error:
        text = str(error)
        named = next((unit.path for unit in units if unit.path.rsplit("/", 1)[-1] in text), None)
        marks = (
            "CANNOT_READ_FILE",
            "FAILED_READ_FILE",
            "EOFException",
            "Unexpected end of input",
            "not a Parquet file",
        )
        if not any(mark in text for mark in marks) or (named is None and must_be_named):
            raise
        where = named or f"one of {len(units)} files from {units[0].path}"
        raise DataError(f"{where} cannot be read (truncated or corrupt); nothing of this batch was ingested") from error


def _read_csv(spark: SparkSession, mapping: SourceMapping, units: Sequence[InputUnit]) -> DataFrame:
    by_header: dict[_Header, list[str]] = {}
    for unit in units:
        header = _Header(-1, mapping.header) if mapping.header else _header_of(spark, mapping, unit)
        if header is not None:
            by_header.setdefault(header, []).append(unit.readable_path)
    if not by_header:
        raise DataError(f"{units[0].path}: the file is empty (no header line)")
    parts = (_parse_csv(spark, mapping, header, paths) for header, paths in sorted(by_header.items()))
    return union_all(parts, fill=True)


class _Header(NamedTuple):
    position: int
    """Position of its line; -1 if the mapping gives the names and the file has no header."""
    names: tuple[str, ...]


def _header_of(spark: SparkSession, mapping: SourceMapping, unit: InputUnit) -> _Header | None:
    """Read a file's header; None if all lines are blank."""
    try:
        first = read_first_line(spark, unit.path, mapping.encoding)
        names = () if first is None else tuple(next(csv.reader([first[1]], delimiter=mapping.delimiter)))
    except (Py4JJavaError, csv.Error) as error:
        raise DataError(f"{unit.path}: its first line cannot be read (truncated or corrupt)") from error
    # Records in quotes are counted without blank ones.
    return None if first is None else _Header(0 if mapping.multiline else first[0], names)


def _parse_csv(spark: SparkSession, mapping: SourceMapping, given: _Header, paths: list[str]) -> DataFrame:
    header = list(given.names)
    missing = sorted(set(mapping.raw_columns) - set(header))
    if missing:
        raise ConfigurationError(
            f"source '{mapping.name}': {paths[0]} has no column {', '.join(missing)}; "
            f"its header is: {', '.join(header)}"
        )
    doubled = sorted({name for name in header if header.count(name) > 1})
    if doubled:
        raise ConfigurationError(f"source '{mapping.name}': {paths[0]} has two columns named {', '.join(doubled)}")
    texts = (_quoted_records if mapping.multiline else _lines)(spark, mapping, paths)
    return parse_csv(texts.where(F.col(RAW_RECORD_NO) > given.position), mapping, header)


def _read_json(spark: SparkSession, mapping: SourceMapping, units: Sequence[InputUnit]) -> DataFrame:
    return parse_json(_lines(spark, mapping, [unit.readable_path for unit in units]), mapping)


def _read_text(spark: SparkSession, mapping: SourceMapping, units: Sequence[InputUnit]) -> DataFrame:
    return parse_plain(_lines(spark, mapping, [unit.readable_path for unit in units]))


def _read_messages(spark: SparkSession, mapping: SourceMapping, units: Sequence[InputUnit]) -> DataFrame:
    path = F.col("_metadata.file_path")
    messages = spark.read.schema(LANDED).parquet(*(unit.readable_path for unit in units))
    record_no = (F.col("offset") - first_offset(path)).alias(RAW_RECORD_NO)
    placed = messages.select("*", F.xxhash64(path).alias(_FILE), path.alias(_PATH), record_no)
    return parse_messages(placed, mapping, _FILE, _PATH, RAW_RECORD_NO)


def _read_parquet(spark: SparkSession, mapping: SourceMapping, units: Sequence[InputUnit]) -> DataFrame:
    try:
        read = spark.read.option("mergeSchema", "true").parquet(*(unit.readable_path for unit in units))
        raw = _placed_rows(read)
    except (PySparkException, Py4JJavaError):  # columns of one name are of several types, or a file is no Parquet
        raw = _read_by_schema(spark, units)
    return add_absent_columns(raw, mapping)


def _read_by_schema(spark: SparkSession, units: Sequence[InputUnit]) -> DataFrame:
    """Read files whose columns differ in type (for example integer and decimal), with those columns as text.

    Text is what a field is read from wherever its type is not the one declared, so each record reads as it would alone.
    """
    groups: dict[str, tuple[StructType, list[str]]] = {}
    for unit in units:
        try:
            schema = spark.read.parquet(unit.readable_path).schema
        except (PySparkException, Py4JJavaError) as error:
            raise DataError(f"{unit.path} is not readable Parquet (truncated or corrupt)") from error
        groups.setdefault(schema.json(), (schema, []))[1].append(unit.readable_path)
    types: dict[str, set[str]] = {}
    for schema, _ in groups.values():
        for field in schema.fields:
            types.setdefault(field.name, set()).add(field.dataType.simpleString())
    mixed = {name for name, found in types.items() if len(found) > 1}
    parts = (_placed_rows(spark.read.schema(schema).parquet(*paths), mixed) for schema, paths in groups.values())
    return union_all(parts, fill=True)


def _placed_rows(raw: DataFrame, as_text: Collection[str] = ()) -> DataFrame:
    """Return the rows of Parquet files with their position, and with the given columns as text."""
    path, row = F.col("_metadata.file_path"), F.col("_metadata.row_index")
    return raw.select(
        F.xxhash64(path).alias(_FILE),
        path.alias(_PATH),
        row.alias(RAW_RECORD_NO),
        F.lit(False).alias(RAW_CORRUPT),
        *(_quoted(name).cast("string").alias(name) if name in as_text else _quoted(name) for name in raw.columns),
    )


def _lines(spark: SparkSession, mapping: SourceMapping, paths: list[str]) -> DataFrame:
    """Read the lines that are not blank, with position (0 = first line, blank lines count), text and corrupt flag."""
    block, in_task = F.col("_metadata.file_block_start"), F.monotonically_increasing_id()
    position = block + in_task.bitwiseAND((1 << _ROW_BITS) - 1)
    value = F.col("value")
    given = F.when(position == 0, F.ltrim(value, F.lit(BYTE_ORDER_MARK))).otherwise(value)
    return _texts(spark.read.text(paths), position, given, mapping)


def _quoted_records(spark: SparkSession, mapping: SourceMapping, paths: list[str]) -> DataFrame:
    """Read the records that are not blank, in the columns of :func:`_lines`; positions count records."""
    texts = _texts(split_records(spark, mapping, paths), F.col("position"), F.col("text"), mapping, "well_quoted")
    corrupt = F.col(RAW_CORRUPT) | ~F.col("well_quoted")
    return texts.withColumn(RAW_CORRUPT, corrupt).drop("well_quoted")


def _texts(read: DataFrame, position: Column, given: Column, mapping: SourceMapping, *beside: str) -> DataFrame:
    text, corrupt = decode_text(given, mapping.encoding)
    texts = read.select(
        F.xxhash64("_metadata.file_path").alias(_FILE),
        F.col("_metadata.file_path").alias(_PATH),
        position.alias(RAW_RECORD_NO),
        text.alias(RAW_TEXT),
        corrupt.alias(RAW_CORRUPT),
        *beside,
    )
    return texts.where(F.trim(RAW_TEXT) != "")
