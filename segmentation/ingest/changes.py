"""Table changes of one batch, as values: rows to delete, rows to append, signed rows to add."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from segmentation.lake.lake import NO_ROW

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date

    from pyspark.sql import DataFrame

    from segmentation.tables.table import Table

    Store = Callable[["TableChange"], "Stored"]

ALL = "true"
"""Condition that every row fulfils."""


@dataclass(frozen=True)
class Deletion:
    """Rows to delete: those of the target `t` whose `on` columns equal a row of `keys` (distinct rows, no nulls)."""

    keys: DataFrame
    on: tuple[str, ...]
    prune: str = ALL
    """A condition on `t` alone, with literals, so that Delta skips files by their statistics."""


@dataclass(frozen=True)
class TableChange:
    """Changes of one table: deletions first, then rows to append, then signed rows to add by key."""

    table: Table
    deletions: tuple[Deletion, ...] = ()
    rows: DataFrame | None = None
    """Rows to append; None: append nothing, which saves a commit."""
    corrections: DataFrame | None = None
    """Signed measures to add to the rows of the same key; None: correct nothing."""
    replaces: str | None = None
    """Condition of the stored rows that `rows` replace; None: they are appended."""
    stored: DataFrame | None = None
    """All stored rows of a small table, which is then rewritten whole; None: a large table is changed in place."""

    @property
    def is_empty(self) -> bool:
        """Return whether the table stays as it is."""
        return not self.deletions and self.rows is None and self.corrections is None


@dataclass(frozen=True)
class Stored:
    """Rows of a change that are kept, cheap to read again column by column."""

    rows: DataFrame
    to_write: tuple[TableChange, ...] = ()
    """The change, if it is not written yet."""


def list_days(rows: DataFrame, column: str) -> tuple[date, ...]:
    """Return the distinct days of a column, sorted; one query."""
    return tuple(sorted(row[column] for row in rows.select(column).distinct().collect()))  # a row per day


def on_days(days: Sequence[date], column: str) -> str:
    """Return the condition that a day column is one of the days; Delta skips the files of other days."""
    return f"{column} IN (" + ", ".join(f"DATE'{day}'" for day in sorted(days)) + ")" if days else NO_ROW
