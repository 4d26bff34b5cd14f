"""Find columns that a mapping uses and Parquet files lack: null for optional fields, an error for required ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pyspark.sql import functions as F
from pyspark.sql.types import DataType, StringType, StructField, StructType

from segmentation.errors import DataError
from segmentation.jvm import columns_of_expression, parquet_schemas
from segmentation.sources.partitions import partition_values
from segmentation.sources.readers.declared_columns import declared_types

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pyspark.sql import DataFrame, SparkSession

    from segmentation.sources.mapping import SourceMapping

REQUIRED_FIELDS = ("event_id", "user_id", "event_name", "event_at", "received_at")
"""Fields without which no record can be an event. A column that one of them uses must be in every file."""
Parts = tuple[str, ...]


class UsedColumn(NamedTuple):
    """A column that a mapping uses."""

    name: str
    places: tuple[str, ...] = ()
    """Fields, properties, derived columns and rules that use it."""
    nested: frozenset[Parts] = frozenset()
    """Names within it that expressions read."""


class AbsentColumn(NamedTuple):
    """A column of optional fields that some Parquet files lack."""

    name: str
    places: tuple[str, ...]
    files: int
    first: str
    """The first of these files."""


def used_columns(spark: SparkSession, mapping: SourceMapping) -> dict[str, UsedColumn]:
    """Return the columns of a source that a mapping uses, by name in lower case: Spark finds them in any case.

    Expressions are parsed, so a column counts that only an expression or a derived column names.
    """
    derived: dict[str, set[Parts]] = {}
    for name, sql in mapping.derive.items():
        derived[name.lower()] = _resolved(columns_of_expression(spark, sql), derived)
    used: dict[str, UsedColumn] = {}
    for place in mapping.places():
        of_sql = columns_of_expression(spark, place.sql) if place.sql else frozenset()
        if place.is_rule:  # rules may also read drafts of fields, such as _value
            of_sql = frozenset(parts for parts in of_sql if not parts[0].startswith("_"))
        for head, *within in sorted(_resolved({*((column,) for column in place.columns), *of_sql}, derived)):
            known = used.get(head.lower(), UsedColumn(head))
            places = known.places if place.name in known.places else (*known.places, place.name)
            nested = known.nested | {tuple(within)} if within else known.nested
            used[head.lower()] = UsedColumn(known.name, places, nested)
    return used


def _resolved(read: Iterable[Parts], derived: Mapping[str, set[Parts]]) -> set[Parts]:
    """Replace derived columns by those that they are derived from."""
    return {column for parts in read for column in derived.get(parts[0].lower(), {parts})}


def add_absent_columns(records: DataFrame, mapping: SourceMapping) -> DataFrame:
    """Add the columns that the mapping uses and no file has, as null.

    Their type is that of `columns` in the mapping; without it text, or a structure of the names that expressions read.
    """
    given = {name.lower() for name in records.columns}
    declared = declared_types(mapping)
    absent = [column for key, column in used_columns(records.sparkSession, mapping).items() if key not in given]
    types = {column.name: declared.get(column.name.lower(), _type_of(column.nested)) for column in absent}
    return records.select("*", *(F.lit(None).cast(kind).alias(name) for name, kind in types.items()))


def _type_of(nested: Iterable[Parts]) -> DataType:
    heads = sorted({parts[0] for parts in nested})
    if not heads:
        return StringType()
    inner = {head: {parts[1:] for parts in nested if parts[0] == head and len(parts) > 1} for head in heads}
    return StructType([StructField(head, _type_of(inner[head])) for head in heads])


def find_absent_columns(records: DataFrame, mapping: SourceMapping) -> tuple[AbsentColumn, ...]:
    """Find the columns that the mapping uses and some of a frame's Parquet files lack, in the order of their names.

    Only footers are read.

    Raises:
        DataError: a required field uses one; names the file, the column and what to do.
    """
    used = used_columns(records.sparkSession, mapping)
    found: list[AbsentColumn] = []
    for schema in parquet_schemas(records):
        given = {name.lower() for name in schema.columns}
        lacking = [column for key, column in used.items() if key not in given]
        for used_column in lacking:
            files = [path for path in schema.paths if not _is_partitioned_by(path, used_column.name)]
            if files:
                found.append(AbsentColumn(used_column.name, used_column.places, len(files), files[0]))
    absent = sum_absent_columns(found)
    for column in absent:
        required = [place for place in column.places if place in REQUIRED_FIELDS]
        if required:
            raise DataError(
                f"source '{mapping.name}': {column.first} has no column '{column.name}', which {required[0]} is read "
                f"from ({column.files} of the files lack it); deliver the file again with this column, or change "
                f"fields.{required[0]} in the mapping"
            )
    return tuple(absent)


def _is_partitioned_by(path: str, column: str) -> bool:
    return column.lower() in {name.lower() for name in partition_values(path)}


def sum_absent_columns(found: Iterable[AbsentColumn]) -> list[AbsentColumn]:
    """Add up the files that lack the same column, for example over the batches of a run."""
    by_name: dict[str, list[AbsentColumn]] = {}
    for column in found:
        by_name.setdefault(column.name, []).append(column)
    return [
        AbsentColumn(name, same[0].places, sum(one.files for one in same), min(one.first for one in same))
        for name, same in sorted(by_name.items())
    ]


def notes_on_absent_columns(absent: Sequence[AbsentColumn]) -> list[str]:
    """Return a note for each absent column."""
    return [
        f"column '{column.name}' ({', '.join(column.places)}) is missing in {column.files} Parquet files and read as "
        f"null there, first in {column.first}"
        for column in absent
    ]
