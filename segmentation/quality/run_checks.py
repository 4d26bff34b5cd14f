"""Runs all declared checks on the tables of a lake: few passes, whatever the number of checks."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple
from zoneinfo import ZoneInfo

from segmentation.quality.declarations import NewProperties, RetypedProperties
from segmentation.quality.drift import DRIFT_RULES, judge_properties, measure_properties
from segmentation.quality.judge_events import (
    Midnight,
    judge_columns,
    judge_freshness,
    measure_columns,
    measure_freshness,
)
from segmentation.quality.judge_ledger import judge_ledger, trailing_days
from segmentation.quality.ledger_counts import days_before, read_ledger
from segmentation.quality.results import Result, sort_results

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import DataFrame

    from segmentation.quality.declarations import NamedCheck
    from segmentation.quality.drift import Property
    from segmentation.quality.ledger_counts import LedgerCounts


class Span(NamedTuple):
    """The days to check, both ends included; `fixed` ones were given and know no lag."""

    first: date
    last: date
    fixed: bool = False

    def days(self, lag_days: int) -> list[date]:
        """List the days, `lag_days` earlier unless they were given."""
        back = timedelta(days=0 if self.fixed else lag_days)
        return days_before(self.last + timedelta(days=1) - back, (self.last - self.first).days + 1)


def check_tables(
    events: DataFrame, ledger: DataFrame, checks: Sequence[NamedCheck], *, span: Span, as_of: date, time_zone: str
) -> list[Result]:
    """Judge every source by every check.

    Grain: rows of `events` and `ingest_ledger` -> a verdict per check, source and day (or none). The ledger is added up
    once and tells volume, names and shares. `events` is read for the checked days, in one pass for all values and one
    for all properties (with their trailing days); freshness reads received times of its limit. Event days and receipt
    at or after the cut are left out of `events`; the ledger knows event days only.

    Returns:
        Verdicts in the order of their key.
    """
    if not checks:
        return []
    until = Midnight(datetime(as_of.year, as_of.month, as_of.day, tzinfo=ZoneInfo(time_zone)))
    days = {check.name: span.days(check.rule.lag_days) for check in checks}
    all_days = sorted({day for some in days.values() for day in some})
    back = max(_needed(check) for check in checks)
    counts = read_ledger(ledger, start=all_days[0] - timedelta(days=back), as_of=as_of)
    shares = measure_columns(events, checks, days=all_days, until=until)
    newest = measure_freshness(events, checks, sources=counts.sources, until=until)
    drift = _measure_drift(events, checks, days, until)
    results: list[Result] = []
    for check in checks:
        own = days[check.name]
        if check.rule.source is not None and check.rule.source not in counts.sources:
            results.append(Result(check, check.rule.source, "this source was never ingested"))
            continue
        for source in [check.rule.source] if check.rule.source else counts.sources:
            results += judge_ledger(check, counts, source, own)
            results += judge_columns(check, shares, source, own)
            results += judge_freshness(check, newest, source, until)
            if isinstance(check.rule, DRIFT_RULES):
                has_before = _has_before(check, counts, source, own[0])
                results += judge_properties(check, drift[own[0], _needed(check)], source, has_before=has_before)
    return sort_results(results)


def _needed(check: NamedCheck) -> int:
    rule = check.rule
    return rule.trailing_days if isinstance(rule, NewProperties | RetypedProperties) else trailing_days(rule)


def _has_before(check: NamedCheck, counts: LedgerCounts, source: str, first: date) -> bool:
    return any(counts.events(source, day) for day in days_before(first, _needed(check)))


def _measure_drift(
    events: DataFrame, checks: Sequence[NamedCheck], days: dict[str, list[date]], until: Midnight
) -> dict[tuple[date, int], tuple[Property, ...]]:
    """Measure properties once for each first day and length of trailing: checks that share them share the pass."""
    asked = {
        (days[check.name][0], _needed(check)): days[check.name]
        for check in checks
        if isinstance(check.rule, DRIFT_RULES)
    }
    return {key: measure_properties(events, trailing=key[1], days=own, until=until) for key, own in asked.items()}
