"""Which stored events belong to another person than the one they are stored under, and in which portions they move."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pyspark.sql import functions as F

from segmentation.checkpoints import Counted, checkpoint_counted
from segmentation.identities.build import attribute
from segmentation.tables import EVENT, RECORD_KEY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from pyspark.sql import DataFrame

    from segmentation.identities.params import IdentityParams

MOST_EVENTS = 1_000_000
"""Events that move at a time, about: what is sorted and held. A day is never cut."""


def find_moves(events: DataFrame, identities: DataFrame, params: IdentityParams) -> DataFrame:
    """Compare whose the stored events are with whose they are to be.

    Grain: an event whose person is another one than its `user_id` -> unit_id, record_no, event_date, person_id. A
    merge, a parting and the withdrawal of a declaration are all the same: nothing is remembered of earlier persons.

    Args:
        events: accepted events as stored.
        identities: :func:`segmentation.identities.build.build_identities` of them.
        params: where their identifiers stand.
    """
    persons = attribute(events, identities, params)
    return persons.where(F.col("person_id") != F.col("user_id")).select(*RECORD_KEY, "event_date", "person_id")


class Portion(NamedTuple):
    """Days whose events move together."""

    days: list[date]
    events: int
    """How many of them move."""

    @property
    def is_small(self) -> bool:
        """Whether they are few; a single day may have more."""
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
