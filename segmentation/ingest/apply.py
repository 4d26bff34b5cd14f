"""Write table changes to the lake, ahead of the published versions; the caller publishes them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from segmentation.checkpoints import checkpoint
from segmentation.frames import empty_frame
from segmentation.ingest.changes import ALL, Stored
from segmentation.steps import in_step, step

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pyspark.sql import DataFrame

    from segmentation.ingest.changes import Store, TableChange
    from segmentation.lake.lake import Lake

TABLES_AT_ONCE = 4
"""Tables are independent, and most of a small commit is waiting."""


def write_changes(lake: Lake, changes: Iterable[TableChange]) -> None:
    """Write changes of different tables, several tables at a time."""
    to_write = [change for change in changes if not change.is_empty]
    with ThreadPoolExecutor(TABLES_AT_ONCE) as pool:
        for done in [pool.submit(in_step(lake.spark, write_change), lake, change) for change in to_write]:
            done.result()


def write_change(lake: Lake, change: TableChange) -> None:
    """Write a change of one table."""
    with step(lake.spark, f"write {change.table.name}"):
        if change.stored is not None and change.deletions:
            lake.replace(change.table, _rewritten(change, change.stored))
            return
        for deletion in change.deletions:
            lake.delete(change.table, deletion.keys, deletion.on, deletion.prune)
        if change.corrections is not None:
            lake.add(change.table, change.corrections)
        if change.rows is None:
            return
        if change.replaces is not None:
            lake.replace(change.table, change.rows, None if change.replaces == ALL else change.replaces)
        else:
            lake.append(change.table, change.rows)


def _rewritten(change: TableChange, stored: DataFrame) -> DataFrame:
    """Return all rows of a small table after a change."""
    for deletion in change.deletions:
        stored = stored.join(deletion.keys, list(deletion.on), "left_anti")
    return stored if change.rows is None else stored.unionByName(change.rows)


def choose_store(lake: Lake, *, is_small: bool) -> Store:
    """Return how events and sessions are kept for the steps that sum them.

    A small batch is checkpointed in memory, and written at the end with all other tables. A large one is written at
    once, and the columns that sums need are read back from its files, which costs less than checkpointing wide rows.
    """
    return _keep if is_small else partial(_write, lake)


def _keep(change: TableChange) -> Stored:
    if change.rows is None:
        raise ValueError(f"a change of '{change.table.name}' that is read again must have rows")
    rows = checkpoint(change.rows)
    return Stored(rows, (replace(change, rows=rows),))


def _write(lake: Lake, change: TableChange) -> Stored:
    # Changed in place: the commit of a table that is rewritten whole has other rows too.
    write_change(lake, replace(change, rows=None, stored=None))
    before = lake.version(change.table)
    write_change(lake, replace(change, deletions=(), stored=None))
    # Delta makes no commit for an append of no rows. The newest commit is then that of the deletions, whose files hold
    # stored rows.
    is_added = lake.version(change.table) != before
    return Stored(lake.read_added(change.table) if is_added else empty_frame(lake.spark, change.table.schema))
