"""The table `identities`, and the person of an event."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import Window
from pyspark.sql import functions as F

from segmentation.checkpoints import checkpoint
from segmentation.frames import conform, union_all
from segmentation.identities.components import find_components
from segmentation.identities.params import BETWEEN, IDENTIFIER, NUL, PROPERTY
from segmentation.sources.identifiers import compose_identifier, trim_identifier
from segmentation.tables import IDENTITIES

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

    from segmentation.identities.params import IdentityParams

PERSON, LOGIN, BEFORE_LOGIN, OWN, SHARED = "person", "login", "before_login", "own", "shared"
"""Why a period is a person's: the identifier is one; was used on the device; will be; nobody's; too many people's."""


def build_identities(events: DataFrame, params: IdentityParams) -> DataFrame:
    """Find who every identifier belongs to, and from when to when (UTC, until exclusive, null: ever after).

    A function of the events as a set: their order and batches do not matter. Identifiers of persons that stand in one
    event join their persons; the least identifier (by bytes) names the person. A device belongs to who logged in on it
    last; of several logins at one instant the least person counts.

    Args:
        events: accepted events (`source`, `identifier`, `properties`, `event_at`); blank and absent values are none.
        params: where identifiers stand and what bounds them.
    """
    seen = checkpoint(
        events.select("event_at", _identifiers(params, persons=True), _identifiers(params, persons=False)).where(
            "size(persons) + size(devices) > 0"
        )
    )
    people = checkpoint(_people(seen, params))
    devices = _devices(seen, people, params)
    return conform(people.unionByName(devices), IDENTITIES)


def attribute(events: DataFrame, identities: DataFrame, params: IdentityParams) -> DataFrame:
    """Add `person_id` to events: of whom it names, else of whose its devices were then, else its identifier.

    Of several persons the one with evidence beyond the device itself, then the least, counts.

    Args:
        events: accepted events; (`unit_id`, `record_no`) is their key: beyond the horizon an id may come again.
        identities: :func:`build_identities` of them, under the same parameters.
        params: as for that.
    """
    key, event_at = ("unit_id", "record_no"), F.col("event_at")
    named = events.select(*key, "event_at", _identifiers(params, persons=True), _identifiers(params, persons=False))
    telling = F.when(F.size("persons") > 0, F.col("persons")).otherwise(F.col("devices"))
    given = named.select(*key, "event_at", F.explode(telling).alias("identifier"))
    during = (event_at >= F.col("valid_from_at")) & (F.col("valid_to_at").isNull() | (event_at < F.col("valid_to_at")))
    unknown = F.col("evidence").isin(OWN, SHARED)
    best = F.min(F.struct(unknown, "person_id")).getField("person_id").alias("person_id")
    persons = given.join(identities, "identifier").where(during).groupBy(*key).agg(best)
    return events.join(persons, list(key), "left").withColumn("person_id", F.coalesce("person_id", "identifier"))


def _identifiers(params: IdentityParams, *, persons: bool) -> Column:
    """Lay out an event's identifiers of persons, or of devices: namespaced, sorted, each once."""
    found = [F.lit(None).cast("string")]
    for source, places in params.sources.items():
        for namespace, place in places.items():
            if (namespace in params.persons) == persons:
                text = F.concat(F.lit(namespace + BETWEEN), compose_identifier(trim_identifier(_value(place))))
                found.append(F.when(F.col("source") == source, text))
    return F.array_sort(F.array_distinct(F.array_compact(F.array(*found)))).alias("persons" if persons else "devices")


def _value(place: str) -> Column:
    if place == IDENTIFIER:
        return F.col(IDENTIFIER)
    return F.get_json_object("properties", f"$['{place.removeprefix(PROPERTY)}']")


def _people(seen: DataFrame, params: IdentityParams) -> DataFrame:
    """Give every identifier of persons its person, from when it was first seen."""
    several = seen.where("size(persons) > 1").select("persons").distinct()
    firsts = several.select("persons", F.explode("persons").alias("low"))
    pairs = firsts.select(F.explode("persons").alias("high"), "low").where("high > low")
    if params.apart:  # one text per pair: one look-up however many pairs there are
        cut = [NUL.join(sorted(pair, reverse=True)) for pair in params.apart]
        pairs = pairs.where(~F.concat_ws(NUL, "high", "low").isin(*cut))
    found = seen.select(F.explode("persons").alias("identifier"), "event_at")
    first = found.groupBy("identifier").agg(F.min("event_at").alias("valid_from_at"))
    return first.join(find_components(pairs), "identifier", "left").select(
        "identifier",
        "valid_from_at",
        F.coalesce("person_id", "identifier").alias("person_id"),
        F.lit(PERSON).alias("evidence"),
        F.lit(None).cast("timestamp").alias("valid_to_at"),
    )


def _devices(seen: DataFrame, people: DataFrame, params: IdentityParams) -> DataFrame:
    """Give every device its periods: before the first login, and from each change of person on."""
    used = seen.select(F.explode("devices").alias("device"), "event_at", "persons")
    first = used.groupBy("device").agg(F.min("event_at").alias("seen_at"))
    known = people.select("identifier", "person_id")
    named = used.select("device", "event_at", F.explode("persons").alias("identifier")).join(known, "identifier")
    named = checkpoint(named.select("device", "event_at", "person_id").distinct())
    logins = named.groupBy("device", "event_at").agg(F.min("person_id").alias("person_id"))
    first_login = F.min(F.struct("event_at", "person_id")).alias("login")
    summed = named.groupBy("device").agg(F.count_distinct("person_id").alias("persons"), first_login)
    told = checkpoint(first.join(summed, "device", "left"))
    bounded = told.where(F.col("persons") <= params.max_persons_per_device)
    return union_all([_unattributed(told, params), _before_login(bounded, params), _since_login(logins, bounded)])


def _reach(params: IdentityParams) -> Column:
    """Return from when on visits before the first login are that person's."""
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
