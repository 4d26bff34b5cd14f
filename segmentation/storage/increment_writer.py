"""Write an increment: retractions, additions, corrections, then what is counted from them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from segmentation.frames import union_all
from segmentation.increments.state import on_days
from segmentation.sequences.transitions import build_transitions
from segmentation.steps import in_step, step
from segmentation.tables.events import EVENTS
from segmentation.tables.quarantine import QUARANTINE
from segmentation.tables.sessions import SESSIONS
from segmentation.tables.transitions import TRANSITIONS
from segmentation.tables.user_day_counts import USER_DAY_COUNTS
from segmentation.tables.user_days import USER_DAYS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import date

    from pyspark.sql import DataFrame

    from segmentation.increments.state import Increment
    from segmentation.storage.lake import Lake
    from segmentation.tables.table import Table


TABLES_AT_ONCE = 3
"""Tables are independent, and most of a small commit is waiting: some are written at the same time."""
LONGEST_FIRST = (USER_DAY_COUNTS.name, EVENTS.name, SESSIONS.name, USER_DAYS.name, QUARANTINE.name)
"""Three steps one after the other for the first, marks and rows for most, rows alone for all others."""


def write_increment(lake: Lake, increment: Increment) -> None:
    """Write everything that a slice changes, ahead of the published versions; publishing is the caller's."""
    steps: dict[str, list[Callable[[], None]]] = {}
    for retraction in increment.retractions:
        write = partial(lake.delete, retraction.table, retraction.keys, retraction.on, retraction.prune)
        steps.setdefault(retraction.table.name, []).append(write)
    for table, rows in _by_table((addition.table, addition.rows) for addition in increment.additions):
        steps.setdefault(table.name, []).append(partial(lake.append, table, rows))
    for correction in increment.corrections:
        write = partial(lake.add, correction.table, correction.deltas, correction.prune)
        steps.setdefault(correction.table.name, []).append(write)
    if increment.transition_days:
        write = partial(_rewrite_transitions, lake, increment.transition_days)
        steps.setdefault(USER_DAY_COUNTS.name, []).append(write)
    names = sorted(steps, key=lambda name: LONGEST_FIRST.index(name) if name in LONGEST_FIRST else len(LONGEST_FIRST))
    with ThreadPoolExecutor(TABLES_AT_ONCE) as pool:
        for done in [pool.submit(in_step(lake.spark, partial(_in_order, lake, name, steps[name]))) for name in names]:
            done.result()


def _in_order(lake: Lake, table: str, steps: list[Callable[[], None]]) -> None:
    with step(lake.spark, f"write {table}"):
        for each in steps:
            each()


def _rewrite_transitions(lake: Lake, days: list[date]) -> None:
    counts = lake.read(USER_DAY_COUNTS).where(F.col("event_date").isin(*days))
    lake.replace(TRANSITIONS, build_transitions(counts), on_days(days, "session_date"))


def _by_table(pairs: Iterable[tuple[Table, DataFrame]]) -> list[tuple[Table, DataFrame]]:
    grouped: dict[str, tuple[Table, list[DataFrame]]] = {}
    for table, rows in pairs:
        grouped.setdefault(table.name, (table, []))[1].append(rows)
    return [(table, union_all(parts)) for table, parts in grouped.values()]
