"""Checks that look into `events`: values of columns and properties, and how fresh the newest record is."""

from __future__ import annotations

from datetime import date, datetime, timezone
from typing import TYPE_CHECKING, NamedTuple

from pyspark.sql import functions as F

from segmentation.event_properties import read_property
from segmentation.quality.declarations import AcceptedValues, Completeness, Freshness, Limits, Range
from segmentation.quality.results import Result, share_result

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pyspark.sql import Column, DataFrame

    from segmentation.quality.declarations import ColumnCheck, NamedCheck

MICROS_PER_HOUR = 3_600_000_000
COLUMN_RULES = (Completeness, Range, AcceptedValues)


class Midnight(NamedTuple):
    """Midnight of the cut in the reporting zone: what was received before it counts."""

    at: datetime

    @property
    def instant(self) -> Column:
        """The instant for Spark, whatever the session's zone."""
        return F.timestamp_micros(F.lit(self.micros))

    @property
    def micros(self) -> int:
        """Microseconds since 1970."""
        return round(self.at.astimezone(timezone.utc).timestamp()) * 1_000_000


class Shares(NamedTuple):
    """Counts of one pass: source x day -> per check (values that are right, values), and the events."""

    found: Mapping[tuple[str, date], Sequence[tuple[int, int]]]
    checks: Sequence[NamedCheck]


def measure_columns(
    events: DataFrame, checks: Sequence[NamedCheck], *, days: Sequence[date], until: Midnight
) -> Shares:
    """Count what all column checks ask for, in one pass over the checked days.

    Grain: an event -> per source and day two counts for each check. Null: no event of the check is there.

    Args:
        events: rows of `events`.
        checks: all checks; those of other kinds are left out.
        days: checked days, without gaps.
        until: midnight of the cut.
    """
    asked = [check for check in checks if isinstance(check.rule, COLUMN_RULES)]
    if not asked or not days:
        return Shares({}, ())
    of_days = F.col("event_date").between(F.lit(min(days)), F.lit(max(days)))
    received = events.where(of_days & (F.col("received_at") < until.instant))
    rules = [check.rule for check in asked if isinstance(check.rule, COLUMN_RULES)]
    counts = [column for place, rule in enumerate(rules) for column in _counts(rule, place)]
    rows = received.groupBy("source", "event_date").agg(*counts).collect()  # a row per source and day
    places = range(len(asked))
    found = {(r["source"], r["event_date"]): [(r[f"part_{p}"], r[f"whole_{p}"]) for p in places] for r in rows}
    return Shares(found, asked)


def judge_columns(check: NamedCheck, shares: Shares, source: str, days: Sequence[date]) -> list[Result]:
    """Judge one source by a check of values; other kinds give nothing."""
    rule = check.rule
    if not isinstance(rule, COLUMN_RULES):
        return []
    place = list(shares.checks).index(check)
    results = []
    for day in days:
        part, whole = shares.found.get((source, day), {place: (0, 0)})[place]
        results.append(
            share_result(
                check,
                source,
                day,
                part=part,
                whole=whole,
                limits=Limits(at_least=rule.at_least),
                what=_what(rule),
                least_records=rule.min_records,
            )
        )
    return results


def measure_freshness(
    events: DataFrame, checks: Sequence[NamedCheck], *, sources: Sequence[str], until: Midnight
) -> dict[str, int]:
    """Find each source's newest received_at (micros) before the cut.

    What was received within the longest limit is looked at first; only sources that have nothing there, and so
    break their limit, are looked for in all events.
    """
    limits = [check.rule.at_most_hours for check in checks if isinstance(check.rule, Freshness)]
    if not limits:
        return {}
    known = events.where(F.col("received_at") < until.instant)
    since = F.timestamp_micros(F.lit(until.micros - round(max(limits) * MICROS_PER_HOUR)))
    newest = _newest(known.where(F.col("received_at") >= since))
    absent = [source for source in sources if source not in newest]
    return {**newest, **_newest(known.where(F.col("source").isin(absent)))} if absent else newest


def judge_freshness(check: NamedCheck, newest: Mapping[str, int], source: str, until: Midnight) -> list[Result]:
    """Judge how long before the cut a source's newest record was received; other kinds give nothing."""
    rule = check.rule
    if not isinstance(rule, Freshness):
        return []
    if source not in newest:
        return [Result(check, source, "no event was received yet", at_most=rule.at_most_hours)]
    hours = (until.micros - newest[source]) / MICROS_PER_HOUR
    at = datetime.fromtimestamp(newest[source] // 1_000_000, timezone.utc)
    evidence = f"newest record received {at:%Y-%m-%d %H:%M} UTC, {hours:.1f} h before the cut"
    evidence += f"; at most {rule.at_most_hours:g} h are asked for"
    return [Result(check, source, evidence, value=hours, at_most=rule.at_most_hours)]


def _newest(events: DataFrame) -> dict[str, int]:
    rows = events.groupBy("source").agg(F.unix_micros(F.max("received_at")).alias("at")).collect()  # a row per source
    return {row["source"]: row["at"] for row in rows}


def _counts(rule: ColumnCheck, place: int) -> list[Column]:
    value = F.col(rule.column) if rule.column else read_property(str(rule.property))
    asked = F.lit(True) if rule.event is None else F.col("event_name") == F.lit(rule.event)
    if not isinstance(rule, Completeness):
        asked = asked & value.isNotNull()
    right = F.coalesce(_is_right(rule, value), F.lit(False))
    return [F.count_if(asked & right).alias(f"part_{place}"), F.count_if(asked).alias(f"whole_{place}")]


def _is_right(rule: ColumnCheck, value: Column) -> Column:
    if isinstance(rule, Completeness):
        return value.isNotNull()
    text = value.cast("string")
    if isinstance(rule, AcceptedValues):
        return text.isin(*rule.values)
    number = text.try_cast("double")
    low = F.lit(True) if rule.min is None else number >= F.lit(rule.min)
    high = F.lit(True) if rule.max is None else number <= F.lit(rule.max)
    return low & high & ~F.isnan(number)


def _what(rule: ColumnCheck) -> str:
    name = rule.column or f"properties.{rule.property}"
    if isinstance(rule, Completeness):
        return f"{rule.event or 'all'} events have {name}"
    right = "lie within the range" if isinstance(rule, Range) else "are accepted"
    return f"values of {name}{f' of {rule.event} events' if rule.event else ''} {right}"
