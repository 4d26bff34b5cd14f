"""Update `identities` by the events that came and went, equal to building it anew from all events.

Only these identifiers can change: those of the changed events, those joined to them now or before, and the devices on
which one of them logged in that belongs to another person now. The rows of all others stay.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from segmentation.checkpoints import Counted, checkpoint, checkpoint_counted, checkpoint_observing, no_rows
from segmentation.frames import conform, union_all
from segmentation.identities.build import (
    PERSON,
    device_periods,
    first_seen,
    joining_pairs,
    name_logins,
    person_periods,
)
from segmentation.identities.components import find_components
from segmentation.identities.evidence import (
    HAS_IDENTIFIERS,
    IS_LOGIN,
    IS_PAIR,
    add_identifiers,
    count_evidence,
    sum_evidence,
)
from segmentation.tables import IDENTITIES

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from segmentation.identities.params import IdentityParams

IS_PERSON, IS_DEVICE = f"evidence = '{PERSON}'", f"evidence <> '{PERSON}'"


@dataclass(frozen=True)
class StoredIdentities:
    """The tables as they are stored before the update."""

    identities: DataFrame
    evidence: DataFrame
    """Rows of `identity_evidence`."""
    events: DataFrame
    """The events after the change. They are read only if the first event of an identifier was removed."""


@dataclass(frozen=True)
class IdentityChange:
    """Difference between `identities` before and after; checkpointed."""

    removed: Counted
    added: Counted
    evidence: DataFrame
    """Evidence that the changed events add and remove."""


def update_identities(net: DataFrame, known: StoredIdentities, params: IdentityParams) -> IdentityChange:
    """Find the rows of `identities` that change.

    Args:
        net: `event_at`, `persons`, `devices`, `events`: the number of events that came less those that went, not 0.
        known: the tables, made under the same parameters.
        params: the places of identifiers, and the limits.
    """
    evidence = checkpoint(count_evidence(net))
    # Where every identifier of the changed events stands, and when it was first seen.
    touched = _touched(net)
    stored = checkpoint(_only(known.identities, touched.select("identifier")))
    first = _first_instants(touched, stored, known, params)
    # Persons: the components of which a pair came or went.
    people = _update_people(first.where("is_person"), stored.where(IS_PERSON), evidence, known, params)
    # Devices: those of the changed events, and those with a login of an identifier whose person changed.
    devices = _update_devices(first.where("NOT is_person"), people, evidence, known, params)
    before, after = people.before.unionByName(devices.before), people.after.unionByName(devices.after)
    return IdentityChange(*_difference(before, after), evidence)


def _difference(before: DataFrame, after: DataFrame) -> tuple[Counted, Counted]:
    """Return the rows of the first frame that the second does not have, and the reverse; rows are distinct in each."""
    sides = [conform(rows, IDENTITIES).withColumn("side", F.lit(side)) for rows, side in ((before, -1), (after, 1))]
    alone = union_all(sides).groupBy(*IDENTITIES.names).agg(F.sum("side").alias("side")).where("side <> 0")
    counts = [F.count_if(F.col("side") == side).alias(name) for side, name in ((-1, "removed"), (1, "added"))]
    rows, figures = checkpoint_observing(alone, *counts)
    removed, added = (rows.where(F.col("side") == side).drop("side") for side in (-1, 1))
    return Counted(removed, figures["removed"]), Counted(added, figures["added"])


@dataclass(frozen=True)
class _Rows:
    """All rows of some identifiers in `identities`."""

    before: DataFrame
    after: DataFrame


def _only(rows: DataFrame, keys: DataFrame) -> DataFrame:
    """Return the rows of these identifiers, without a shuffle of the rows."""
    return rows.join(F.broadcast(keys.distinct()), "identifier", "left_semi")


def _touched(net: DataFrame) -> DataFrame:
    """Return instants of identifiers that changed events have: `identifier`, `is_person`, `event_at`, `events`."""
    parts = [
        net.select(F.explode(column).alias("identifier"), F.lit(is_person).alias("is_person"), "event_at", "events")
        for column, is_person in (("persons", True), ("devices", False))
    ]
    return union_all(parts).groupBy("identifier", "is_person", "event_at").agg(F.sum("events").alias("events"))


def _first_instants(
    touched: DataFrame, stored: DataFrame, known: StoredIdentities, params: IdentityParams
) -> DataFrame:
    """Return when each touched identifier is first seen now: `identifier`, `is_person`, `first_at`; null: no more."""
    began = stored.groupBy("identifier").agg(F.min("valid_from_at").alias("began_at"))
    came = F.min(F.when(F.col("events") > 0, F.col("event_at"))).alias("came_at")
    went = F.min(F.when(F.col("events") < 0, F.col("event_at"))).alias("went_at")
    spans = touched.groupBy("identifier", "is_person").agg(came, went).join(began, "identifier", "left")
    lost = F.coalesce(F.col("went_at") <= F.col("began_at"), F.lit(False)).alias("lost")
    spans = spans.select("identifier", "is_person", F.least("came_at", "began_at").alias("first_at"), lost)
    spans, figures = checkpoint_observing(spans, F.count_if("lost").alias("lost"))
    if not figures["lost"]:
        return spans.drop("lost")
    seen = add_identifiers(known.events, params).where(HAS_IDENTIFIERS)
    again = union_all(
        _only(first_seen(seen, column), spans.where("lost").select("identifier")) for column in ("persons", "devices")
    )
    again = again.withColumnRenamed("first_at", "again_at")
    first_at = F.when(F.col("lost"), F.col("again_at")).otherwise(F.col("first_at")).alias("first_at")
    return checkpoint(spans.join(again, "identifier", "left").select("identifier", "is_person", first_at))


def _update_people(
    first: DataFrame, stored: DataFrame, evidence: DataFrame, known: StoredIdentities, params: IdentityParams
) -> _Rows:
    members = _members(stored, evidence, known, params)
    if not members.count:
        return _Rows(stored, person_periods(first.dropna(), _named(stored)))
    pairs = union_all([known.evidence.where(IS_PAIR).drop("events_version"), evidence.where(IS_PAIR)])
    names = find_components(joining_pairs(sum_evidence(_only(pairs, members.rows)), params))
    before = checkpoint(_only(known.identities.where(IS_PERSON), first.select("identifier").union(members.rows)))
    kept = _named(before).join(members.rows, "identifier", "left_anti")
    untouched = before.join(first, "identifier", "left_anti").select(
        "identifier", F.col("valid_from_at").alias("first_at")
    )
    instants = first.dropna().select("identifier", "first_at").unionByName(untouched)
    return _Rows(before, checkpoint(person_periods(instants, names.unionByName(kept))))


def _named(people: DataFrame) -> DataFrame:
    return people.select("identifier", "person_id")


def _members(stored: DataFrame, evidence: DataFrame, known: StoredIdentities, params: IdentityParams) -> Counted:
    """Return the identifiers of all persons that a changed pair may join or part; none if no pair matters.

    A pair that came between identifiers of one person changes nothing, nor does a pair that is declared apart.
    """
    pairs = evidence.where(IS_PAIR)
    joining = joining_pairs(pairs, params).toDF("identifier", "beside")
    people, others = _named(stored), _named(stored).toDF("beside", "other_id")
    ends = pairs.join(joining, ["identifier", "beside"], "left_semi")
    ends = ends.join(people, "identifier", "left").join(others, "beside", "left")
    matters = (F.col("events") < 0) | ~F.coalesce(F.col("person_id") == F.col("other_id"), F.lit(False))
    found = checkpoint_counted(ends.where(matters))
    identifiers = found.rows.select("identifier").union(found.rows.select("beside"))
    if not found.count:
        return no_rows(identifiers)
    persons = found.rows.select("person_id").union(found.rows.select("other_id")).dropna().distinct()
    whole = known.identities.where(IS_PERSON).join(F.broadcast(persons), "person_id", "left_semi").select("identifier")
    return checkpoint_counted(whole.union(identifiers).distinct())


def _update_devices(
    first: DataFrame, people: _Rows, evidence: DataFrame, known: StoredIdentities, params: IdentityParams
) -> _Rows:
    stored_logins = known.evidence.where(IS_LOGIN).drop("events_version")
    renamed = _renamed(people)
    devices = first.select("identifier")
    if renamed.count:
        theirs = stored_logins.join(F.broadcast(renamed.rows), "beside", "left_semi").select("identifier")
        devices = checkpoint(devices.union(theirs).distinct())
    before = checkpoint(_only(known.identities.where(IS_DEVICE), devices))
    logins = union_all([_only(stored_logins, devices), _only(evidence.where(IS_LOGIN), devices)])
    logins = checkpoint(sum_evidence(logins))
    unknown = logins.select(F.col("beside").alias("identifier")).distinct()
    unknown = unknown.join(people.after, "identifier", "left_anti")
    names = _named(_only(known.identities.where(IS_PERSON), unknown)).unionByName(_named(people.after))
    began = before.groupBy("identifier").agg(F.min("valid_from_at").alias("first_at"))
    untouched = began.join(first, "identifier", "left_anti")
    instants = first.dropna().select("identifier", "first_at").unionByName(untouched)
    return _Rows(before, device_periods(instants, name_logins(logins, names), params))


def _renamed(people: _Rows) -> Counted:
    """Return the identifiers (`beside`) that had a person and have another one now."""
    after = _named(people.after).withColumnRenamed("person_id", "now_id")
    both = _named(people.before).join(after, "identifier").where("person_id <> now_id")
    return checkpoint_counted(both.select(F.col("identifier").alias("beside")))
