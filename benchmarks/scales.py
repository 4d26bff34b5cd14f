"""How much is generated: events over 90 days, users, and the day that comes next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

DAYS = 90
FIRST_DAY = date(2024, 1, 1)
NEXT_DAY = FIRST_DAY + timedelta(days=DAYS)
SEED = 7


@dataclass(frozen=True)
class Scale:
    """A history: how many events (first deliveries, in expectation) of how many users."""

    name: str
    events: int
    users: int

    @property
    def day_events(self) -> int:
        """Events of an average day."""
        return self.events // DAYS


SCALES = {
    scale.name: scale
    for scale in (
        Scale("tiny", 18_000, 400),
        Scale("200k", 200_000, 4_000),
        Scale("1M", 1_000_000, 20_000),
        Scale("10M", 10_000_000, 400_000),
        Scale("10M-1Mu", 10_000_000, 1_000_000),
        Scale("20M", 20_000_000, 400_000),
        Scale("100M", 100_000_000, 400_000),
    )
}
"""10M and 100M have the same users, so that a day of equally many events is the same day for both. 10M-1Mu has a
million of them, for the sequences."""


@dataclass(frozen=True)
class Inputs:
    """Where a scale's files lie: one a day, named by the day of receipt."""

    root: Path
    scale: Scale
    day_events: int

    @property
    def history(self) -> Path:
        """Folder with the days of the history."""
        return self.root / self.scale.name / "history"

    @property
    def next_day(self) -> Path:
        """Folder with the day after the history, of `day_events` events."""
        return self.root / self.scale.name / f"next-{self.day_events}"

    @property
    def late_day(self) -> Path:
        """Folder with another such day, of as many events, all of them 1 to 72 hours late."""
        return self.root / self.scale.name / f"late-{self.day_events}"
