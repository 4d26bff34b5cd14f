"""Read nested columns of Parquet files in the form that a mapping declares, whatever fields a file has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, AtomicType, DataType, MapType, NullType, StringType, StructType

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

    from segmentation.sources.mapping import SourceMapping

NESTED = (StructType, ArrayType, MapType)


def declared_types(mapping: SourceMapping) -> dict[str, DataType]:
    """Return the types of the columns that a mapping declares, by name in lower case."""
    declared = StructType.fromDDL(mapping.columns) if mapping.columns else None
    return {one.name.lower(): one.dataType for one in declared.fields} if isinstance(declared, StructType) else {}


def declared_nested_types(mapping: SourceMapping) -> dict[str, DataType]:
    """Return the declared types that are structures, arrays or maps, by name in lower case."""
    return {name: kind for name, kind in declared_types(mapping).items() if isinstance(kind, NESTED)}


def read_as_declared(records: DataFrame, mapping: SourceMapping) -> DataFrame:
    """Return records whose declared nested columns have exactly the declared fields.

    A field that the files lack is null, one that is not declared is left out, and a value of another type is cast: so
    Parquet gives what JSON lines of the same rows give. Columns that are not nested keep their type, since fields are
    read by it.
    """
    wanted = declared_nested_types(mapping)
    columns = []
    for field in records.schema.fields:
        column, kind = F.col("`" + field.name.replace("`", "``") + "`"), wanted.get(field.name.lower())
        columns.append(column if kind is None else _read_as(column, field.dataType, kind).alias(field.name))
    return records.select(*columns) if wanted else records


def _read_as(column: Column, given: DataType, wanted: DataType) -> Column:
    if given.simpleString() == wanted.simpleString():
        return column
    if isinstance(given, StructType) and isinstance(wanted, StructType):
        return _read_struct(column, given, wanted)
    if isinstance(given, ArrayType) and isinstance(wanted, ArrayType):
        of, to = given.elementType, wanted.elementType
        return F.transform(column, lambda element: _read_as(element, of, to))
    if isinstance(given, MapType) and isinstance(wanted, MapType):
        of, to = given.valueType, wanted.valueType
        return F.transform_values(column, lambda _, value: _read_as(value, of, to))
    if isinstance(given, NESTED) and isinstance(wanted, StringType):
        return F.to_json(column)
    is_castable = isinstance(given, NullType) or (isinstance(given, AtomicType) and isinstance(wanted, AtomicType))
    # A structure is no number: the expressions that use such a column name it in their error.
    return column.cast(wanted) if is_castable else column


def _read_struct(column: Column, given: StructType, wanted: StructType) -> Column:
    found = {field.name.lower(): field for field in given.fields}
    parts = []
    for field in wanted.fields:
        own = found.get(field.name.lower())
        absent = F.lit(None).cast(field.dataType)
        read = absent if own is None else _read_as(column.getField(own.name), own.dataType, field.dataType)
        parts.append(read.alias(field.name))
    return F.when(column.isNotNull(), F.struct(*parts))
