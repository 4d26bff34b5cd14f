"""The published tables that a batch is compared with."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from segmentation.checkpoints import Counted, checkpoint
from segmentation.frames import union_all
from segmentation.tables import (
    DUPLICATES,
    EVENTS,
    IDENTITIES,
    INGEST_LEDGER,
    INPUT_UNITS,
    ORDER_EVENTS,
    QUARANTINE,
    RECORD_KEY,
    SESSIONS,
    USER_DAYS,
)
from segmentation.tables.ingest_ledger import ACCEPTED

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from pyspark.sql import Column, DataFrame

    from segmentation.lake.lake import Lake


COMPARED = (EVENTS, SESSIONS, USER_DAYS, QUARANTINE, DUPLICATES, ORDER_EVENTS)
"""Tables that a batch is compared with."""


@dataclass(frozen=True)
class Erased:
    """Single records that leave every table, as if they had never been received; the ledger may still count them."""

    events: Counted
    """Rows of `events`."""
    duplicates: Counted
    """Rows of `duplicates`."""
    quarantined: Counted
    """Rows of `quarantine`."""
    excluded_as: str | None = None
    """The reason under which the ledger counts them as excluded; None: it forgets them."""

    def keys(self) -> DataFrame:
        """Return the positions (RECORD_KEY) of all these records."""
        return union_all(part.rows.select(*RECORD_KEY) for part in (self.events, self.duplicates, self.quarantined))


@dataclass(frozen=True)
class Superseded:
    """Records that leave every table with a batch: those of superseded input units, or those that are erased."""

    unit_ids: tuple[str, ...] = ()
    event_dates: tuple[date, ...] = ()
    """Days of the accepted events of these units."""
    erased: Erased | None = None
    """Erased records; `events` alone still has them (:func:`without_erased`)."""

    def __bool__(self) -> bool:
        """Return whether there is any."""
        return bool(self.unit_ids) or self.erased is not None

    def of_unit(self) -> Column:
        """Return whether a row (with unit_id) came in one of these units."""
        return F.col("unit_id").isin(*self.unit_ids) if self.unit_ids else F.lit(False)


@dataclass(frozen=True)
class Snapshot:
    """The published tables, and what the batch supersedes in them."""

    events: DataFrame
    sessions: DataFrame
    user_days: DataFrame
    quarantine: DataFrame
    duplicates: DataFrame
    order_events: DataFrame
    input_units: DataFrame
    """Input units of earlier batches and of this one."""
    is_empty: bool
    """No batch was ingested before: nothing needs to be looked up."""
    superseded: Superseded = Superseded()
    has_persons: bool = False
    """Whether identities were applied: the events of one identifier may be stored under several users."""
    has_orders: bool = False
    """Whether any event of an order is stored."""
    is_small: bool = False
    """The tables are checkpointed in memory; they are rewritten whole instead of being changed in place."""

    def whole(self, table: DataFrame) -> DataFrame | None:
        """Return a table of a small lake for rewriting; None if the lake is large."""
        return table if self.is_small else None

    def on_days(self, rows: DataFrame, column: str, days: Sequence[date]) -> DataFrame:
        """Keep only rows of the given days, so that files of other days are skipped; a small lake needs no skipping."""
        return rows if self.is_small else rows.where(F.col(column).isin(*days))

    @property
    def kept_events(self) -> DataFrame:
        """The stored events without those that are erased."""
        erased = self.superseded.erased
        return self.events if erased is None else _without(self.events, erased.events)

    def superseded_events(self) -> DataFrame:
        """Return the stored events that leave: those of superseded units, or those that are erased."""
        if self.superseded.erased is not None:
            return self.superseded.erased.events.rows
        on_days = F.col("event_date").isin(*self.superseded.event_dates) if self.superseded else F.lit(False)
        return self.events.where(on_days & self.superseded.of_unit())


def is_small_lake(lake: Lake, megabytes: float) -> bool:
    """Return whether the tables that batches are compared with have at most so many megabytes; no query."""
    return sum(lake.megabytes(table) for table in COMPARED) <= megabytes


def read_snapshot(
    lake: Lake,
    new_units: DataFrame | None = None,
    superseded: Sequence[str] = (),
    *,
    is_empty: bool = False,
    is_small: bool = False,
) -> Snapshot:
    """Read the tables as this run sees them.

    Args:
        lake: the lake.
        new_units: rows of `input_units` of the batch; they count as known already.
        superseded: unit_ids that the batch supersedes.
        is_empty: no batch was ingested before.
        is_small: checkpoint the tables in memory.
    """
    units = lake.read(INPUT_UNITS)
    hold, filled = is_small and not is_empty, [table for table in COMPARED if not lake.is_vacant(table)]
    read = {table: lake.read(table) for table in COMPARED}
    tables = {table.name: checkpoint(rows) if hold and table in filled else rows for table, rows in read.items()}
    return Snapshot(
        **tables,
        is_small=hold,
        input_units=units if new_units is None else units.unionByName(new_units),
        is_empty=is_empty,
        superseded=_superseded(lake, superseded),
        has_orders=ORDER_EVENTS in filled,
        has_persons=lake.version(IDENTITIES) is not None,
    )


def without_erased(snapshot: Snapshot, erased: Erased) -> Snapshot:
    """Return the tables without the erased records, for judging the records that they share an identity with.

    The erased events stay in `events`: the sessions and user days from which they leave are still those with them.
    """
    return replace(
        snapshot,
        quarantine=_without(snapshot.quarantine, erased.quarantined),
        duplicates=_without(snapshot.duplicates, erased.duplicates),
        superseded=Superseded(erased=erased),
    )


def _without(rows: DataFrame, left_out: Counted) -> DataFrame:
    if not left_out.count:
        return rows
    return rows.join(left_out.select(*RECORD_KEY).hinted, list(RECORD_KEY), "left_anti")


def _superseded(lake: Lake, unit_ids: Sequence[str]) -> Superseded:
    if not unit_ids:
        return Superseded()
    of_them = lake.read(INGEST_LEDGER).where(F.col("unit_id").isin(*unit_ids) & (F.col("stage") == ACCEPTED))
    days = of_them.select("event_date").distinct().collect()  # a row per day
    return Superseded(tuple(sorted(unit_ids)), tuple(sorted(row["event_date"] for row in days)))
