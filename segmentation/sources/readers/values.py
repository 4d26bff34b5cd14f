"""Parse the text of records (a line of a file or the value of a message) as CSV, JSON or plain text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.errors import PySparkException
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, MapType, StringType, StructField, StructType

from segmentation.errors import ConfigurationError
from segmentation.sources.parse import RAW_CORRUPT, RAW_TEXT, REPLACEMENT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import Column, DataFrame

    from segmentation.sources.mapping import SourceMapping


def decode_text(text: Column, encoding: str) -> tuple[Column, Column]:
    """Decode bytes, and return whether some of them are invalid in an encoding (Java's name of it).

    Such a text is corrupt: with its bytes replaced, users whose names differ only there would become one.
    Null is null, and null whether it is corrupt.
    """
    if encoding == "UTF-8":
        return F.make_valid_utf8(text), ~F.is_valid_utf8(text)
    decoded = F.decode(text.cast("binary"), encoding)
    return decoded, F.contains(decoded, F.lit(REPLACEMENT))


def parse_csv(texts: DataFrame, mapping: SourceMapping, header: Sequence[str]) -> DataFrame:
    """Parse each text as one line of CSV into columns, and mark those that are corrupt."""
    options = {
        "sep": mapping.delimiter,
        "mode": "PERMISSIVE",
        "columnNameOfCorruptRecord": RAW_CORRUPT,
        "quote": mapping.quote or "\u0000",
        "escape": mapping.escape or mapping.quote or "\u0000",
    }
    ddl = ", ".join(f"{quoted_name(name)} STRING" for name in [*header, RAW_CORRUPT])
    parsed = texts.select("*", F.from_csv(RAW_TEXT, ddl, options).alias("_parsed"))
    return parsed.select(
        *_but_corrupt(texts),
        (F.col(RAW_CORRUPT) | F.col(f"_parsed.{RAW_CORRUPT}").isNotNull()).alias(RAW_CORRUPT),
        *(F.col(f"_parsed.{quoted_name(name)}").alias(name) for name in header),
    )


def quoted_name(name: str) -> str:
    """Return a column's name as SQL quotes it; it may hold any character."""
    return "`" + name.replace("`", "``") + "`"


def parse_json(texts: DataFrame, mapping: SourceMapping) -> DataFrame:
    """Parse each text as one JSON object into columns, and mark those that are anything else as corrupt.

    Of a key that is sent twice in an object the last value counts. Half of a surrogate pair becomes U+FFFD.
    """
    # Two objects on one line would lose the second: wrapped in brackets, such a line is no JSON at all.
    options = {"mode": "PERMISSIVE", "allowNonNumericNumbers": "false"}
    records = ArrayType(_json_schema(mapping))
    whole = F.concat(F.lit("["), _without_half_characters(F.col(RAW_TEXT)), F.lit("]"))
    parsed = texts.select("*", F.from_json(whole, records, options).alias("_parsed"))
    one = F.size("_parsed") == 1
    read = parsed.select(
        *_but_corrupt(texts),
        (F.col(RAW_CORRUPT) | ~F.coalesce(one & F.col("_parsed")[0].isNotNull(), F.lit(False))).alias(RAW_CORRUPT),
        F.when(one, F.col("_parsed")[0]).alias("_record"),
    ).select(*texts.columns, "_record.*")
    return read.select(*(_last_of_each_key(field) for field in read.schema.fields))


def _json_schema(mapping: SourceMapping) -> StructType:
    """Return the declared columns, and those that the mapping names beside them as text."""
    try:
        declared = StructType.fromDDL(mapping.columns) if mapping.columns else StructType()
    except PySparkException as error:
        raise ConfigurationError(f"source '{mapping.name}': `columns` is no list of names with Spark types") from error
    if not isinstance(declared, StructType):
        raise ConfigurationError(f"source '{mapping.name}': `columns` is no list of names with Spark types")
    known = {field.name.lower() for field in declared.fields}
    named = [StructField(name, StringType()) for name in mapping.raw_columns if name.lower() not in known]
    return StructType([*declared.fields, *named])


HALF_CHARACTER = (
    r"(?<!\\)((?:\\\\)*)\\u(?:[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F][0-9a-fA-F]{2})"
    r"|(?<!\\u[dD][89abAB][0-9a-fA-F]{2}\\u)[dD][c-fC-F][0-9a-fA-F]{2})"
)
"""An escaped surrogate without its other half, as programs leave it that cut a text in the middle of an emoji."""


def _without_half_characters(text: Column) -> Column:
    is_candidate = F.contains(text, F.lit("\\ud")) | F.contains(text, F.lit("\\uD"))
    return F.when(is_candidate, F.regexp_replace(text, HALF_CHARACTER, r"$1\\ufffd")).otherwise(text)


def _last_of_each_key(field: StructField) -> Column:
    """Return a column; of a key that a map has twice, Spark would look up the first and write both."""
    column = F.col(quoted_name(field.name))
    if not isinstance(field.dataType, MapType):
        return column
    keys = F.map_keys(column)
    last = F.map_from_entries(F.map_entries(column))  # the session lets the last one win
    return F.when(F.size(F.array_distinct(keys)) < F.size(keys), last).otherwise(column).alias(field.name)


def parse_plain(texts: DataFrame) -> DataFrame:
    """Return each text as a record of one column, `line`, which expressions parse further."""
    return texts.select("*", F.col(RAW_TEXT).alias("line"))


def _but_corrupt(texts: DataFrame) -> list[str]:
    return [name for name in texts.columns if name != RAW_CORRUPT]
