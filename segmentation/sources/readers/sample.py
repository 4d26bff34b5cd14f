"""Read the first records of files for a draft mapping, and small CSV files that people write."""

from __future__ import annotations

import csv
import json
import re
from typing import TYPE_CHECKING
from urllib.parse import unquote

from pyspark.errors import PySparkException
from pyspark.sql import functions as F

from segmentation.errors import ConfigurationError, DataError
from segmentation.filesystem import as_pattern, glob_paths
from segmentation.jvm import Py4JJavaError
from segmentation.sources.csv_dialect import split_line
from segmentation.sources.infer import FileSample
from segmentation.sources.partitions import partition_values
from segmentation.sources.readers.headers import usable_names
from segmentation.sources.readers.parquet_files import read_parquet_texts
from segmentation.sources.readers.read_errors import is_read_error, reason_of
from segmentation.sources.readers.units import ENDINGS, InputUnit, list_files, split_by_name
from segmentation.sources.readers.wide_lines import encoding_of, line_options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import DataFrame, SparkSession

DELIMITERS = ",;\t|\x01"
MOST_FILES = 5
"""Of a folder so many files are looked at."""
ACCESS_LOG = re.compile(
    r'(?:\S+ )?\S+ \S+ .*?\[\d\d/[A-Z][a-z]{2}/\d{4}:[^\]]+\] "(?:[^"\\]|\\.)*" (?:\d{3}|-) (?:\d+|-)'
)
"""A line of the common or the combined format, also with the name of the virtual host before it."""
WESTERN = "windows-1252"
"""The encoding of a file that is not UTF-8: the one that most spreadsheets write."""


def read_sample(spark: SparkSession, path: str, rows: int) -> FileSample:
    """Read up to `rows` records of a file, or of the first files of a folder and the folders in it.

    Format, columns, delimiter and encoding are detected. In a folder the format is that of most of its files. Columns
    that stand in the path (`dt=2024-05-01`) are columns of the sample.

    Raises:
        ConfigurationError: nothing is there.
        DataError: nothing can be read there, or it is no format that can be read; says what to do.
    """
    files = _files_of_one_format(list_files(spark, [path], "sample"))
    if not files:
        raise DataError(f"{path}: there is nothing to look at, every file is empty")
    try:
        samples = [_sample_file(spark, one, max(1, rows // len(files))) for one in files]
    except (PySparkException, Py4JJavaError) as error:
        text = str(error)
        if not is_read_error(text):
            raise
        raise DataError(f"{path} cannot be read ({reason_of(text)})") from error
    alike = [one for one in samples if one.format == samples[0].format and one.delimiter == samples[0].delimiter]
    columns = tuple(dict.fromkeys(name for one in alike for name in one.columns))
    return FileSample(
        samples[0].format,
        columns,
        tuple(row for one in alike for row in one.rows),
        samples[0].delimiter,
        any(one.spans_lines for one in alike),
        max((one.encoding for one in alike), key=lambda name: name != "UTF-8"),
        next((one.escape for one in alike if one.escape is not None), None),
    )


def _files_of_one_format(files: Sequence[InputUnit]) -> list[InputUnit]:
    """Return the first files of the most frequent format; a single file is taken whatever its name."""
    full = [one for one in files if one.bytes]
    if len(full) == 1:
        return full
    named = {one: next((name for name, ending in ENDINGS.items() if ending.search(one.path)), None) for one in full}
    known = [name for name in named.values() if name is not None]
    if not known:
        return full[:MOST_FILES]
    usual = max(sorted(set(known)), key=known.count)
    return [one for one, name in named.items() if name == usual][:MOST_FILES]


def _sample_file(spark: SparkSession, unit: InputUnit, rows: int) -> FileSample:
    by_path = partition_values(unquote(unit.path))
    if ENDINGS["parquet"].search(unit.path):
        sample = _sample_parquet(spark, unit, rows)
    else:
        lines, encoding = _read_lines(spark, unit, rows + 1)
        sample = _sample_lines(unit.path, lines, rows)._replace(encoding=encoding)
    added = {name: value for name, value in by_path.items() if name not in sample.columns}
    return sample._replace(columns=(*sample.columns, *added), rows=tuple({**row, **added} for row in sample.rows))


def _read_lines(spark: SparkSession, unit: InputUnit, lines: int) -> tuple[list[str], str]:
    """Return the first lines that are not blank, and their encoding.

    Raises:
        DataError: there are none, or they are in UTF-32.
    """
    [(paths, options)] = split_by_name([unit])
    text = spark.read.options(**options).text(paths)
    is_utf8, western = F.is_valid_utf8("value"), F.decode(F.col("value").cast("binary"), WESTERN)
    read = text.where(F.trim("value") != "").select(
        F.make_valid_utf8("value").alias("text"), is_utf8.alias("is_utf8"), western.alias("western")
    )
    found = read.limit(lines).collect()
    if not found:
        raise DataError(f"{unit.path}: there are no lines to look at")
    if any("\x00" in row["text"] for row in found[:2]):
        encoding = encoding_of(spark, unit, "UTF-16")
        decoded = F.decode(F.col("value").cast("binary"), encoding)
        wide = spark.read.options(**options, **line_options(encoding)).text(paths).select(decoded.alias("text"))
        texts = [row["text"].strip("\ufeff\r") for row in wide.limit(2 * lines).collect()]
        return [text for text in texts if text.strip()][:lines], "UTF-16"
    accented = any(row["is_utf8"] and not row["text"].isascii() for row in found)
    if accented or all(row["is_utf8"] for row in found):
        return [row["text"].removeprefix("\ufeff") for row in found], "UTF-8"
    return [row["western"] for row in found], WESTERN


def _sample_lines(path: str, lines: list[str], rows: int) -> FileSample:
    first = lines[0].lstrip()
    if first.startswith("{"):
        return _sample_json(path, lines[:rows])
    if first.startswith("["):
        raise DataError(f"{path} is one JSON array: write one object a line (jq -c '.[]' <file> > <new file>)")
    logged = sum(ACCESS_LOG.match(line) is not None for line in lines)
    if 2 * logged > len(lines):
        return FileSample("access_log", ("line",), tuple({"line": line} for line in lines[:rows]))
    return _sample_csv(lines)


def read_table_of_texts(spark: SparkSession, path: str) -> DataFrame:
    """Read a CSV with a header line, all columns as text.

    Raises:
        ConfigurationError: there is no such file.
    """
    patterns = [as_pattern(found) for found in glob_paths(spark, path)]
    if not patterns:
        raise ConfigurationError(f"{path} does not exist")
    return spark.read.option("header", "true").option("enforceSchema", "false").csv(patterns)


def _sample_parquet(spark: SparkSession, unit: InputUnit, rows: int) -> FileSample:
    texts = read_parquet_texts(spark, unit)
    return FileSample("parquet", tuple(texts.columns), tuple(row.asDict() for row in texts.limit(rows).collect()))


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
        raise DataError(
            f"{path}: not one of {len(lines)} lines is a JSON object; write one object a line "
            "(jq -c . <file> > <new file>)"
        )
    columns = tuple(dict.fromkeys(name for record in records for name in record))
    return FileSample("json", columns, tuple(records))


def _sample_csv(lines: list[str]) -> FileSample:
    delimiter = max(DELIMITERS, key=lines[0].count)
    if delimiter == "|" and lines[0].count("||") * 2 == lines[0].count("|"):
        delimiter = "||"
    plain, escaped = (_split(lines, delimiter, escape) for escape in (None, "\\"))
    is_escaped = any('\\"' in line for line in lines) and _fitting(escaped) > _fitting(plain)
    header, *rest = escaped if is_escaped else plain
    names = usable_names(header)
    full: list[dict[str, str | None]] = [dict(zip(names, row, strict=True)) for row in rest if len(row) == len(names)]
    spans_lines = any("\n" in (text or "") for row in full for text in row.values())
    return FileSample("csv", tuple(names), tuple(full), delimiter, spans_lines, escape="\\" if is_escaped else None)


def _split(lines: list[str], delimiter: str, escape: str | None) -> list[list[str]]:
    if len(delimiter) > 1:
        return [split_line(line, delimiter, escape=escape) for line in lines]
    return list(
        csv.reader((line + "\n" for line in lines), delimiter=delimiter, escapechar=escape, doublequote=escape is None)
    )


def _fitting(rows: list[list[str]]) -> int:
    return sum(len(row) == len(rows[0]) for row in rows)


def _as_text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value)
