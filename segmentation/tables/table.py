"""Define a table contract: grain, key, columns with unit and meaning of null, and the job that writes it."""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql.types import (
    ArrayType,
    BooleanType,
    DataType,
    DateType,
    DecimalType,
    DoubleType,
    IntegerType,
    LongType,
    MapType,
    StringType,
    StructField,
    StructType,
    TimestampType,
)

STRING = StringType()
COUNT = LongType()
WHOLE = IntegerType()
FLAG = BooleanType()
DAY = DateType()
INSTANT = TimestampType()
REAL = DoubleType()
MONEY = DecimalType(18, 4)
MONEY_SUM = DecimalType(28, 4)
RATE = DecimalType(18, 8)
STRINGS = ArrayType(STRING)
VERSIONS = MapType(STRING, COUNT)


@dataclass(frozen=True)
class Column:
    """A column of a table: its description says what null means wherever null is allowed."""

    name: str
    type: DataType
    description: str
    nullable: bool = False


@dataclass(frozen=True)
class Table:
    """The contract of one Delta table.

    ``clustered_by`` names the columns whose minimum and maximum prune files (data skipping); rows are never
    partitioned by folder, because an increment writes few files that cover few days.
    ``deletion_vectors``: single rows of large files are deleted by marking them. Every plan that reads such a
    table pays for a look at the marks, so small tables and those replaced by day go without.
    ``retention`` says how long rows stay.
    """

    name: str
    grain: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    written_by: str
    clustered_by: tuple[str, ...] = ()
    deletion_vectors: bool = False
    retention: str = "kept"

    @property
    def names(self) -> tuple[str, ...]:
        """The column names in contract order."""
        return tuple(column.name for column in self.columns)

    @property
    def schema(self) -> StructType:
        """The Spark schema in contract order."""
        return StructType([StructField(c.name, c.type, c.nullable) for c in self.columns])

    @property
    def measures(self) -> tuple[str, ...]:
        """The columns that are not part of the key."""
        return tuple(name for name in self.names if name not in self.key)
