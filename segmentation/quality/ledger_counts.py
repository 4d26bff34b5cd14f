"""The ledger as checks look at it: counts per source and day, small enough for the driver."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, NamedTuple

from pyspark.sql import functions as F

from segmentation.tables.ingest_ledger import ACCEPTED, DUPLICATE, EXCLUDED, QUARANTINED, READ, UNPARSABLE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pyspark.sql import DataFrame

WEIGHED = (READ, ACCEPTED, DUPLICATE, QUARANTINED, EXCLUDED, UNPARSABLE)


class Cell(NamedTuple):
    """Records of a source. The day is None if it precedes the checked days, or if the record has no readable day."""

    source: str
    day: date | None
    event_name: str | None
    stage: str
    reason: str | None
    records: int


@dataclass(frozen=True)
class LedgerCounts:
    """Counts of the ledger from some day on, with sums over all days."""

    first: dict[str, date] = field(default_factory=dict)
    """Source -> the day of its first accepted event; sources with none are not there."""
    accepted: dict[str, dict[date, Counter[str]]] = field(default_factory=dict)
    """Source -> day -> event name -> accepted events."""
    fates: dict[str, dict[date | None, Counter[str]]] = field(default_factory=dict)
    """Source -> day -> stage or reason -> records; None holds the sum of all."""

    @property
    def sources(self) -> list[str]:
        """All sources, sorted."""
        return sorted(self.fates)

    def names(self, source: str, days: Iterable[date]) -> Counter[str]:
        """Sum the accepted events of some days by name."""
        of_source = self.accepted.get(source, {})
        return sum((of_source[day] for day in days if day in of_source), Counter[str]())

    def events(self, source: str, day: date, name: str | None = None) -> int:
        """Count a day's accepted events, of one name or of all."""
        names = self.accepted.get(source, {}).get(day, Counter())
        return names.total() if name is None else names[name]


def read_ledger(ledger: DataFrame, *, start: date, as_of: date) -> LedgerCounts:
    """Add up the ledger in one pass.

    Grain: a ledger row -> counts per source, day from `start` on, event name, stage and reason. Event days at or after
    the cut are left out; records without a readable day are in the sums over all days only.
    """
    day, weighed = F.col("event_date"), F.col("stage").isin(*WEIGHED)
    seen = ledger.where(weighed & (day.isNull() | (day < F.lit(as_of))))
    recent = F.when(day >= F.lit(start), day)
    rows = (
        seen.groupBy(
            "source",
            recent.alias("day"),
            F.when(recent.isNotNull() & (F.col("stage") == ACCEPTED), F.col("event_name")).alias("event_name"),
            "stage",
            "reason",
        )
        .agg(F.sum("records").alias("records"), F.min("event_date").alias("first"))
        .collect()  # a row per source, day, name and reason
    )
    cells = [Cell(r["source"], r["day"], r["event_name"], r["stage"], r["reason"], r["records"]) for r in rows]
    accepted = [(r["source"], r["first"]) for r in rows if r["stage"] == ACCEPTED and r["first"] and r["records"]]
    first: dict[str, date] = {}
    for source, at in accepted:
        first[source] = min(at, first.get(source, at))
    return count_cells(cells, first)


def count_cells(cells: Iterable[Cell], first: dict[str, date]) -> LedgerCounts:
    """Arrange cells by source and day."""
    counts = LedgerCounts(first)
    for cell in cells:
        fates = counts.fates.setdefault(cell.source, {})
        for when in {cell.day, None}:
            fate = fates.setdefault(when, Counter())
            fate[cell.stage] += cell.records
            if cell.reason is not None:
                fate[cell.reason] += cell.records
        if cell.stage == ACCEPTED and cell.day is not None:
            names = counts.accepted.setdefault(cell.source, {}).setdefault(cell.day, Counter())
            names[cell.event_name or ""] += cell.records
    return counts


def days_before(day: date, days: int) -> list[date]:
    """Return the days before a day, oldest first."""
    return [day - timedelta(days=n) for n in range(days, 0, -1)]
