"""Build the table `identities`, and find the person of an event."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyspark.sql import Window
from pyspark.sql import functions as F

from segmentation.checkpoints import checkpoint
from segmentation.frames import conform, union_all
from segmentation.identities.components import find_components
from segmentation.identities.evidence import HAS_IDENTIFIERS, IS_LOGIN, IS_PAIR, add_identifiers, count_evidence
from segmentation.identities.params import NUL
from segmentation.tables import IDENTITIES, RECORD_KEY

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

    from segmentation.identities.params import IdentityParams

PERSON, LOGIN, BEFORE_LOGIN, OWN, SHARED = "person", "login", "before_login", "own", "shared"
"""Values of `identities.evidence`, the reason why a period is a person's (segmentation/tables/identities.py)."""


@dataclass(frozen=True)
class Identified:
    """Persons of a set of events, and the evidence for them; both checkpointed."""

    identities: DataFrame
    """Rows of the table."""
    evidence: DataFrame
    """:func:`segmentation.identities.evidence.count_evidence` of the events."""


def build_identities(events: DataFrame, params: IdentityParams) -> DataFrame:
    """Find the person of each identifier, by period (UTC, until exclusive, null: open).

    The result depends on the events as a set, not on their order or batches. Identifiers of persons in one event join
    their persons; the least identifier (by bytes) names the person. A device belongs to the last login on it; of
    several logins at one instant the least person counts.

    Args:
        events: accepted events (`source`, `identifier`, `properties`, `event_at`); blank and absent values are not
            identifiers.
        params: the places of identifiers, and the limits.
    """
    return identify(events, params).identities


def identify(events: DataFrame, params: IdentityParams) -> Identified:
    """Find persons as :func:`build_identities` does, and return the evidence with them."""
    seen = checkpoint(
        add_identifiers(events, params)
        .select("event_at", "persons", "devices", F.lit(1).alias("events"))
        .where(HAS_IDENTIFIERS)
    )
    evidence = checkpoint(count_evidence(seen))
    names = find_components(joining_pairs(evidence.where(IS_PAIR), params))
    people = checkpoint(person_periods(first_seen(seen, "persons"), names))
    known = people.select("identifier", "person_id")
    logins = name_logins(evidence.where(IS_LOGIN), known)
    devices = device_periods(first_seen(seen, "devices"), logins, params)
    return Identified(checkpoint(conform(people.unionByName(devices), IDENTITIES)), evidence)


def attribute(events: DataFrame, identities: DataFrame, params: IdentityParams) -> DataFrame:
    """Add `person_id`: the person of the event's identifiers of persons, else of its devices then, else `identifier`.

    Of several persons the one with evidence beyond the device itself, then the least, counts.

    Args:
        events: accepted events; (`unit_id`, `record_no`) is their key: beyond the deduplication window an id may
            occur again.
        identities: :func:`build_identities` of them, under the same parameters.
        params: as for that.
    """
    return attribute_identified(add_identifiers(events, params), identities).drop("persons", "devices")


def attribute_identified(events: DataFrame, identities: DataFrame) -> DataFrame:
    """Add `person_id` as :func:`attribute` does, to events that have `persons` and `devices` already."""
    event_at = F.col("event_at")
    given = events.select(*RECORD_KEY, "event_at", F.explode(telling_identifiers()).alias("identifier"))
    during = (event_at >= F.col("valid_from_at")) & (F.col("valid_to_at").isNull() | (event_at < F.col("valid_to_at")))
    unknown = F.col("evidence").isin(OWN, SHARED)
    best = F.min(F.struct(unknown, "person_id")).getField("person_id").alias("person_id")
    persons = given.join(identities, "identifier").where(during).groupBy(*RECORD_KEY).agg(best)
    return events.join(persons, list(RECORD_KEY), "left").withColumn("person_id", F.coalesce("person_id", "identifier"))


def telling_identifiers() -> Column:
    """Return the identifiers that decide on an event's person: those of persons, or else its devices."""
    return F.when(F.size("persons") > 0, F.col("persons")).otherwise(F.col("devices"))


def first_seen(seen: DataFrame, column: str) -> DataFrame:
    """Return the first instant (`first_at`) of each `identifier` in one of the arrays `persons` and `devices`."""
    each = seen.select(F.explode(column).alias("identifier"), "event_at")
    return each.groupBy("identifier").agg(F.min("event_at").alias("first_at"))


def joining_pairs(pairs: DataFrame, params: IdentityParams) -> DataFrame:
    """Return the pairs that join persons (`high`, `low`): all of the evidence but those declared apart."""
    named = pairs.select(F.col("identifier").alias("high"), F.col("beside").alias("low"))
    if not params.apart:
        return named
    # One text per pair: one look-up however many pairs there are.
    cut = [NUL.join(sorted(pair, reverse=True)) for pair in params.apart]
    return named.where(~F.concat_ws(NUL, "high", "low").isin(*cut))


def person_periods(first: DataFrame, names: DataFrame) -> DataFrame:
    """Return the one period of each identifier of persons, from when it was first seen.

    Args:
        first: `identifier`, `first_at`.
        names: `identifier`, `person_id` of identifiers that are joined to others; the rest name themselves.
    """
    return first.join(names, "identifier", "left").select(
        "identifier",
        F.col("first_at").alias("valid_from_at"),
        F.coalesce("person_id", "identifier").alias("person_id"),
        F.lit(PERSON).alias("evidence"),
        F.lit(None).cast("timestamp").alias("valid_to_at"),
    )


def name_logins(logins: DataFrame, known: DataFrame) -> DataFrame:
    """Return the persons that logged in: `device`, `event_at`, `person_id`, each once; checkpointed.

    Args:
        logins: rows of the evidence.
        known: `identifier`, `person_id` of all identifiers in them.
    """
    named = logins.select(F.col("identifier").alias("device"), "event_at", F.col("beside").alias("identifier"))
    return checkpoint(named.join(known, "identifier").select("device", "event_at", "person_id").distinct())


def device_periods(first: DataFrame, named: DataFrame, params: IdentityParams) -> DataFrame:
    """Return the periods of devices: before the first login, and from each change of person on.

    Args:
        first: `identifier`, `first_at` of the devices.
        named: :func:`name_logins`, all logins on these devices.
        params: the limits.
    """
    logins = named.groupBy("device", "event_at").agg(F.min("person_id").alias("person_id"))
    first_login = F.min(F.struct("event_at", "person_id")).alias("login")
    summed = named.groupBy("device").agg(F.count_distinct("person_id").alias("persons"), first_login)
    seen = first.select(F.col("identifier").alias("device"), F.col("first_at").alias("seen_at"))
    told = checkpoint(seen.join(summed, "device", "left"))
    bounded = told.where(F.col("persons") <= params.max_persons_per_device)
    return union_all([_unattributed(told, params), _before_login(bounded, params), _since_login(logins, bounded)])


def _reach(params: IdentityParams) -> Column:
    """Return the instant from which on visits before the first login belong to its person."""
    earliest = F.col("login.event_at") - F.make_dt_interval(days=F.lit(params.lookback_days))
    return F.greatest("seen_at", earliest)


def _unattributed(told: DataFrame, params: IdentityParams) -> DataFrame:
    shared = F.coalesce(F.col("persons") > params.max_persons_per_device, F.lit(False))
    until = F.when(~shared, _reach(params).cast("timestamp"))
    until = F.when(F.col("login").isNotNull(), until)
    own = told.select(
        F.col("device").alias("identifier"),
        F.col("seen_at").alias("valid_from_at"),
        F.col("device").alias("person_id"),
        F.when(shared, SHARED).otherwise(OWN).alias("evidence"),
        until.alias("valid_to_at"),
    )
    return own.where("valid_to_at IS NULL OR valid_from_at < valid_to_at")


def _before_login(bounded: DataFrame, params: IdentityParams) -> DataFrame:
    before = bounded.select(
        F.col("device").alias("identifier"),
        _reach(params).alias("valid_from_at"),
        "login.person_id",
        F.lit(BEFORE_LOGIN).alias("evidence"),
        F.col("login.event_at").alias("valid_to_at"),
    )
    return before.where("valid_from_at < valid_to_at")


def _since_login(logins: DataFrame, bounded: DataFrame) -> DataFrame:
    of_device = Window.partitionBy("device").orderBy("event_at")
    steps = logins.join(bounded.select("device"), "device", "left_semi").select(
        "*", F.lag("person_id").over(of_device).alias("before")
    )
    changes = steps.where("before IS NULL OR before <> person_id")
    return changes.select(
        F.col("device").alias("identifier"),
        F.col("event_at").alias("valid_from_at"),
        "person_id",
        F.lit(LOGIN).alias("evidence"),
        F.lead("event_at").over(of_device).alias("valid_to_at"),
    )
