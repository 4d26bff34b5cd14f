"""Write an increment: retractions, additions and corrections, then the transitions of the changed days."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from segmentation.frames import union_all
from segmentation.ingest.state import on_days
from segmentation.sequences.transitions import build_transitions
from segmentation.tables import EVENTS, QUARANTINE, SESSIONS, TRANSITIONS, USER_DAY_COUNTS, USER_DAYS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import date

    from pyspark.sql import DataFrame

    from segmentation.ingest.state import Increment
    from segmentation.lake.lake import Lake
    from segmentation.tables import Table


TABLES_AT_ONCE = 3
"""Number of tables that are written at the same time: they are independent, and a small commit mostly waits."""
LONGEST_FIRST = (USER_DAY_COUNTS.name, EVENTS.name, SESSIONS.name, USER_DAYS.name, QUARANTINE.name)
"""The table with three steps comes first, then those with two; tables with one step follow in any order."""


def write_increment(lake: Lake, increment: Increment) -> None:
    """Write all changes of a batch as new, unpublished versions. The caller publishes them."""
    steps: dict[str, list[Callable[[], None]]] = {}
    for retraction in increment.retractions:
        step = partial(lake.delete, retraction.table, retraction.keys, retraction.on, retraction.prune)
        steps.setdefault(retraction.table.name, []).append(step)
    for table, rows in _by_table((addition.table, addition.rows) for addition in increment.additions):
        steps.setdefault(table.name, []).append(partial(lake.append, table, rows))
    for correction in increment.corrections:
        step = partial(lake.add, correction.table, correction.deltas, correction.prune)
        steps.setdefault(correction.table.name, []).append(step)
    if increment.transition_days:
        step = partial(_rewrite_transitions, lake, increment.transition_days)
        steps.setdefault(USER_DAY_COUNTS.name, []).append(step)
    names = sorted(steps, key=lambda name: LONGEST_FIRST.index(name) if name in LONGEST_FIRST else len(LONGEST_FIRST))
    with ThreadPoolExecutor(TABLES_AT_ONCE) as pool:
        for done in [pool.submit(_in_order, steps[name]) for name in names]:
            done.result()


def _in_order(steps: list[Callable[[], None]]) -> None:
    for step in steps:
        step()


def _rewrite_transitions(lake: Lake, days: list[date]) -> None:
    counts = lake.read(USER_DAY_COUNTS).where(F.col("event_date").isin(*days))
    lake.replace(TRANSITIONS, build_transitions(counts), on_days(days, "session_date"))


def _by_table(pairs: Iterable[tuple[Table, DataFrame]]) -> list[tuple[Table, DataFrame]]:
    grouped: dict[str, tuple[Table, list[DataFrame]]] = {}
    for table, rows in pairs:
        grouped.setdefault(table.name, (table, []))[1].append(rows)
    return [(table, union_all(parts)) for table, parts in grouped.values()]
