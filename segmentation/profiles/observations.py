"""Read the traits that events tell, and sum observations that several runs counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from segmentation.event_properties import read_property
from segmentation.profiles.params import BOOLEAN, NUMBERS, TEXT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import Column, DataFrame

    from segmentation.profiles.params import TraitPlace

OF_EVENT = ("user_id", "event_at", "sequence_no", "source", "event_id", "received_at")
OBSERVATION = (*OF_EVENT, "trait", "value")
"""Columns of an observation without its count."""
YES, NO = ("true", "1", "yes", "granted"), ("false", "0", "no", "denied", "revoked")
"""Texts of a trait that is true or false, in any case."""
NUMBER = r"^[+-]?\d{1,20}([.]\d*)?([eE][+-]?\d{1,2})?$"
EXACT = "decimal(28,4)"
IS_READABLE = "is_readable"


def observe(events: DataFrame, places: Sequence[TraitPlace], *beside: str) -> DataFrame:
    """List what events tell of traits.

    Grain: an event -> each trait that it tells (OBSERVATION), with `is_readable`: whether the value is of the trait's
    type. A blank value ends the trait: `value` is null. A property that an event does not have tells nothing.

    Args:
        events: accepted events.
        places: at least one.
        beside: further columns of the events to keep.
    """
    telling = events.where(F.col("source").isin(*sorted({place.source for place in places})))
    told = F.explode(F.array_compact(F.array(*map(_told, places)))).alias("told")
    return telling.select(*OF_EVENT, *beside, told).select(*OF_EVENT, *beside, "told.*")


def read_value(places: Sequence[TraitPlace]) -> Column:
    """Return the text that one of the places tells of an event; null if none does, or if it is blank."""
    return F.coalesce(*(_told(place)["value"] for place in places)) if places else F.lit(None).cast("string")


def sum_observations(rows: DataFrame, kept: str = "events > 0") -> DataFrame:
    """Sum observations that several runs counted; the groups of which `kept` is true."""
    return rows.groupBy(*OBSERVATION).agg(F.sum("events").alias("events")).where(kept)


def _told(place: TraitPlace) -> Column:
    text = F.trim(read_property(place.property))
    tells = (F.col("source") == place.source) & text.isNotNull()
    if place.events:
        tells &= F.col("event_name").isin(*place.events)
    value = F.when(text != "", _read(text, place.type))
    is_readable = (text == "") | value.isNotNull()
    return F.when(
        tells, F.struct(F.lit(place.trait).alias("trait"), value.alias("value"), is_readable.alias(IS_READABLE))
    )


def _read(text: Column, kind: str) -> Column:
    """Write a value as its type is written, null if it is not of the type: equal values are equal texts."""
    if kind == TEXT:
        return text
    if kind == BOOLEAN:
        lower = F.lower(text)
        return F.when(lower.isin(*YES), "true").when(lower.isin(*NO), "false")
    number = F.when(text.rlike(NUMBER), text).try_cast(EXACT)
    plain = F.regexp_replace(number.cast("string"), r"[.]?0+$", "")
    return plain if kind != NUMBERS[0] else F.when(number == F.floor(number), plain)
