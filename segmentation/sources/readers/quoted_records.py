"""Split CSV files whose quoted fields may contain line breaks into records."""

from __future__ import annotations

import codecs
import re
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from segmentation.frames import union_all
from segmentation.sources.readers.units import split_by_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import Column, DataFrame, SparkSession

    from segmentation.sources.mapping import SourceMapping
    from segmentation.sources.readers.units import InputUnit

BYTES = "ISO-8859-1"
"""Maps every byte to one character and back, so that files are split before they are decoded."""
BREAK = r"\r\n|\r|\n"
_BYTE_ORDER_MARK = "^\u00ef\u00bb\u00bf"


def split_records(spark: SparkSession, mapping: SourceMapping, units: Sequence[InputUnit]) -> DataFrame:
    """Split files into the texts of their records, headers among them.

    Grain: a record, or a line of what only looks like one. A text that spans lines and is not quoted as CSV asks (a
    quote that is not closed, or not in time) is returned line by line, so that one bad line costs itself alone and
    swallows no other. The lines of all texts are the lines of the file that are not empty, each once.

    Args:
        spark: with one task per block (:func:`segmentation.sources.readers.files.one_task_per_block`): one task then
            reads all rows of a file, in the file's order.
        mapping: delimiter, quote and encoding.
        units: the files.

    Returns:
        `_metadata` of the file, `position` (0 = first record of the file), `text` (bytes as they are: decode it) and
        whether it is `well_quoted`: a field that begins with a quote ends with one.
    """
    # The reader finds fault with every record, for none is the one date that is asked for, and then gives its text; but
    # for the record `""`, which is nothing to it. Lines without any sign it leaves out.
    nothing = F.coalesce(F.col("_date").cast("string"), F.lit(2 * mapping.quote))
    # A line ends with a line feed; the carriage return before it is no part of it.
    whole = F.regexp_replace(F.coalesce("_whole", nothing), "\r$", "")
    texts = union_all(
        spark.read.options(**_options(mapping), **options)
        .schema("_date DATE, _whole STRING")
        .csv(paths)
        .select("_metadata", whole.alias("text"))
        for paths, options in split_by_name(units)
    )
    apart = F.rlike("text", F.lit("[\r\n]")) & ~_is_well_quoted(mapping)
    pieces = F.when(apart, F.split("text", BREAK)).otherwise(F.array("text"))
    numbered = texts.select("_metadata", F.explode(pieces).alias("text")).select(
        "_metadata", _place_in_task().alias("position"), "text", _is_well_quoted(mapping).alias("well_quoted")
    )
    unmarked = F.when(F.col("position") == 0, F.regexp_replace("text", _BYTE_ORDER_MARK, ""))
    sent = F.encode(unmarked.otherwise(F.col("text")), BYTES).cast("string")
    return numbered.select("_metadata", "position", sent.alias("text"), "well_quoted")


def _options(mapping: SourceMapping) -> dict[str, str]:
    return {
        "multiLine": "true",
        "lineSep": "\n",
        "encoding": BYTES,
        "sep": _as_bytes(mapping.delimiter, mapping),
        "quote": mapping.quote,
        "escape": mapping.escape or mapping.quote,
        "dateFormat": "'none'",
        "enableDateTimeParsingFallback": "false",
        "mode": "PERMISSIVE",
        "columnNameOfCorruptRecord": "_whole",
    }


def _is_well_quoted(mapping: SourceMapping) -> Column:
    """Return whether a text is one record. Loops are possessive, so that long fields need no stack."""
    quote, delimiter = re.escape(mapping.quote), re.escape(_as_bytes(mapping.delimiter, mapping))
    if mapping.escape:
        escape = re.escape(mapping.escape)
        plain = rf"[^{quote}{escape}]*+"
        quoted = rf"{quote}{plain}(?:{escape}[\s\S]{plain})*+{quote}"
    else:
        quoted = f"{quote}[^{quote}]*+(?:{quote}{quote}[^{quote}]*+)*+{quote}"
    unquoted = rf"(?:(?!{quote}|{delimiter})[^\r\n](?:(?!{delimiter})[^\r\n])*+)?+"
    field = f"(?:{quoted}|{unquoted})"
    fits = F.rlike("text", F.lit(f"^{field}(?:{delimiter}{field})*+$"))
    return fits | ~F.rlike("text", F.lit(rf"[{quote}\r\n]"))


def _as_bytes(text: str, mapping: SourceMapping) -> str:
    return text.encode(codecs.lookup(mapping.encoding).name.removesuffix("-sig")).decode(BYTES)


def _place_in_task() -> Column:
    return F.monotonically_increasing_id().bitwiseAND((1 << 33) - 1)
