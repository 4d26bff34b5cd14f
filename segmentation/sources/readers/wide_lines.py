"""Read text in UTF-16, which Excel writes as "Unicode text": lines end with two bytes, and a mark tells their order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segmentation.errors import DataError
from segmentation.filesystem import read_first_line
from segmentation.jvm import Py4JJavaError
from segmentation.sources.encodings import BIG_ENDIAN, LITTLE_ENDIAN, convert_to_utf8, is_wide, marked_encoding
from segmentation.sources.readers.read_errors import reason_of

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from segmentation.sources.readers.units import InputUnit

LINE_END = {LITTLE_ENDIAN: "\n\u0000", BIG_ENDIAN: "\u0000\n"}
"""Bytes of a line feed, written as the UTF-8 text that Spark's reader takes."""
_BYTES = "ISO-8859-1"


def encoding_of(spark: SparkSession, unit: InputUnit, encoding: str) -> str:
    """Return Java's name of the encoding of a file: that of the mapping, and for UTF-16 its byte order.

    Raises:
        DataError: the mapping says UTF-16, and the file is in UTF-32, or cannot be read.
    """
    if encoding != "UTF-16":
        return encoding
    try:
        first = read_first_line(spark, unit.path, _BYTES)
    except Py4JJavaError as error:
        raise DataError(f"{unit.path}: its first line cannot be read ({reason_of(str(error))})") from error
    head = b"" if first is None else first[1].encode(_BYTES)
    if marked_encoding(head) == "UTF-32":
        raise DataError(f"{unit.path} is text in UTF-32, which is not read: {convert_to_utf8('UTF-32')}")
    if head.startswith(b"\xfe\xff"):
        return BIG_ENDIAN
    is_big = not head.startswith(b"\xff\xfe") and head[::2].count(0) > head[1::2].count(0)
    return BIG_ENDIAN if is_big else LITTLE_ENDIAN


def line_options(encoding: str) -> dict[str, str]:
    """Return the options by which Spark's reader finds the lines of an encoding."""
    return {"lineSep": LINE_END[encoding]} if is_wide(encoding) else {}
