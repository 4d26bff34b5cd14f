"""What an increment reads and what it changes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from segmentation.checkpoints import checkpoint

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date

    from pyspark.sql import Column, DataFrame

    from segmentation.tables import Table

RECORD_KEY = ("batch_id", "record_no")
USER_DAY = ("user_id", "event_date")


@dataclass(frozen=True)
class Slice:
    """Newly received records, parsed."""

    records: DataFrame
    """All of them (PARSED_RECORDS), each once; cheap to read again."""
    pick: Callable[[DataFrame], DataFrame]
    """Parse few of them alone: those whose row_key the given frame has."""
    lateness_days: int | None
    """The source's lateness bound; None: no received time is mapped, so nothing is late."""


@dataclass(frozen=True)
class Withdrawal:
    """Units that a slice supersedes: their records leave every table with it."""

    batch_ids: tuple[str, ...] = ()
    event_dates: tuple[date, ...] = ()
    """Days of their accepted events."""

    def leaves(self) -> Column:
        """Tell whether a row (with batch_id) is of these units."""
        return F.col("batch_id").isin(*self.batch_ids)


@dataclass(frozen=True)
class State:
    """The published tables that a slice is judged against."""

    events: DataFrame
    sessions: DataFrame
    user_days: DataFrame
    user_day_counts: DataFrame
    quarantine: DataFrame
    duplicates: DataFrame
    input_units: DataFrame
    is_empty: bool
    """Nothing was taken in yet: there is nothing to look up."""
    slice_is_small: bool = True
    """Some columns of all records of the slice fit into the memory of every executor."""
    few_partitions: int | None = None
    """Into how many partitions few rows of the slice are put; None: they stay as they come."""
    withdrawal: Withdrawal = Withdrawal()
    """What the slice takes the place of; the tables still have it."""

    def broadcast(self, of_slice: DataFrame) -> DataFrame:
        """Send rows of the slice to where the other side of a join stands, if they are few, so that it stays put."""
        return F.broadcast(of_slice) if self.slice_is_small else of_slice

    def hold_few(self, df: DataFrame) -> DataFrame:
        """Hold a frame of few rows; one made of many files would have a task for each in all that is made of it.

        A task costs as much as a thousand rows, and a frame of one partition needs no exchange.
        """
        return self.together(checkpoint(df))

    def together(self, few: DataFrame) -> DataFrame:
        """Put few rows that are held into as many partitions as they are worth."""
        return few if self.few_partitions is None else few.coalesce(self.few_partitions)

    def standing(self, rows: DataFrame) -> DataFrame:
        """Leave out the rows (with batch_id) of what leaves."""
        return rows.where(~self.withdrawal.leaves()) if self.withdrawal.batch_ids else rows

    def leaving(self, rows: DataFrame) -> DataFrame:
        """Return the rows (with batch_id) of what leaves alone."""
        return rows.where(self.withdrawal.leaves())


@dataclass(frozen=True)
class Retraction:
    """Rows to delete: those whose `on` columns stand in `keys`; `prune` is a condition on the target with literals."""

    table: Table
    keys: DataFrame
    on: tuple[str, ...]
    prune: str = "true"


@dataclass(frozen=True)
class Addition:
    """Rows to append."""

    table: Table
    rows: DataFrame


@dataclass(frozen=True)
class Correction:
    """Signed sums to add to the rows of the same key."""

    table: Table
    deltas: DataFrame
    prune: str = "true"


@dataclass
class Increment:
    """Everything that a slice changes. Retractions come before additions."""

    retractions: list[Retraction] = field(default_factory=list)
    additions: list[Addition] = field(default_factory=list)
    corrections: list[Correction] = field(default_factory=list)
    records: int = 0
    """How many records the slice has."""
    ledger: DataFrame = field(init=False)
    """The slice's signed ledger rows, held."""
    values_without_rate: int = 0
    """How many more events than before have a value in a currency without a rate, and are in no sum of money."""
    most_events: int = 0
    """Most events that any touched user's day has after the slice."""
    transition_days: list[date] = field(default_factory=list)
    """Days whose transitions may have changed."""


def on_days(days: Sequence[date], column: str = "t.event_date") -> str:
    """Say that a row (of the target `t`) is of one of the days, so that Delta skips the files of others."""
    return f"{column} IN (" + ", ".join(f"DATE'{day}'" for day in days) + ")" if days else "false"
