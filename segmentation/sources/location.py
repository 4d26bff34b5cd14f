"""Write the location of a record in its input unit: file and line, or topic, partition and offset."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

if TYPE_CHECKING:
    from pyspark.sql import Column

BLOCK_BYTES = 128 * 1024 * 1024
"""A text file is read in blocks of so many bytes; a record's number is its block's offset plus its place there."""
CSV_RECORDS = "csv_records"
"""Format of units of CSV that are read by records, since their quoted fields may hold line breaks."""
POSITION_DIGITS = {"file": 13, "partition": 6, "offset": 19}
"""Digits of the numbers in a position: a record's number in a file is below 2^40."""
_RANGE = r"/([^/]+)/(\d+)/(\d+)-\d+\.parquet$"


def record_location(path: Column, record_no: Column, file_format: Column) -> Column:
    """Say where a record stands: `<path> row <n>` (from 0) in Parquet, `<path> line <n>` (from 1) in text.

    A record of CSV that may span lines stands at `<path> record <n>` (from 1, the header counted, as in the rows of a
    spreadsheet). A message stands at `<topic>-<partition> offset <n>`.

    Beyond a text file's first block the line is counted from the block's offset: `<path> line <n> after byte <m>`.
    """
    line = F.pmod(record_no, F.lit(BLOCK_BYTES)) + 1
    block = record_no - F.pmod(record_no, F.lit(BLOCK_BYTES))
    after = F.when(block > 0, F.concat(F.lit(" after byte "), block)).otherwise(F.lit(""))
    text = F.concat(path, F.lit(" line "), line, after)
    located = F.when(file_format == "parquet", F.concat(path, F.lit(" row "), record_no))
    located = located.when(file_format == CSV_RECORDS, F.concat(path, F.lit(" record "), record_no + 1))
    return located.when(file_format == "kafka", _message_location(path, record_no)).otherwise(text)


def record_position(path: Column, record_no: Column, file_format: Column) -> Column:
    """Write the place of a record as text that sorts by file name and number, or by partition and offset.

    The folder is left out, so that files may move. Paths are encoded as in URLs: none has a character below the blank
    that ends the name, so names sort before what follows them. Numbers have leading zeros.
    """
    of_file = F.concat(F.substring_index(path, "/", -1), F.lit(" "), _padded(record_no, "file"))
    partition, offset = F.regexp_extract(path, _RANGE, 2), first_offset(path) + record_no
    of_message = F.concat(_padded(partition, "partition"), F.lit(" "), _padded(offset, "offset"))
    return F.when(file_format == "kafka", of_message).otherwise(of_file)


def _padded(number: Column, kind: str) -> Column:
    return F.lpad(number.cast("string"), POSITION_DIGITS[kind], "0")


def first_offset(path: Column) -> Column:
    """Read the offset with which a landed range begins; a message's number is counted from it."""
    return F.regexp_extract(path, _RANGE, 3).cast("bigint")


def _message_location(path: Column, record_no: Column) -> Column:
    topic, partition = F.regexp_extract(path, _RANGE, 1), F.regexp_extract(path, _RANGE, 2)
    return F.concat(topic, F.lit("-"), partition, F.lit(" offset "), first_offset(path) + record_no)
