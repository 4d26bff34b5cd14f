"""Figures with their method, threshold and status: the rows of `evaluations`."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

OK = "ok"
BREACH = "breach"
INFO = "info"


@dataclass(frozen=True)
class Figure:
    """One figure. At most one of `at_least` and `at_most` is its threshold."""

    metric: str
    scope: str
    value: float | None
    method: str
    at_least: float | None = None
    at_most: float | None = None
    lower: float | None = None
    upper: float | None = None

    @property
    def threshold(self) -> float | None:
        """The limit in force, None where there is none."""
        return self.at_least if self.at_least is not None else self.at_most

    @property
    def status(self) -> str:
        """`info` without a threshold, else `ok` or `breach`; a figure that could not be computed breaches its own."""
        if self.threshold is None:
            return INFO
        if self.value is None or math.isnan(self.value):
            return BREACH
        too_low = self.at_least is not None and self.value < self.at_least
        too_high = self.at_most is not None and self.value > self.at_most
        return BREACH if too_low or too_high else OK


Row = tuple[str, str, "date", float | None, float | None, float | None, str, float | None, str]


def evaluation_rows(figures: Iterable[Figure], *, as_of: date) -> list[Row]:
    """Return the rows of `evaluations` in contract order, sorted by their key."""
    ordered = sorted(figures, key=lambda f: (f.metric, f.scope))
    return [(f.metric, f.scope, as_of, f.value, f.lower, f.upper, f.method, f.threshold, f.status) for f in ordered]
