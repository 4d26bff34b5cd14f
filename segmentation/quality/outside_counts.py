"""Compare our events with an outside count of the same days: of the platform's own report, a till, a provider."""

from __future__ import annotations

from functools import reduce
from operator import and_, or_
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from segmentation.errors import ConfigurationError, nearest
from segmentation.frames import conform
from segmentation.tables import COUNT_COMPARISONS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from pyspark.sql import Column, DataFrame

DAY, HOUR = "event_date", "hour"
BY = (DAY, HOUR, "platform", "event_name", "channel")
"""Columns by which an outside count may be grouped; the day is required."""
COUNT = "events"
EDGES = ("first_at", "last_at")
"""Optional: the first and last time that was counted (local, of the reporting zone)."""
SETTLING_DAYS = 3
"""Sources still deliver for so long after a day: differences of those days are shown and not held against anybody."""


def read_outside_counts(raw: DataFrame, origin: str) -> DataFrame:
    """Type the columns of an outside count.

    Args:
        raw: texts under a header: event_date and events, and any of hour, platform, event_name, channel, first_at
            and last_at. Rows of one cell are added up.
        origin: where it was read, for messages.

    Raises:
        ConfigurationError: a column is missing or unknown.
    """
    known = (*BY, COUNT, *EDGES)
    unknown = [name for name in raw.columns if name not in known]
    if unknown:
        raise ConfigurationError(f"{origin}: unknown column '{unknown[0]}'{nearest(unknown[0], known)}")
    missing = [name for name in (DAY, COUNT) if name not in raw.columns]
    if missing:
        raise ConfigurationError(f"{origin}: column {' and '.join(missing)} is missing")
    types = {DAY: "date", HOUR: "int", COUNT: "bigint", "first_at": "timestamp", "last_at": "timestamp"}
    typed = raw.select(*(F.trim(name).try_cast(types.get(name, "string")).alias(name) for name in raw.columns))
    by = [name for name in BY if name in raw.columns]
    sums = [F.sum(COUNT).alias(COUNT)]
    sums += [F.min(name).alias(name) for name in EDGES[:1] if name in raw.columns]
    sums += [F.max(name).alias(name) for name in EDGES[1:] if name in raw.columns]
    return typed.groupBy(*by).agg(*sums)


def compare_counts(events: DataFrame, outside: DataFrame, *, time_zone: str, as_of: date) -> DataFrame:
    """Lay our events beside an outside count, cell by cell; only days from its first to its last.

    Grain: a cell of the outside count's own columns (day, and hour, platform, event name, channel where it has them).
    Times are local to `time_zone`. A cell that one side lacks counts 0 there.

    Args:
        events: rows of `events`.
        outside: of :func:`read_outside_counts`.
        time_zone: reporting zone; `event_date` is of it.
        as_of: cut, exclusive: days of the last 72 hours before it are settling.

    Returns:
        The cells with events, counted, difference (ours less theirs), first_at, last_at, and where the outside count
        has them counted_first_at and counted_last_at; `settling`; `other_times`: both sides have events, and the
        first or last second differs (false where the outside count has no times).
    """
    by = [name for name in BY if name in outside.columns]
    local = F.from_utc_timestamp("event_at", time_zone)
    span = F.broadcast(outside.agg(F.min(DAY).alias("_from"), F.max(DAY).alias("_to")))
    covered = events.select("*", local.alias("_at")).join(span, F.col(DAY).between(F.col("_from"), F.col("_to")))
    ours = covered.select(*(F.hour("_at").alias(HOUR) if name == HOUR else F.col(name) for name in by), "_at")
    counted = ours.groupBy(*by).agg(
        F.count(F.lit(1)).alias("events"), F.min("_at").alias("first_at"), F.max("_at").alias("last_at")
    )
    renamed = {COUNT: "counted", **{name: f"counted_{name}" for name in EDGES}}
    theirs = outside.select(*(F.col(name).alias(renamed.get(name, f"_{name}")) for name in outside.columns))
    joined = counted.join(theirs, _same(by), "outer")
    mine, other = F.coalesce("events", F.lit(0)), F.coalesce("counted", F.lit(0))
    day = F.coalesce(F.col(DAY), F.col(f"_{DAY}"))
    return joined.select(
        *(F.coalesce(F.col(name), F.col(f"_{name}")).alias(name) for name in by),
        mine.alias("events"),
        other.alias("counted"),
        (mine - other).alias("difference"),
        *EDGES,
        *(renamed[name] for name in EDGES if name in outside.columns),
        (day >= F.date_sub(F.lit(as_of), SETTLING_DAYS)).alias("settling"),
        reduce(or_, (_differs(name) for name in EDGES if name in outside.columns), F.lit(False)).alias("other_times"),
    )


def compared_cells(cells: DataFrame, *, source: str, counts: str, as_of: date, time_zone: str) -> DataFrame:
    """Return cells of :func:`compare_counts` as rows of `count_comparisons`, with times as instants.

    Args:
        cells: the cells, with times local to `time_zone`.
        source: source whose events were counted.
        counts: where the outside count was read.
        as_of: cut, exclusive.
        time_zone: reporting zone.
    """
    known = {column.name: column.type for column in COUNT_COMPARISONS.columns}
    times = {name for edge in EDGES for name in (edge, f"counted_{edge}")}
    absent = [name for name in (*BY, *times) if name not in cells.columns]
    instants = [F.to_utc_timestamp(name, time_zone).alias(name) for name in times if name in cells.columns]
    kept = [name for name in cells.columns if name not in times]
    constants = {"source": F.lit(source), "counts": F.lit(counts), "as_of": F.lit(as_of)}
    return conform(
        cells.select(
            *kept,
            *instants,
            *(F.lit(None).cast(known[name]).alias(name) for name in absent),
            *(value.alias(name) for name, value in constants.items()),
        ),
        COUNT_COMPARISONS,
    )


def _differs(edge: str) -> Column:
    seconds = (F.date_trunc("second", F.col(name)) for name in (edge, f"counted_{edge}"))
    return F.coalesce(next(seconds) != next(seconds), F.lit(False))


def _same(by: Sequence[str]) -> Column:
    return reduce(and_, (F.col(name).eqNullSafe(F.col(f"_{name}")) for name in by))
