"""Undo what a crashed run wrote, and leave alone what no run of this project wrote."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from delta.tables import DeltaTable

from segmentation.errors import ConfigurationError
from segmentation.filesystem import list_folders
from segmentation.lake.commits import head_version, read_actions
from segmentation.tables import PUBLICATIONS
from segmentation.tables.reference import all_tables

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyspark.sql import SparkSession

OWN = "segmentation.table"
"""Property of every table that a run creates: the table's name."""
_RUN_ID = re.compile("[0-9a-f]{32}")


@dataclass(frozen=True)
class Undone:
    """Newest versions of the tables after recovery, and findings for the report of the run."""

    restored: dict[str, int] = field(default_factory=dict)
    """Published tables that had unpublished commits -> version that restores the published rows."""
    unpublished: dict[str, int] = field(default_factory=dict)
    """Tables that were created but never published -> version, which is empty."""
    notes: list[str] = field(default_factory=list)


def undo_unpublished(spark: SparkSession, root: str, published: Mapping[str, int]) -> Undone:
    """Restore the tables in a lake's root to their published versions, and unpublished ones to their first version.

    A Delta table that no run of this project created is left alone, and noted. Nothing is deleted: a log without a
    commit is no table yet, and gets its first commit when the table is created.

    Raises:
        ConfigurationError: a foreign table has the name of one of ours, a published version is gone, or a folder may
            not be read.
        RetryableError: a folder could not be listed.
    """
    undone = Undone()
    for name in list_folders(spark, root, "_delta_log"):
        folder = f"{root}/{name}"
        head = head_version(spark, folder)
        if name == PUBLICATIONS.name:
            continue
        if name in published:
            if head > published[name]:
                undone.restored[name] = _restore(spark, folder, published[name])
            elif head < published[name]:
                raise _incomplete(folder, head, published[name])
        elif head >= 0 and is_own(spark, folder, name):
            undone.unpublished[name] = _restore(spark, folder, 0) if head else head
        elif head >= 0:
            if name in _names():
                raise foreign_table(folder)
            undone.notes.append(f"{folder} is a Delta table that no run of this project created: left as it is")
    return undone


def is_own(spark: SparkSession, folder: str, name: str) -> bool:
    """Return whether a run of this project created a table that was never published.

    The first commit says so: by the table's property or, if an earlier version of this project created the table, by
    the id of its run.
    """
    actions = read_actions(spark, folder, 0)
    properties = (action["metaData"]["configuration"] for action in actions if "metaData" in action)
    if any(found.get(OWN) == name for found in properties):
        return True
    writers = (action["commitInfo"].get("userMetadata") or "" for action in actions if "commitInfo" in action)
    return name in _names() and any(_RUN_ID.fullmatch(writer) for writer in writers)


def _restore(spark: SparkSession, folder: str, version: int) -> int:
    DeltaTable.forPath(spark, folder).restoreToVersion(version)
    return head_version(spark, folder)


def foreign_table(folder: str) -> ConfigurationError:
    """Return the error about a folder of one of our tables that holds a table of others."""
    return ConfigurationError(
        f"{folder} is a Delta table that no run of this project created, and a table of the lake belongs there: "
        "move that folder away, or choose another --lake"
    )


def _incomplete(folder: str, head: int, published: int) -> ConfigurationError:
    return ConfigurationError(
        f"{folder} ends at version {head}, but version {published} is published: its log is incomplete; "
        "restore the folder from a copy, or rebuild the lake in another folder"
    )


def _names() -> set[str]:
    return {table.name for table in all_tables()}
