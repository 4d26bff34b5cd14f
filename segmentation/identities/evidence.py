"""Extract the identifiers of events, and the logins and pairs that tell persons: the table `identity_evidence`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from segmentation.event_properties import read_property
from segmentation.identities.params import ANONYMOUS, BETWEEN, IDENTIFIER, KNOWN, PROPERTY
from segmentation.sources.identifiers import compose_identifier, drop_blocked, trim_identifier
from segmentation.tables import IDENTITY_EVIDENCE

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

    from segmentation.identities.params import IdentityParams

OUTDATED = {IDENTITY_EVIDENCE.name: -1}
"""The basis of evidence that reflects no version of `events`: the next run of apply_identities compares all events."""
HAS_IDENTIFIERS = "size(persons) + size(devices) > 0"
IS_LOGIN, IS_PAIR = "event_at IS NOT NULL", "event_at IS NULL"
GROUP = ("identifier", "beside", "event_at")


def add_identifiers(events: DataFrame, params: IdentityParams) -> DataFrame:
    """Add the arrays `persons` and `devices`: identifiers with their namespace, sorted, each once; empty if none.

    Args:
        events: `source`, `identifier`, `known_id`, `anonymous_id`, `properties`; blank values and placeholders are not
            identifiers.
        params: the places of identifiers.
    """
    return events.select("*", _identifiers(params, persons=True), _identifiers(params, persons=False))


def count_evidence(seen: DataFrame) -> DataFrame:
    """Count logins and pairs.

    Args:
        seen: `event_at`, `persons`, `devices`, and `events`: how many events have them, negative if they were removed.

    Returns:
        `identifier`, `beside`, `event_at`, `events`; one row per group whose sum is not 0.
    """
    of_devices = seen.select("event_at", "persons", "events", F.explode("devices").alias("identifier"))
    logins = of_devices.select("identifier", F.explode("persons").alias("beside"), "event_at", "events")
    several = seen.where("size(persons) > 1").select("persons", "events", F.explode("persons").alias("identifier"))
    pairs = several.select("identifier", F.explode("persons").alias("beside"), F.lit(None).cast("timestamp"), "events")
    pairs = pairs.toDF(*GROUP, "events").where("identifier > beside")
    return sum_evidence(logins.unionByName(pairs), "events <> 0")


def sum_evidence(rows: DataFrame, kept: str = "events > 0") -> DataFrame:
    """Sum evidence that several runs counted; the groups of which `kept` is true."""
    return rows.groupBy(*GROUP).agg(F.sum("events").alias("events")).where(kept)


def _identifiers(params: IdentityParams, *, persons: bool) -> Column:
    found = [F.lit(None).cast("string")]
    for source, namespaces in params.sources.items():
        for namespace, place in ((name, place) for name, places in namespaces.items() for place in places):
            if (namespace in params.persons) == persons:
                value = drop_blocked(trim_identifier(_value(place, persons=persons)))
                text = F.concat(F.lit(namespace + BETWEEN), compose_identifier(value))
                found.append(F.when(F.col("source") == source, text))
    return F.array_sort(F.array_distinct(F.array_compact(F.array(*found)))).alias("persons" if persons else "devices")


def _value(place: str, *, persons: bool) -> Column:
    """Return the value in a place; an identifier that the source calls anonymous is a device's and not a person's."""
    if place in (KNOWN, ANONYMOUS):
        return F.col(place)
    if place == IDENTIFIER:
        is_device = F.col(KNOWN).isNull() & F.col(ANONYMOUS).isNotNull()
        return F.when(~is_device, F.col(IDENTIFIER)) if persons else F.coalesce(ANONYMOUS, IDENTIFIER)
    return read_property(place.removeprefix(PROPERTY))
