"""The tables that an increment reads, and the changes that it makes."""

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

RECORD_KEY = ("unit_id", "record_no")
USER_DAY = ("user_id", "event_date")


@dataclass(frozen=True)
class Batch:
    """Newly received records, parsed."""

    records: DataFrame
    """All records (PARSED_RECORDS), each once; cheap to read again."""
    pick: Callable[[DataFrame], DataFrame]
    """Parse only the few records whose row_key is in the given frame."""
    allowed_lateness_days: int | None
    """Lateness bound of the source; None: the source maps no received time, so no record is late."""


@dataclass(frozen=True)
class Withdrawal:
    """Units that a batch supersedes; the batch removes their records from every table."""

    unit_ids: tuple[str, ...] = ()
    event_dates: tuple[date, ...] = ()
    """Days of their accepted events."""

    def leaves(self) -> Column:
        """Tell whether a row (with unit_id) is of these units."""
        return F.col("unit_id").isin(*self.unit_ids)


@dataclass(frozen=True)
class State:
    """The published tables that a batch is planned against."""

    events: DataFrame
    sessions: DataFrame
    user_days: DataFrame
    user_day_counts: DataFrame
    quarantine: DataFrame
    duplicates: DataFrame
    input_units: DataFrame
    is_empty: bool
    """Whether nothing was ingested yet, so that there is nothing to look up."""
    batch_is_small: bool = True
    """Whether some columns of all records of the batch fit into the memory of every executor."""
    few_partitions: int | None = None
    """Number of partitions for few rows of the batch; None: their partitions stay as they are."""
    withdrawal: Withdrawal = Withdrawal()
    """Units that the batch supersedes; the tables still hold their records."""

    def broadcast(self, of_slice: DataFrame) -> DataFrame:
        """Broadcast the batch side of a join if it is small, so that the other side is not shuffled."""
        return F.broadcast(of_slice) if self.batch_is_small else of_slice

    def hold_few(self, df: DataFrame) -> DataFrame:
        """Checkpoint a frame of few rows in few partitions.

        A task costs as much as a thousand rows, and a frame of one partition needs no exchange.
        """
        return self.together(checkpoint(df))

    def together(self, few: DataFrame) -> DataFrame:
        """Coalesce few checkpointed rows into few partitions."""
        return few if self.few_partitions is None else few.coalesce(self.few_partitions)

    def standing(self, rows: DataFrame) -> DataFrame:
        """Return the rows (with unit_id) of all units but the superseded ones."""
        return rows.where(~self.withdrawal.leaves()) if self.withdrawal.unit_ids else rows

    def leaving(self, rows: DataFrame) -> DataFrame:
        """Return the rows (with unit_id) of the superseded units."""
        return rows.where(self.withdrawal.leaves())


@dataclass(frozen=True)
class Retraction:
    """Rows to delete: those whose `on` columns are in `keys`. `prune` is a condition on the target with literals."""

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
    """All table changes of a batch. Retractions come before additions."""

    retractions: list[Retraction] = field(default_factory=list)
    additions: list[Addition] = field(default_factory=list)
    corrections: list[Correction] = field(default_factory=list)
    records: int = 0
    """Number of records in the batch."""
    ledger: DataFrame = field(init=False)
    """Signed ledger rows of the batch, checkpointed."""
    values_without_rate: int = 0
    """Number of events, less those of before, whose value has no exchange rate and is in no sum of money."""
    most_events: int = 0
    """Greatest number of events in any changed user-day after the batch."""
    transition_days: list[date] = field(default_factory=list)
    """Days whose transitions may have changed."""


def on_days(days: Sequence[date], column: str = "t.event_date") -> str:
    """Return the condition that a row (of the target `t`) is of one of the days; Delta skips other files."""
    return f"{column} IN (" + ", ".join(f"DATE'{day}'" for day in days) + ")" if days else "false"
