"""What every section is given: the lake as published, the cut, and how much to show."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from segmentation.review.frames.records import cut_before, find_cut
from segmentation.review.params import ReviewParams

if TYPE_CHECKING:
    from datetime import date

    from pyspark.sql import DataFrame

    from segmentation.storage.lake import Lake
    from segmentation.tables.table import Table


@dataclass(frozen=True)
class Reading:
    """A lake seen at a cut (exclusive; None: everything)."""

    lake: Lake
    as_of: date | None = None
    params: ReviewParams = field(default_factory=ReviewParams)

    def missing(self, *tables: Table) -> tuple[str, ...]:
        """Return the jobs that fill those of the tables that were never published."""
        return tuple(dict.fromkeys(t.written_by.split(", ")[-1] for t in tables if self.lake.version(t) is None))

    def before_cut(self, table: Table, day: str) -> DataFrame:
        """Read a table's rows of days before the cut."""
        return cut_before(self.lake.read(table), day, self.as_of)

    def newest_cut(self, table: Table, column: str = "as_of") -> date | None:
        """Return the newest cut that a table holds, not after ours; None where it holds none."""
        return None if self.lake.version(table) is None else find_cut(self.lake.read(table), self.as_of, column)
