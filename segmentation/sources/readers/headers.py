"""Read the headers of CSV files, and give every column a name that can be used."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote

from segmentation.errors import ConfigurationError, DataError
from segmentation.filesystem import read_first_line
from segmentation.jvm import Py4JJavaError
from segmentation.sources.csv_dialect import split_line
from segmentation.sources.encodings import convert_to_utf8
from segmentation.sources.partitions import partition_values
from segmentation.sources.readers.absent_columns import used_columns
from segmentation.sources.readers.read_errors import reason_of
from segmentation.sources.readers.wide_lines import encoding_of

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from pyspark.sql import SparkSession

    from segmentation.sources.mapping import SourceMapping
    from segmentation.sources.readers.units import InputUnit


class Header(NamedTuple):
    """Columns of a CSV file."""

    position: int
    """Position of its line; -1 if the mapping gives the names and the file has no header."""
    names: tuple[str, ...]


def read_header(spark: SparkSession, mapping: SourceMapping, unit: InputUnit) -> Header | None:
    """Return the columns of a file; None if all of its lines are blank.

    Raises:
        ConfigurationError: the file lacks a column that the mapping names, or has one twice.
        DataError: its first line cannot be read, or is not text in the mapping's encoding.
    """
    if mapping.header:
        position, given = -1, list(mapping.header)
    else:
        try:
            encoding = encoding_of(spark, unit, mapping.java_encoding)
            first = read_first_line(spark, unit.path, encoding)
        except Py4JJavaError as error:
            raise DataError(f"{unit.path}: its first line cannot be read ({reason_of(str(error))})") from error
        if first is None:
            return None
        if "\x00" in first[1]:
            advice = f"{convert_to_utf8('UTF-16')}, or set `encoding: UTF-16` in the mapping"
            raise DataError(f"{unit.path} is not text in {mapping.encoding}, but in UTF-16: {advice}")
        # Records in quotes are counted without blank ones.
        position = 0 if mapping.multiline else first[0]
        given = split_line(first[1], mapping.delimiter, mapping.quote, mapping.escape)
    used = {one.name for one in used_columns(spark, mapping).values()} | set(mapping.raw_columns)
    by_path = {name.lower() for name in partition_values(unquote(unit.path))}
    where = f"source '{mapping.name}': {unit.path}"
    missing = [name for name in mapping.raw_columns if name not in given and name.lower() not in by_path]
    if missing and not _are_positions(missing, given):
        raise ConfigurationError(f"{where} has no column {', '.join(missing)}; its header is: {', '.join(given)}")
    doubled = doubled_names(given, used)
    if doubled:
        raise ConfigurationError(f"{where} has two columns named {', '.join(doubled)}")
    return Header(position, tuple(usable_names(given, used)))


def _are_positions(missing: Sequence[str], given: Sequence[str]) -> bool:
    """Return whether columns are the nameless ones, which have names by their position."""
    return set(missing) <= {position_name(place) for place, name in enumerate(given) if not name.strip()}


def position_name(place: int) -> str:
    """Return the name of a nameless column: that of Spark, by its place from 0."""
    return f"_c{place}"


def doubled_names(given: Sequence[str], used: Collection[str]) -> list[str]:
    """Return the names that a mapping uses and that several columns have, equal or but for their case."""
    wanted = {name.lower() for name in used if name.strip()}
    by_lower: dict[str, list[str]] = {}
    for name in given:
        by_lower.setdefault(name.lower(), []).append(name)
    twins = {lower: names for lower, names in by_lower.items() if len(names) > 1 and lower in wanted}
    return sorted({n for names in twins.values() if sum(n in used for n in names) != 1 for n in names})


def usable_names(given: Sequence[str], used: Collection[str] = ()) -> list[str]:
    """Return names of which no two differ only in case; nameless columns and further ones of a name get their place.

    A name that the mapping uses stays with the column that is spelled like it.
    """
    kept: dict[str, int] = {}
    for place, name in enumerate(given):
        known = kept.get(name.lower())
        if name.strip() and (known is None or (name in used and given[known] not in used)):
            kept[name.lower()] = place
    return [
        position_name(place)
        if not name.strip()
        else name
        if kept[name.lower()] == place
        else f"{name}{position_name(place)}"
        for place, name in enumerate(given)
    ]
