"""List the input units of a source, and split them into batches."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from itertools import accumulate, groupby
from typing import TYPE_CHECKING
from urllib.parse import unquote

from pyspark.sql import functions as F

from segmentation.errors import ConfigurationError, DataError
from segmentation.filesystem import as_pattern, glob_paths, is_empty_file
from segmentation.jvm import WITHOUT_CHECK_SUMS
from segmentation.sources.location import CSV_RECORDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pyspark.sql import Column, SparkSession

    from segmentation.sources.mapping import SourceMapping

ENDINGS = {
    "csv": re.compile(r"\.(csv|tsv|txt)(\.(gz|bz2|zst))?$", re.IGNORECASE),
    "json": re.compile(r"\.(json|jsonl|ndjson)(\.(gz|bz2|zst))?$", re.IGNORECASE),
    "parquet": re.compile(r"\.(parquet|pq)$", re.IGNORECASE),
    "text": re.compile(r"\.(log|txt)(\.(gz|bz2|zst))?$", re.IGNORECASE),
}
"""Endings of file names by format."""


@dataclass(frozen=True)
class InputUnit:
    """A file as an input unit. The same path, size and modification time make the same unit."""

    unit_id: str
    path: str
    """URI, with blanks and the like percent-encoded."""
    bytes: int
    modified_at: datetime
    format: str
    """csv, csv_records, json, parquet or text."""
    arrived_at: datetime | None = None
    """Receipt of all its records, where the mapping takes it from the unit."""

    @property
    def modified_us(self) -> int:
        """Modification time in microseconds since 1970."""
        return (self.modified_at - datetime(1970, 1, 1, tzinfo=timezone.utc)) // timedelta(microseconds=1)

    @property
    def readable_path(self) -> str:
        """The path as a pattern, which Spark's readers expect."""
        return as_pattern(unquote(self.path))


READING = WITHOUT_CHECK_SUMS
"""Options of all readers of input units."""


def split_by_name(units: Sequence[InputUnit]) -> list[tuple[list[str], dict[str, str]]]:
    """Return the paths of units, and the options by which Spark's readers find them: one reader each.

    A path with brackets, stars or braces is given as a pattern. Spark cannot expand one whose name also holds a colon:
    such a file has a reader of its own, that takes its path as a name.
    """
    names = [unquote(unit.path) for unit in units]
    apart = [name for name in names if as_pattern(name) != name and ":" in name.rpartition("/")[2]]
    together = [as_pattern(name) for name in names if name not in apart]
    alone = [([name], {**READING, "__globPaths__": "false"}) for name in apart]
    return [*([(together, READING)] if together else []), *alone]


def list_units(spark: SparkSession, mapping: SourceMapping, inputs: Sequence[str]) -> list[InputUnit]:
    """List the files under the given paths, sorted by path.

    A path that is a file is taken as it is. Of folders (recursively), files are taken whose ending fits one of the
    source's formats; hidden files and those that begin with an underscore are left out. A file whose name does not
    tell the format is of the first one.

    Raises:
        ConfigurationError: a path does not exist, or none holds a file.
        DataError: a path is an empty file, or a name does not tell when its file was received.
    """
    found = list_files(spark, inputs, mapping.name)
    paths = {path for given in inputs for path in glob_paths(spark, given)}
    formats = [_format_of(unit.path, mapping.format) for unit in found]
    taken = [
        replace(unit, format=_told_by(mapping, named or mapping.format[0]))
        for unit, named in zip(found, formats, strict=True)
        if named or unquote(unit.path) in paths
    ]
    empty = [path for path in sorted(paths) if is_empty_file(spark, path)]
    if empty:
        raise DataError(f"{', '.join(empty)}: the file is empty; leave it out, or deliver it again")
    if not taken:
        raise ConfigurationError(f"input holds no {' or '.join(mapping.format)} file: {', '.join(inputs)}")
    receipt = mapping.fields.unit_receipt
    if receipt is None:
        return taken
    return [replace(unit, arrived_at=receipt.arrived_at(unit.path, unit.modified_at)) for unit in taken]


def list_files(spark: SparkSession, inputs: Sequence[str], source: str) -> list[InputUnit]:
    """List all files under the given paths, in any folder, sorted by path; their format is not known yet.

    Raises:
        ConfigurationError: a path does not exist.
    """
    given = {path: glob_paths(spark, path) for path in inputs}
    missing = sorted(path for path, found in given.items() if not found)
    if missing:
        raise ConfigurationError(f"input does not exist: {', '.join(missing[:10])} ({len(missing)} in all)")
    paths = sorted({path for found in given.values() for path in found})
    patterns = [as_pattern(path) for path in paths]
    files = spark.read.format("binaryFile").options(**READING, recursiveFileLookup="true").load(patterns)
    units = files.select(
        _unit_id(source).alias("unit_id"),
        F.col("_metadata.file_path").alias("path"),
        F.col("_metadata.file_size").alias("bytes"),
        F.col("_metadata.file_modification_time").alias("modified_at"),
    )
    rows = sorted(units.collect(), key=lambda row: row["path"])  # as many rows as there are files
    # A collected instant is a naive one of this machine's zone.
    return [
        InputUnit(row["unit_id"], row["path"], row["bytes"], row["modified_at"].astimezone(timezone.utc), "")
        for row in rows
    ]


def _format_of(path: str, formats: Sequence[str]) -> str | None:
    return next((name for name in formats if name in ENDINGS and ENDINGS[name].search(path)), None)


def _told_by(mapping: SourceMapping, format_: str) -> str:
    return CSV_RECORDS if format_ == "csv" and mapping.multiline else format_


def split_into_batches(units: Sequence[InputUnit], megabytes: int) -> Iterator[list[InputUnit]]:
    """Split the units, in order, into batches of one format, of equal size and at most about the given size.

    A unit is never split.
    """
    for _, of_format in groupby(units, key=lambda unit: unit.format):
        yield from _split_evenly(list(of_format), megabytes)


def _split_evenly(units: Sequence[InputUnit], megabytes: int) -> Iterator[list[InputUnit]]:
    """Cut the units' bytes into equal shares; a unit belongs to the share in which its middle lies."""
    ends = list(accumulate(unit.bytes for unit in units))
    share = max(1.0, ends[-1] / math.ceil(ends[-1] / (megabytes * 2**20) or 1))
    middles = [end - unit.bytes / 2 for unit, end in zip(units, ends, strict=True)]
    for _, batch in groupby(zip(units, middles, strict=True), key=lambda placed: placed[1] // share):
        yield [unit for unit, _ in batch]


def megabytes_of(units: Sequence[InputUnit]) -> float:
    """Return the size of a batch's input in megabytes."""
    return sum(unit.bytes for unit in units) / 2**20


def _unit_id(source: str) -> Column:
    meta = F.concat_ws(
        "\u001f",
        F.lit(source),
        "_metadata.file_path",
        "_metadata.file_size",
        F.unix_micros("_metadata.file_modification_time").cast("string"),
    )
    return F.substring(F.sha2(meta, 256), 1, 16)
