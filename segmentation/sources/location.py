"""Where a record stands in its unit, as people look it up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

if TYPE_CHECKING:
    from pyspark.sql import Column

BLOCK_BYTES = 128 * 1024 * 1024
"""A text file is read in blocks of so many bytes; a record's number is its block's offset plus its place there."""


def record_location(path: Column, record_no: Column, file_format: Column) -> Column:
    """Say where a record stands: `<path> row <n>` (from 0) in Parquet, `<path> line <n>` (from 1) in text.

    Beyond a text file's first block the line is counted from the block's offset: `<path> line <n> after byte <m>`.
    """
    line = F.pmod(record_no, F.lit(BLOCK_BYTES)) + 1
    block = record_no - F.pmod(record_no, F.lit(BLOCK_BYTES))
    after = F.when(block > 0, F.concat(F.lit(" after byte "), block)).otherwise(F.lit(""))
    text = F.concat(path, F.lit(" line "), line, after)
    return F.when(file_format == "parquet", F.concat(path, F.lit(" row "), record_no)).otherwise(text)
