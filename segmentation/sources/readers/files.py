"""Read the records of input files, with their position and text."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import unquote

from pyspark.errors import PySparkException
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from segmentation.errors import DataError
from segmentation.frames import small_frame, union_all
from segmentation.jvm import Py4JJavaError
from segmentation.sources.encodings import is_wide
from segmentation.sources.kafka import landing_folder
from segmentation.sources.location import BLOCK_BYTES, CSV_RECORDS, first_offset, record_location, record_position
from segmentation.sources.parse import (
    RAW_CORRUPT,
    RAW_LOCATION,
    RAW_LOSSY,
    RAW_POSITION,
    RAW_RECEIVED,
    RAW_RECORD_NO,
    RAW_TEXT,
    RAW_UNIT,
    RAW_UNIT_NO,
)
from segmentation.sources.partitions import partition_values
from segmentation.sources.readers.absent_columns import used_columns
from segmentation.sources.readers.avro import read_schemas
from segmentation.sources.readers.headers import Header, read_header
from segmentation.sources.readers.messages import LANDED, MESSAGES, parse_messages
from segmentation.sources.readers.parquet_files import FILE as _FILE
from segmentation.sources.readers.parquet_files import PATH as _PATH
from segmentation.sources.readers.parquet_files import read_parquet
from segmentation.sources.readers.quoted_records import split_records
from segmentation.sources.readers.read_errors import is_read_error, reason_of
from segmentation.sources.readers.units import READING, split_by_name
from segmentation.sources.readers.values import decode_text, parse_csv, parse_json, parse_plain, quoted_name
from segmentation.sources.readers.wide_lines import encoding_of, line_options

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pyspark.sql import Column, DataFrame, SparkSession

    from segmentation.sources.mapping import SourceMapping
    from segmentation.sources.readers.units import InputUnit

_BY_PATH = "_by_path_"
_POSITION = (_FILE, _PATH, RAW_RECORD_NO, RAW_TEXT, RAW_CORRUPT, RAW_LOSSY)
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
        "parquet": read_parquet,
        "text": _read_text,
    }
    format_ = units[0].format
    records = readers[format_](spark, mapping, units)
    by_path = _columns_of_paths(spark, mapping, units)
    placed = records.join(F.broadcast(_number_units(spark, mapping, units, by_path)), _FILE)
    of_units = (RAW_UNIT, RAW_UNIT_NO, *_received(mapping))
    # What only rejected records need comes after the join, where it is left out for all others.
    where = (F.col(_PATH), F.col(RAW_RECORD_NO), F.lit(format_))
    beside = [record_location(*where).alias(RAW_LOCATION)]
    if mapping.has_positions:
        beside.append(record_position(*where).alias(RAW_POSITION))
    text = [] if RAW_TEXT in records.columns else [F.to_json(F.struct(*map(_quoted, _given(records)))).alias(RAW_TEXT)]
    kept = [name for name in records.columns if name not in (_FILE, _PATH)]
    given = {name.lower(): name for name in kept}
    columns = [_quoted(name) for name in kept if name.lower() not in {column.lower() for column in by_path}]
    for place, name in enumerate(by_path):
        value, own = F.col(f"{_BY_PATH}{place}"), given.get(name.lower())
        if own is not None:
            value = F.coalesce(_quoted(own), value.cast(records.schema[own].dataType))
        columns.append(value.alias(name))
    return placed.select(*columns, *of_units, *beside, *text)


def _received(mapping: SourceMapping) -> list[str]:
    """Return the column of the time at which a unit was received, if the mapping asks for it."""
    return [] if mapping.fields.unit_receipt is None else [RAW_RECEIVED]


def _columns_of_paths(spark: SparkSession, mapping: SourceMapping, units: Sequence[InputUnit]) -> list[str]:
    """Return the columns that the mapping uses and that folders of the files give (`event_name=purchase`)."""
    if units[0].format == MESSAGES or not any("=" in unit.path for unit in units):
        return []
    found = {name.lower() for unit in units for name in partition_values(unquote(unit.path))}
    return [column.name for key, column in used_columns(spark, mapping).items() if key in found]


def _given(records: DataFrame) -> list[str]:
    """Return the names of the columns that the source sent."""
    return [name for name in records.columns if name not in _POSITION]


def _quoted(name: str) -> Column:
    """Return the column of a name that may contain dots."""
    return F.col(quoted_name(name))


def _number_units(
    spark: SparkSession, mapping: SourceMapping, units: Sequence[InputUnit], by_path: Sequence[str]
) -> DataFrame:
    """Return unit_id, number, receipt and the columns of the path of each file of a batch by the hash of its path."""
    rows, receipt = [], mapping.fields.unit_receipt
    for number, unit in enumerate(units):
        values = {name.lower(): value for name, value in partition_values(unquote(unit.path)).items()}
        is_dated = receipt is not None and unit.arrived_at is not None and not receipt.is_history(unit.arrived_at)
        received_at = unit.arrived_at if is_dated else None
        of_path = (values.get(name.lower()) for name in by_path)
        rows.append((unit.path, unit.unit_id, number, received_at, *of_path))
    schema = StructType().add("path", "string").add(RAW_UNIT, "string").add(RAW_UNIT_NO, "long")
    schema.add(RAW_RECEIVED, "timestamp")
    columns = [f"{_BY_PATH}{place}" for place in range(len(by_path))]
    for column in columns:
        schema.add(column, "string")
    listed = small_frame(spark, rows, schema)
    numbered = listed.select(F.xxhash64("path").alias(_FILE), RAW_UNIT, RAW_UNIT_NO, *_received(mapping), *columns)
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
        paths = [unit.path for unit in units]
        text = f"{error} {getattr(error, 'java_exception', '')}"
        # Files of several folders may have one name (part-0.parquet): the whole path is looked for first.
        places = (*(p.partition(":")[2].lstrip("/") for p in paths), *(p.rsplit("/", 1)[-1] for p in paths))
        named = next((path for path, place in zip(2 * paths, places, strict=True) if place in text), None)
        if not is_read_error(text) or (named is None and must_be_named):
            raise
        where = named or f"one of {len(units)} files from {units[0].path}"
        raise DataError(f"{where} cannot be read ({reason_of(text)}); nothing of this batch was ingested") from error


def _read_csv(spark: SparkSession, mapping: SourceMapping, units: Sequence[InputUnit]) -> DataFrame:
    by_header: dict[Header, list[InputUnit]] = {}
    for unit in units:
        header = read_header(spark, mapping, unit)
        if header is not None:
            by_header.setdefault(header, []).append(unit)
    if not by_header:
        raise DataError(f"{units[0].path}: the file is empty (no header line)")
    parts = (_parse_csv(spark, mapping, header, of_header) for header, of_header in sorted(by_header.items()))
    return union_all(parts, fill=True)


def _parse_csv(spark: SparkSession, mapping: SourceMapping, header: Header, units: Sequence[InputUnit]) -> DataFrame:
    texts = (_quoted_records if mapping.multiline else _lines)(spark, mapping, units)
    return parse_csv(texts.where(F.col(RAW_RECORD_NO) > header.position), mapping, header.names)


def _read_json(spark: SparkSession, mapping: SourceMapping, units: Sequence[InputUnit]) -> DataFrame:
    return parse_json(_lines(spark, mapping, units), mapping)


def _read_text(spark: SparkSession, mapping: SourceMapping, units: Sequence[InputUnit]) -> DataFrame:
    return parse_plain(_lines(spark, mapping, units))


def _read_messages(spark: SparkSession, mapping: SourceMapping, units: Sequence[InputUnit]) -> DataFrame:
    path = F.col("_metadata.file_path")
    read = spark.read.options(**READING).schema(LANDED)
    messages = read.parquet(*(unit.readable_path for unit in units))
    record_no = (F.col("offset") - first_offset(path)).alias(RAW_RECORD_NO)
    placed = messages.select("*", F.xxhash64(path).alias(_FILE), path.alias(_PATH), record_no)
    schemas = read_schemas(spark, landing_folder(units[0].path)) if mapping.is_avro else None
    return parse_messages(placed, mapping, _FILE, _PATH, RAW_RECORD_NO, schemas=schemas)


def _lines(spark: SparkSession, mapping: SourceMapping, units: Sequence[InputUnit]) -> DataFrame:
    """Read the lines that are not blank, with position (0 = first line, blank lines count), text and corrupt flag."""
    block, in_task = F.col("_metadata.file_block_start"), F.monotonically_increasing_id()
    position = block + in_task.bitwiseAND((1 << _ROW_BITS) - 1)
    value = F.col("value")
    by_encoding: dict[str, list[InputUnit]] = {}
    for unit in units:
        by_encoding.setdefault(encoding_of(spark, unit, mapping.java_encoding), []).append(unit)
    return union_all(
        _texts(
            spark.read.options(**options, **line_options(encoding)).text(paths),
            position,
            value if is_wide(encoding) else _unmarked(value, position),
            encoding,
        )
        for encoding, of_encoding in by_encoding.items()
        for paths, options in split_by_name(of_encoding)
    )


def _unmarked(text: Column, position: Column) -> Column:
    """Drop the byte order mark of a file's first line."""
    return F.when(position == 0, F.ltrim(text, F.lit(BYTE_ORDER_MARK))).otherwise(text)


def _quoted_records(spark: SparkSession, mapping: SourceMapping, units: Sequence[InputUnit]) -> DataFrame:
    """Read the records that are not blank, in the columns of :func:`_lines`; positions count records."""
    records = split_records(spark, mapping, units)
    texts = _texts(records, F.col("position"), F.col("text"), mapping.java_encoding, "well_quoted")
    corrupt = F.col(RAW_CORRUPT) | ~F.col("well_quoted")
    return texts.withColumn(RAW_CORRUPT, corrupt).drop("well_quoted")


def _texts(read: DataFrame, position: Column, given: Column, encoding: str, *beside: str) -> DataFrame:
    text, corrupt = decode_text(given, encoding)
    if is_wide(
        encoding
    ):  # Spark removes neither the mark nor the carriage return of a line end where they are two bytes
        text = F.rtrim(_unmarked(text, position), F.lit("\r"))
    texts = read.select(
        F.xxhash64("_metadata.file_path").alias(_FILE),
        F.col("_metadata.file_path").alias(_PATH),
        position.alias(RAW_RECORD_NO),
        text.alias(RAW_TEXT),
        corrupt.alias(RAW_CORRUPT),
        *beside,
    )
    return texts.where(F.trim(RAW_TEXT) != "")
