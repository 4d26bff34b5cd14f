"""Find the stored events whose person is not the one they are stored under, and divide them into portions."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pyspark.sql import functions as F

from segmentation.checkpoints import Counted, checkpoint, checkpoint_counted, no_rows
from segmentation.frames import union_all
from segmentation.identities.build import attribute, attribute_identified, telling_identifiers
from segmentation.identities.evidence import add_identifiers
from segmentation.tables import EVENT, RECORD_KEY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from pyspark.sql import DataFrame

    from segmentation.identities.params import IdentityParams
    from segmentation.identities.update import IdentityChange

MOST_EVENTS = 1_000_000
"""Events that move at a time, about; they are sorted and checkpointed. A day is not divided."""
COMPARED_COLUMNS = (*RECORD_KEY, "user_id", "identifier", "event_date", "event_at", "persons", "devices")
"""Columns of an event, with its identifiers, by which its person is compared with the one it is stored under."""


def find_moves(events: DataFrame, identities: DataFrame, params: IdentityParams) -> DataFrame:
    """Compare the persons of all stored events with the persons they are stored under.

    Args:
        events: accepted events as stored.
        identities: :func:`segmentation.identities.build.build_identities` of them.
        params: the places of their identifiers.

    Returns:
        `unit_id`, `record_no`, `event_date`, `person_id`: one row per event whose person is not its `user_id`. A merge,
        a parting and a declaration that was deleted are alike, because earlier persons are not stored.
    """
    return _differing(attribute(events, identities, params))


def find_changed_moves(
    came: DataFrame, change: IdentityChange, identities: DataFrame, stored: StoredEvents, params: IdentityParams
) -> DataFrame:
    """Return the rows of :func:`find_moves` from the events that can have another person, without the rest.

    They are the events that came, and those whose identifiers belong to another person at their instant.

    Args:
        came: stored events that were added or stored again, with `persons` and `devices`.
        change: the rows of `identities` that changed.
        identities: the table after it.
        stored: the events, and the days on which users have some.
        params: the places of identifiers.
    """
    candidates = [came.select(*COMPARED_COLUMNS)]
    windows = _windows(change)
    if windows.count:
        candidates.append(add_identifiers(_events_in(windows.rows, stored, params), params).select(*COMPARED_COLUMNS))
    looked_at = checkpoint(union_all(candidates).dropDuplicates(list(RECORD_KEY)))
    named = looked_at.select(F.explode(telling_identifiers()).alias("identifier")).distinct()
    near = identities.join(F.broadcast(named), "identifier", "left_semi")
    return _differing(attribute_identified(looked_at, near))


class StoredEvents(NamedTuple):
    """Tables that hold the events of users."""

    events: DataFrame
    user_days: DataFrame


def _differing(persons: DataFrame) -> DataFrame:
    return persons.where(F.col("person_id") != F.col("user_id")).select(*RECORD_KEY, "event_date", "person_id")


def _windows(change: IdentityChange) -> Counted:
    """Return when identifiers belonged to a person that they do not belong to any more: `person_id`, `since`, `until`.

    Before an identifier was first seen it has no events other than those that came.
    """
    if not change.removed.count:
        return no_rows(change.removed.rows.select("person_id", "valid_from_at", "valid_to_at"))
    after = change.added.rows.selectExpr(
        "identifier", "person_id AS now_id", "valid_from_at AS now_from", "valid_to_at AS now_to"
    )
    overlaps = change.removed.rows.join(after, "identifier").where("person_id <> now_id")
    overlaps = overlaps.select(
        "person_id",
        F.greatest("valid_from_at", "now_from").alias("since"),
        F.least("valid_to_at", "now_to").alias("until"),  # of two ends the one that is not null
    )
    return checkpoint_counted(overlaps.where("until IS NULL OR since < until"))


def _events_in(windows: DataFrame, stored: StoredEvents, params: IdentityParams) -> DataFrame:
    """Return the stored events whose person may have changed, and others.

    Where an event's identifiers that decide belong to one person, it is stored under the person that they had. Else,
    all events of the days count.
    """
    # Days are of the reporting zone and instants are UTC: they differ by less than a day.
    spans = windows.selectExpr(
        "person_id AS user_id", "to_date(since) - 1 AS since", "to_date(until) + 1 AS until"
    ).distinct()
    within = (F.col("event_date") >= F.col("since")) & (
        F.col("until").isNull() | (F.col("event_date") <= F.col("until"))
    )
    if decides_alone(params):
        days = stored.user_days.join(F.broadcast(spans), "user_id").where(within)
        users = F.broadcast(windows.select(F.col("person_id").alias("user_id")).distinct())
    else:
        days = stored.user_days.select("event_date").distinct().join(F.broadcast(spans.drop("user_id")), within)
        users = None
    dates = [row["event_date"] for row in days.select("event_date").distinct().collect()]  # a row per day
    on_days = stored.events.where(F.col("event_date").isin(*sorted(dates)))
    return on_days if users is None else on_days.join(users, "user_id", "left_semi")


def decides_alone(params: IdentityParams) -> bool:
    """Return whether the identifiers that decide on an event's person always have one and the same person.

    Those of persons do unless pairs are declared apart; of devices there must be one.
    """
    devices = (sum(name not in params.persons for name in places) for places in params.sources.values())
    return not params.apart and all(count <= 1 for count in devices)


class Portion(NamedTuple):
    """Days whose events move together."""

    days: list[date]
    events: int
    """Number of them that move."""

    @property
    def is_small(self) -> bool:
        """Return whether there are at most MOST_EVENTS; a single day may have more."""
        return self.events <= MOST_EVENTS


def cut_portions(moves: DataFrame, most: int = MOST_EVENTS) -> Iterator[Portion]:
    """Cut the days on which events move, in order, into portions of at most so many events, or of one day."""
    rows = moves.groupBy("event_date").count().orderBy("event_date").collect()  # a row per day
    days: list[date] = []
    size = 0
    for row in rows:
        if days and size + row["count"] > most:
            yield Portion(days, size)
            days, size = [], 0
        days.append(row["event_date"])
        size += row["count"]
    if days:
        yield Portion(days, size)


def take_moves(events: DataFrame, moves: DataFrame, days: list[date]) -> tuple[Counted, Counted]:
    """Return the stored events that move on these days, as they are and as they are to be.

    They are what :func:`segmentation.ingest.restate.restate` takes: rows of `events`, and events without what the
    engine assigns.
    """
    on_days = F.col("event_date").isin(*days)
    moving = moves.where(on_days).select(*RECORD_KEY, "person_id")
    found = checkpoint_counted(events.where(on_days).join(moving, list(RECORD_KEY)))
    moved = found.rows.withColumn("user_id", F.col("person_id")).select(*EVENT)
    return Counted(found.rows.drop("person_id"), found.count), Counted(moved, found.count)
