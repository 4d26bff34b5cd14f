"""Parse the text of records (a line of a file or the value of a message) as CSV, JSON or plain text."""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING

from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, StructType

from segmentation.sources.parse import RAW_CORRUPT, RAW_TEXT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import Column, DataFrame

    from segmentation.sources.mapping import SourceMapping

REPLACEMENT = "\ufffd"


def decode_text(text: Column, encoding: str) -> tuple[Column, Column]:
    """Decode bytes, and return whether some of them are invalid in the declared encoding.

    Such a text is corrupt: with its bytes replaced, users whose names differ only there would become one.
    Null is null, and null whether it is corrupt.
    """
    if codecs.lookup(encoding).name == "utf-8":
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
        "escape": mapping.quote or "\u0000",
    }
    ddl = ", ".join(f"`{name}` STRING" for name in [*header, RAW_CORRUPT])
    parsed = texts.select("*", F.from_csv(RAW_TEXT, ddl, options).alias("_parsed"))
    return parsed.select(
        *_but_corrupt(texts),
        (F.col(RAW_CORRUPT) | F.col(f"_parsed.{RAW_CORRUPT}").isNotNull()).alias(RAW_CORRUPT),
        *(F.col(f"_parsed.`{name}`").alias(name) for name in header),
    )


def parse_json(texts: DataFrame, mapping: SourceMapping) -> DataFrame:
    """Parse each text as one JSON object into columns, and mark those that are anything else as corrupt."""
    ddl = mapping.columns or ", ".join(f"`{name}` STRING" for name in mapping.raw_columns)
    # Two objects on one line would lose the second: wrapped in brackets, such a line is no JSON at all.
    options = {"mode": "PERMISSIVE", "allowNonNumericNumbers": "false"}
    records = ArrayType(StructType.fromDDL(ddl))
    wrapped = F.from_json(F.concat(F.lit("["), RAW_TEXT, F.lit("]")), records, options)
    parsed = texts.select("*", wrapped.alias("_parsed"))
    one = F.size("_parsed") == 1
    return parsed.select(
        *_but_corrupt(texts),
        (F.col(RAW_CORRUPT) | ~F.coalesce(one & F.col("_parsed")[0].isNotNull(), F.lit(False))).alias(RAW_CORRUPT),
        F.when(one, F.col("_parsed")[0]).alias("_record"),
    ).select(*texts.columns, "_record.*")


def parse_plain(texts: DataFrame) -> DataFrame:
    """Return each text as a record of one column, `line`, which expressions parse further."""
    return texts.select("*", F.col(RAW_TEXT).alias("line"))


def _but_corrupt(texts: DataFrame) -> list[str]:
    return [name for name in texts.columns if name != RAW_CORRUPT]
