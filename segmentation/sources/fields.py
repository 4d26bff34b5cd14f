"""Read a record's fields as what they are declared to be: texts, numbers and times."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from typing import TYPE_CHECKING, NamedTuple

from pyspark.sql import Column
from pyspark.sql import functions as F

if TYPE_CHECKING:
    from segmentation.sources.field_mappings import FieldMapping, TimeMapping

MICROS_PER_UNIT = {"s": 1_000_000, "ms": 1_000, "us": 1}
LEAST_EPOCH = {"s": 10**8, "ms": 10**11, "us": 10**14}
"""Least epoch number by which the unit is recognised: 3 March 1973; the greatest is a thousand times as much."""
EARLIEST, BEYOND = (datetime(year, 1, 1, tzinfo=timezone.utc) for year in (1970, 2100))
"""Between these lie the times that a clock may have said."""


class Origin(NamedTuple):
    """Raw column of a field, and its type."""

    column: Column
    type: str


def read_text(origin: Origin, spec: FieldMapping | None, spelled: Column | None = None) -> Column:
    """Read a field as trimmed text, or as it is spelled; blank is null, and null takes the declared default."""
    trimmed = F.nullif(F.trim(origin.column.cast("string")), F.lit("")) if spelled is None else spelled
    if spec is not None and spec.case is not None:
        trimmed = {"lower": F.lower, "upper": F.upper}[spec.case](trimmed)
    if spec is None or spec.default is None:
        return trimmed
    return F.coalesce(trimmed, F.lit(str(spec.default)))


FLOATS = ("double", "float")
ZONE_LETTERS = set("VzOXxZ")
"""Letters of a pattern that read a zone or an offset."""
HAS_ZONE = r":\d{1,2}([.]\d*)?\s*[A-Za-z+\-]"
"""Texts of ISO 8601 that end with a zone or an offset."""
TIME_ALONE = r"^T?\d{1,2}:"
"""Texts without a day, which Spark would read as a time of today."""


def _is_typed(origin: Origin, spec: FieldMapping | None, *types: str) -> bool:
    return (spec is None or spec.default is None) and origin.type.startswith(types)


def is_given(origin: Origin, spec: FieldMapping | None) -> Column:
    """Tell whether a field holds anything."""
    if _is_typed(origin, spec, *FLOATS):  # data frames of Python write NaN where a number is missing
        return origin.column.isNotNull() & ~F.isnan(origin.column)
    typed = _is_typed(origin, spec, "timestamp", "int", "bigint", "decimal", "smallint", "tinyint", "void")
    return (origin.column if typed else read_text(origin, spec)).isNotNull()


def read_number(origin: Origin, spec: FieldMapping | None, kind: str) -> Column:
    """Read a field as a number of the given type; null where it is none."""
    if _is_typed(origin, spec, kind):
        return origin.column
    return _writable(read_text(origin, spec)).try_cast(kind)


def read_quantity(sent: Column, kind: str) -> Column:
    """Read a text as a numeric property of a kind, `integer` or `decimal`; null where it is not one."""
    text = _writable(F.trim(sent.cast("string")))
    if kind == "decimal":
        return text.try_cast("decimal(18,4)")
    number = text.try_cast("decimal(24,10)")
    return F.when(number == F.floor(number), number).cast("decimal(14,0)").cast("bigint")


def is_quantity_given(sent: Column) -> Column:
    """Return whether a numeric property holds anything; NaN, as data frames write a missing number, is nothing."""
    return F.coalesce(~F.lower(F.trim(sent.cast("string"))).isin("", "nan"), F.lit(False))


def _writable(number: Column) -> Column:
    """Leave out numbers with exponents of four digits: Spark fails on 1e-999999999, and writes out its zeros before."""
    return F.when(~number.rlike(r"[eE][+-]?\d{4}"), number)


def read_instant(origin: Origin, spec: TimeMapping) -> Column:
    """Read a time as a UTC instant; null where it does not fit its declared form, or no clock says it in earnest.

    A field's default (year 1, 9999-12-31) and an epoch in another unit than declared are instants, but no times.
    `zone` applies only where a value carries no zone: not to instants of a typed column, nor to texts with an offset.
    """
    instant = _instant(origin, spec)
    return F.when((instant >= F.lit(EARLIEST)) & (instant < F.lit(BEYOND)), instant)


def _instant(origin: Origin, spec: TimeMapping) -> Column:
    if origin.type in ("timestamp", "timestamp_ntz", "date"):
        local = origin.column.cast("timestamp")
        typed = local if origin.type == "timestamp" else _at_zone(local, spec.zone)
        if spec.default is None:
            return typed
        return F.coalesce(typed, _instant(Origin(F.lit(str(spec.default)), "string"), spec))
    if spec.unit is not None:
        return _epoch(origin, spec, spec.unit)
    text = read_text(origin, spec)
    if spec.format:
        return F.coalesce(*(_by_pattern(text, pattern, spec.zone) for pattern in spec.format))
    given = F.when(~text.rlike(TIME_ALONE), text.try_cast("timestamp"))
    zoned = F.when(text.rlike(HAS_ZONE), given).otherwise(_at_zone(given, spec.zone))
    return given if spec.zone == "UTC" else zoned


def _epoch(origin: Origin, spec: TimeMapping, unit: str) -> Column:
    if unit == "us" and _is_typed(origin, spec, "bigint"):
        return F.timestamp_micros(origin.column)
    number = _writable(read_text(origin, spec)).try_cast("decimal(38,6)")
    micros = (number * _micros_per_unit(number, unit)).cast("decimal(38,0)").try_cast("bigint")
    return F.timestamp_micros(micros)


def _by_pattern(text: Column, pattern: str, zone: str) -> Column:
    read = F.try_to_timestamp(text, F.lit(pattern))
    return read if reads_zone(pattern) else _at_zone(read, zone)


def reads_zone(pattern: str) -> bool:
    """Return whether texts of a pattern carry a zone or an offset."""
    return not ZONE_LETTERS.isdisjoint(re.sub(r"'[^']*'", "", pattern))


def _at_zone(local: Column, zone: str) -> Column:
    """Return the instant at which clocks of a zone show a time.

    An hour that the clocks leave out is null; of an hour that they repeat the first is returned.
    """
    if zone == "UTC":
        return local
    instant = F.to_utc_timestamp(local, zone)
    return F.when(F.from_utc_timestamp(instant, zone) == local, instant)


def _micros_per_unit(number: Column, unit: str) -> Column:
    """Return the unit of an epoch number; told from its size, seconds, ms and us since 1973 do not overlap."""
    if unit != "auto":
        return F.lit(MICROS_PER_UNIT[unit])
    told = F.lit(None).cast("bigint")
    for name, least in LEAST_EPOCH.items():
        fits = F.abs(number).between(F.lit(least), F.lit(least * 1_000 - 1))
        told = F.when(fits, F.lit(MICROS_PER_UNIT[name])).otherwise(told)
    return told
