"""Verdicts of checks on data: the rows of `quality_results`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from segmentation.quality.declarations import Limits, NamedCheck

PASSED, WARNED, FAILED, NOT_JUDGED = "passed", "warned", "failed", "not_judged"
LISTED = 10
"""Names in a line of evidence; of more it says how many."""


@dataclass(frozen=True)
class Result:
    """One verdict. Without a value nothing is judged."""

    check: NamedCheck
    source: str
    evidence: str
    day: date | None = None
    value: float | None = None
    at_least: float | None = None
    at_most: float | None = None
    part: int | None = None
    whole: int | None = None

    @property
    def status(self) -> str:
        """Passed within the limits, else what the level of the check makes of it."""
        if self.value is None:
            return NOT_JUDGED
        low = self.at_least is not None and self.value < self.at_least
        high = self.at_most is not None and self.value > self.at_most
        if not (low or high):
            return PASSED
        return FAILED if self.check.rule.level == "error" else WARNED

    def row(self, as_of: date) -> tuple[Any, ...]:
        """Return the row in contract order."""
        rule = self.check.rule
        return (
            *(self.check.name, rule.kind, rule.level, self.source, self.day, as_of),
            *(self.value, self.part, self.whole, self.at_least, self.at_most, self.status, self.evidence),
        )

    def __str__(self) -> str:
        """Say it in a line."""
        when = f" on {self.day}" if self.day else ""
        return f"{self.check.name} ({self.source}{when}): {self.evidence}"


def sort_results(results: Iterable[Result]) -> list[Result]:
    """Sort by key; verdicts without a day come first."""
    return sorted(results, key=lambda r: (r.check.name, r.source, r.day or date.min))


def share_result(  # noqa: PLR0913  a verdict's parts
    check: NamedCheck,
    source: str,
    day: date | None,
    *,
    part: int,
    whole: int,
    limits: Limits,
    what: str,
    least_records: int = 1,
) -> Result:
    """Judge a share of records; of fewer than `least_records` it is not judged."""
    if whole < least_records:
        evidence = f"{whole} records, {least_records} are needed"
        return Result(check, source, evidence, day, None, limits.at_least, limits.at_most, whole=whole)
    limit = f"at least {limits.at_least}" if limits.at_least is not None else f"at most {limits.at_most}"
    evidence = f"{part} of {whole} {what}: {part / whole:.4f}, {limit} is asked for"
    return Result(check, source, evidence, day, part / whole, limits.at_least, limits.at_most, part, whole)


def list_names(names: Sequence[str]) -> str:
    """List names, the first few of many."""
    shown = ", ".join(names[:LISTED])
    return f"{shown} and {len(names) - LISTED} more" if len(names) > LISTED else shown
