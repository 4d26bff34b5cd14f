"""Read identifiers: trimmed, composed if the mapping asks for it, whole numbers without a fraction, no placeholder."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from segmentation.sources.blocked_identifiers import BLOCKED

if TYPE_CHECKING:
    from pyspark.sql import Column

BLANKS = (
    "\t\n\x0b\x0c\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000\u200b\u2060\ufeff"
)
"""White space as Unicode and Java have it, and what is as wide as nothing: zero width space, word joiner, byte order
mark."""


EXACT_BELOW = {"double": 2**53, "float": 2**24}
"""Type of floating-point numbers -> from here on a whole number may stand for its neighbour too."""


def identifier_text(given: Column, kind: str) -> Column:
    """Return an identifier as text; a whole number of a floating-point column is written as this number.

    Data frames of Python turn a column of numbers into floating point if one is missing. NaN is null.
    """
    if kind not in EXACT_BELOW:
        return given.cast("string")
    is_whole = (given == F.floor(given)) & (F.abs(given) < F.lit(float(EXACT_BELOW[kind])))
    whole = given.cast("decimal(20,0)").cast("string")
    return F.when(~F.isnan(given), F.when(is_whole, whole).otherwise(given.cast("string")))


def is_lossy(given: Column, kind: str) -> Column:
    """Return whether a floating-point number is so large that several whole numbers are written like it."""
    if kind not in EXACT_BELOW:
        return F.lit(False)
    return F.coalesce(~F.isnan(given) & (F.abs(given) >= F.lit(float(EXACT_BELOW[kind]))), F.lit(False))


def drop_blocked(given: Column) -> Column:
    """Return an identifier, or null if it is a placeholder that programs send where they know no user."""
    is_short = F.length(given) <= max(map(len, BLOCKED))
    return F.when(~(is_short & F.lower(given).isin(*BLOCKED)) | given.isNull(), given)


def alternatives(sql: str) -> list[str]:
    """Return the arguments of an expression that is one call of coalesce; else the expression itself."""
    call = re.fullmatch(r"\s*coalesce\s*\((.*)\)\s*", sql, re.IGNORECASE | re.DOTALL)
    if call is None:
        return [sql]
    parts, start, depth, inside = [], 0, 0, call[1]
    for found in _SIGNS.finditer(inside):
        sign = found[0]
        if sign in "([":
            depth += 1
        elif sign in ")]":
            depth -= 1
        elif sign == "," and depth == 0:
            parts.append(inside[start : found.start()])
            start = found.end()
        if depth < 0:  # the call ends before the expression does
            return [sql]
    return [part.strip() for part in (*parts, inside[start:])]


_SIGNS = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|`[^`]*`|[()\[\],]", re.DOTALL)


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
