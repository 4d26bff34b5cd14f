"""One spelling of an identifier: without blanks around it, and composed where that is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

if TYPE_CHECKING:
    from pyspark.sql import Column

BLANKS = (
    "\t\n\x0b\x0c\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000\u200b\u2060\ufeff"
)
"""White space as Unicode and Java have it, and what is as wide as nothing: zero width space, word joiner, byte order
mark."""


def trim_identifier(given: Column) -> Column:
    """Take the blanks from around an identifier; blank is null."""
    # Nearly all end with signs that are plainly none: only the others are looked at sign by sign.
    blank_ends = (F.substring(given, 1, 1) <= F.lit(" ")) | (F.substring(given, -1, 1) <= F.lit(" "))
    trimmed = F.when(blank_ends | _is_beyond_ascii(given), F.trim(given, F.lit(BLANKS))).otherwise(given)
    return F.nullif(trimmed, F.lit(""))


def compose_identifier(given: Column) -> Column:
    """Write signs and their marks as one where Unicode has one (NFC), so that what is the same is equal.

    What only looks alike (a non-breaking space within, a ligature, another case) stays apart. Costs nothing but its
    place for ASCII, and its place costs the code that Spark would make of all columns around it: not for every row.
    """
    # Spark has no function for it, but the library for it.
    composed = F.reflect(F.lit("com.ibm.icu.text.Normalizer"), F.lit("compose"), given, F.lit(False))
    return F.when(_is_beyond_ascii(given), composed).otherwise(given)


def _is_beyond_ascii(given: Column) -> Column:
    return F.octet_length(given) > F.char_length(given)
