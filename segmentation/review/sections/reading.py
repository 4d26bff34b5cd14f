"""Read the published lake at a cut, with the limits of what pages show; the input of every section."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from segmentation.frames import hold_small
from segmentation.review.frames.headline import measure_events, measure_sessions
from segmentation.review.frames.health import sum_ledger
from segmentation.review.frames.monitoring import list_alerts
from segmentation.review.frames.records import Record, Records, cut_before, list_cuts
from segmentation.review.frames.segments import list_profiles
from segmentation.review.params import ReviewParams
from segmentation.tables import (
    ALERTS,
    DRIFT,
    EVENTS,
    INGEST_LEDGER,
    MODEL_DECISIONS,
    MONITORED_RATES,
    SEGMENT_CHANGES,
    SEGMENT_PROFILES,
    SESSIONS,
    TRANSITIONS,
    USER_FEATURES,
)

if TYPE_CHECKING:
    from datetime import date

    from pyspark.sql import DataFrame

    from segmentation.lake.lake import Lake
    from segmentation.tables import Table

READ_IN_PLACE = (EVENTS, INGEST_LEDGER, MODEL_DECISIONS, SEGMENT_CHANGES, TRANSITIONS, USER_FEATURES)
"""Tables of which a review asks one or two questions only: to collect them costs as much as to ask."""


@dataclass(frozen=True)
class Reading:
    """A lake seen at a cut (exclusive; None: everything). What several sections need is read once."""

    lake: Lake
    as_of: date | None = None
    params: ReviewParams = field(default_factory=ReviewParams)
    _cuts: dict[str, list[date]] = field(default_factory=dict, repr=False, compare=False)
    _held: dict[str, DataFrame] = field(default_factory=dict, repr=False, compare=False)

    def missing(self, *tables: Table) -> tuple[str, ...]:
        """Return the jobs that fill those of the tables that were never published."""
        return tuple(dict.fromkeys(t.written_by.split(", ")[-1] for t in tables if self.lake.version(t) is None))

    def before_cut(self, table: Table, day: str) -> DataFrame:
        """Read a table's rows of days before the cut."""
        return cut_before(self.read(table), day, self.as_of)

    def read(self, table: Table) -> DataFrame:
        """Read a table; one that several exhibits query is collected to the driver once if it is small.

        See `frames.hold_small` for the limit. Tables in `READ_IN_PLACE` are always queried where they are.
        """
        if table in READ_IN_PLACE or self.lake.version(table) is None:
            return self.lake.read(table)
        if table.name not in self._held:
            self._held[table.name] = hold_small(self.lake.read(table))
        return self._held[table.name]

    def cuts(self, table: Table) -> list[date]:
        """Return the cuts that a table holds, not after ours, newest first."""
        if self.lake.version(table) is None:
            return []
        if table.name not in self._cuts:
            self._cuts[table.name] = list_cuts(self.read(table), self.as_of)
        return self._cuts[table.name]

    def newest_cut(self, table: Table) -> date | None:
        """Return the newest cut that a table holds, not after ours; None where it holds none."""
        return next(iter(self.cuts(table)), None)

    @cached_property
    def events(self) -> Record:
        """The accepted events in figures."""
        return measure_events(self.before_cut(EVENTS, "event_date"))

    @cached_property
    def sessions(self) -> Record:
        """The sessions in figures."""
        return measure_sessions(self.before_cut(SESSIONS, "session_date"))

    @cached_property
    def ledger(self) -> Records:
        """The ledger per source, stage and reason."""
        return sum_ledger(self.read(INGEST_LEDGER))

    @cached_property
    def profiles(self) -> Records:
        """The segments of the newest cut, largest first; empty if no user was scored."""
        cut = self.newest_cut(SEGMENT_PROFILES)
        return [] if cut is None else list_profiles(self.read(SEGMENT_PROFILES), cut)

    @cached_property
    def monitored_cut(self) -> date | None:
        """The newest cut at which anything was monitored; None: there is none. A quiet one has no alert."""
        cuts = (self.newest_cut(table) for table in (DRIFT, MONITORED_RATES, ALERTS))
        return max((cut for cut in cuts if cut is not None), default=None)

    @cached_property
    def alerts(self) -> Records:
        """The alerts of that cut."""
        cut = self.monitored_cut
        return [] if cut is None else list_alerts(self.read(ALERTS), cut)
