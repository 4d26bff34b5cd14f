"""Write table changes to the lake, ahead of the published versions; the caller publishes them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

from segmentation.steps import in_step, step

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pyspark.sql import DataFrame

    from segmentation.ingest.changes import TableChange
    from segmentation.lake.lake import Lake

TABLES_AT_ONCE = 4
"""Tables are independent, and most of a small commit is waiting."""


def write_changes(lake: Lake, changes: Iterable[TableChange]) -> None:
    """Write changes of different tables, several tables at a time."""
    to_write = [change for change in changes if not change.is_empty]
    with ThreadPoolExecutor(TABLES_AT_ONCE) as pool:
        for done in [pool.submit(in_step(lake.spark, write_change), lake, change) for change in to_write]:
            done.result()


def write_change(lake: Lake, change: TableChange) -> DataFrame | None:
    """Write a change of one table; return the rows that it appended, read back from their files."""
    with step(lake.spark, f"write {change.table.name}"):
        for deletion in change.deletions:
            lake.delete(change.table, deletion.keys, deletion.on, deletion.prune)
        if change.corrections is not None:
            lake.add(change.table, change.corrections)
        if change.rows is None:
            return None
        if change.replaces is not None:
            lake.replace(change.table, change.rows, change.replaces)
            return None
        return lake.append(change.table, change.rows)


def store_in(lake: Lake) -> partial[DataFrame]:
    """Return the function by which steps store rows that later steps read back."""
    return partial(_store, lake)


def _store(lake: Lake, change: TableChange) -> DataFrame:
    stored = write_change(lake, change)
    if stored is None:
        raise ValueError(f"a change of '{change.table.name}' that is read back must append rows")
    return stored
