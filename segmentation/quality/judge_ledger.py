"""Checks that the ledger answers: volume, event names, shares of what was read. Plain arithmetic on small counts."""

from __future__ import annotations

import math
from collections import Counter
from datetime import date, timedelta
from statistics import median
from typing import TYPE_CHECKING

from segmentation.quality.declarations import DUPLICATES, REJECTED, EventNames, LedgerShare, Limits, Volume
from segmentation.quality.ledger_counts import days_before
from segmentation.quality.results import Result, list_names, share_result
from segmentation.tables.ingest_ledger import DUPLICATE, EXCLUDED, QUARANTINED, READ, UNPARSABLE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from segmentation.quality.declarations import NamedCheck
    from segmentation.quality.ledger_counts import LedgerCounts

WEEK = 7
MAD_TO_DEVIATION = 1.4826
"""Median absolute deviation -> standard deviation of a normal distribution. Rousseeuw and Croux (1993), JASA 88."""


def trailing_days(rule: object) -> int:
    """Return how many days before a checked one the ledger is needed for."""
    if isinstance(rule, Volume):
        return rule.weeks * WEEK
    return rule.trailing_days if isinstance(rule, EventNames) else 0


def judge_ledger(check: NamedCheck, counts: LedgerCounts, source: str, days: Sequence[date]) -> list[Result]:
    """Judge one source by a check that the ledger answers; other kinds give nothing.

    Args:
        check: the check.
        counts: the ledger, from `trailing_days` before the first day on.
        source: the source.
        days: checked days.
    """
    rule = check.rule
    if isinstance(rule, Volume):
        return [_judge_volume(check, rule, counts, source, day) for day in days]
    if isinstance(rule, EventNames):
        return [_judge_names(check, rule, counts, source, day) for day in days]
    if isinstance(rule, LedgerShare):
        over: Sequence[date | None] = days if rule.over == "day" else [None]
        return [_judge_share(check, rule, counts, source, day) for day in over]
    return []


def _judge_volume(check: NamedCheck, rule: Volume, counts: LedgerCounts, source: str, day: date) -> Result:
    first = counts.first.get(source, day)
    before = [day - timedelta(days=WEEK * n) for n in range(1, rule.weeks + 1)]
    usual = [counts.events(source, one, rule.event) for one in before if one >= first]
    found = counts.events(source, day, rule.event)
    if len(usual) < rule.min_weeks:
        return Result(check, source, f"{found} events; {len(usual)} such weekdays, {rule.min_weeks} are needed", day)
    middle = median(usual)
    if middle == 0:
        return Result(check, source, f"{found} events; there are none on most {day:%A}s", day)
    deviation = MAD_TO_DEVIATION * median(abs(one - middle) for one in usual)
    leeway = max(rule.spreads * max(deviation, math.sqrt(middle)), rule.min_change * middle)
    low, high = max(0.0, middle - leeway), middle + leeway
    evidence = f"{found} events, {found / middle:.0%} of the median {middle:g} of {len(usual)} {day:%A}s"
    evidence += f"; {low:.0f} to {high:.0f} are usual"
    # A day without events is never usual, however widely days differ.
    return Result(check, source, evidence, day, value=float(found), at_least=max(low, 1.0), at_most=high)


def _judge_names(check: NamedCheck, rule: EventNames, counts: LedgerCounts, source: str, day: date) -> Result:
    before = days_before(day, rule.trailing_days)
    active = sum(counts.events(source, one) > 0 for one in before)
    if active < rule.min_days:
        return Result(check, source, f"events on {active} of the days before, {rule.min_days} are needed", day)
    known, found = counts.names(source, before), counts.names(source, [day])
    scale = found.total() / known.total()
    new = {name: n for name, n in found.items() if known[name] == 0 and n >= rule.min_events}
    gone = {name: n * scale for name, n in known.items() if not found[name] and n * scale >= rule.min_expected}
    said = [
        f"{word}: {list_names([f'{name} ({n:.0f}{unit})' for name, n in sorted(some.items())])}"
        for word, unit, some in (("new", " events", new), ("gone", " expected", gone))
        if some
    ]
    evidence = "; ".join(said) or f"{len(found)} names, none of them new, none gone"
    return Result(check, source, evidence, day, value=float(len(new) + len(gone)), at_most=float(rule.at_most))


def _judge_share(check: NamedCheck, rule: LedgerShare, counts: LedgerCounts, source: str, day: date | None) -> Result:
    fates = counts.fates.get(source, {}).get(day, Counter())
    stages = {REJECTED: (QUARANTINED, UNPARSABLE), DUPLICATES: (DUPLICATE,)}.get(rule.of, (rule.of,))
    return share_result(
        check,
        source,
        day,
        part=sum(fates.get(stage, 0) for stage in stages),
        whole=fates.get(READ, 0) - (fates.get(EXCLUDED, 0) if rule.of == REJECTED else 0),
        limits=Limits(at_most=rule.at_most),
        what=f"records {rule.of}" if rule.of in (REJECTED, DUPLICATES) else f"records rejected as {rule.of}",
        least_records=rule.min_records,
    )
