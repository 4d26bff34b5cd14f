"""Translate names of text encodings: Python's, which people know from pandas, into Java's, which Spark reads by."""

from __future__ import annotations

import codecs
import re

from segmentation.errors import nearest

JAVA_NAMES = {
    "utf-8": "UTF-8",
    "utf-8-sig": "UTF-8",
    "ascii": "US-ASCII",
    "iso8859-1": "ISO-8859-1",
    "mac-roman": "x-MacRoman",
    "mac-cyrillic": "x-MacCyrillic",
    "mac-greek": "x-MacGreek",
    "mac-turkish": "x-MacTurkish",
    "mac-latin2": "x-MacCentralEurope",
    "koi8-r": "KOI8-R",
    "koi8-u": "KOI8-U",
    "gb2312": "GB2312",
    "gbk": "GBK",
    "gb18030": "GB18030",
    "big5": "Big5",
    "big5hkscs": "Big5-HKSCS",
    "shift_jis": "Shift_JIS",
    "euc_jp": "EUC-JP",
    "euc_kr": "EUC-KR",
    "cp932": "windows-31j",
    "cp936": "GBK",
    "cp949": "x-windows-949",
    "cp950": "x-windows-950",
    "johab": "x-Johab",
    "tis-620": "TIS-620",
}
"""Python's name of a codec -> Java's, for names that no rule gives."""
LITTLE_ENDIAN, BIG_ENDIAN = "UTF-16LE", "UTF-16BE"
WIDE = {"utf-16": "UTF-16", "utf-16-le": LITTLE_ENDIAN, "utf-16-be": BIG_ENDIAN}
"""Encodings whose lines end with two bytes. UTF-16 alone: the byte order mark of each file tells which of the two."""
_FAMILIES = (
    (re.compile(r"cp(125\d)"), r"windows-\1"),
    (re.compile(r"cp(\d{3,4})"), r"IBM\1"),
    (re.compile(r"iso8859-(\d{1,2})"), r"ISO-8859-\1"),
)
MARKS = {
    codecs.BOM_UTF8: "UTF-8",
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}
"""Byte order mark at the beginning of a file -> its encoding; longer marks first."""


def java_encoding(name: str) -> str:
    """Return Java's name of an encoding that is named as in Python or in Java.

    Raises:
        ValueError: there is none, or its lines end with four bytes (UTF-32); the message says what to do.
    """
    try:
        codec = codecs.lookup(name).name
        keeps_line_ends = "\r\n".encode(codec) == b"\r\n"
    except LookupError as error:  # a codec that is not one of texts, too
        known = [*JAVA_NAMES, "latin-1", "windows-1252", "iso-8859-15"]
        raise ValueError(f"unknown encoding '{name}'{nearest(name.lower(), known)}") from error
    if codec == "utf-8-sig":
        return "UTF-8"
    if codec in WIDE:
        return WIDE[codec]
    if not keeps_line_ends:
        raise ValueError(f"lines cannot be told in {name}: {convert_to_utf8(name)}")
    if codec in JAVA_NAMES:
        return JAVA_NAMES[codec]
    for python, java in _FAMILIES:
        if python.fullmatch(codec):
            return python.sub(java, codec)
    raise ValueError(f"encoding '{name}' is not supported: {convert_to_utf8(name)}")


def is_wide(encoding: str) -> bool:
    """Return whether Java's name of an encoding is one of UTF-16."""
    return encoding in WIDE.values()


def convert_to_utf8(encoding: str) -> str:
    """Return the advice to convert a file."""
    return f"convert the files to UTF-8 first (iconv -f {encoding} -t UTF-8 <file> > <new file>)"


def marked_encoding(head: bytes) -> str | None:
    """Return the encoding that the first bytes of a file tell: by its mark, or UTF-16 by a zero byte; else None."""
    by_mark = next((name for mark, name in MARKS.items() if head.startswith(mark)), None)
    if by_mark is not None:
        return by_mark
    pairs = len(head) // 2
    zeros = max(head[::2].count(0), head[1::2].count(0))
    return "UTF-16" if pairs and zeros * 5 > pairs * 4 else None
