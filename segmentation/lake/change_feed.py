"""Read the rows that were added to a table and removed from it since an earlier version, from its log."""

from __future__ import annotations

import base64
import json
import uuid
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F
from pyspark.sql.types import IntegerType, StructField, StructType

from segmentation.filesystem import is_stored
from segmentation.frames import empty_frame
from segmentation.jvm import delta_changes
from segmentation.lake.commits import absolute_path, read_actions, table_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pyspark.sql import DataFrame

    from segmentation.lake.lake import Lake
    from segmentation.tables import Table

SIGN = "sign"
"""1 for a row that was added, -1 for a row that was removed."""
MOST_COMMITS = 100
"""Commits that are read one by one; beyond them, reading the table costs less."""
_Z85 = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"
_B85 = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~"
_UUID_SIGNS = 20


def changed_rows(lake: Lake, table: Table, since: int) -> DataFrame | None:
    """Return the rows added and removed between an earlier version and the one that this run reads.

    A row that is removed and added again is returned twice. No data file is read before the frame is used.

    Args:
        lake: the lake.
        table: a table that was published.
        since: the earlier version.

    Returns:
        The table's columns and SIGN. None if the log cannot tell: a commit, a file or marks of deleted rows are gone,
        the table's columns changed, or so many files were replaced that reading the table costs less.
    """
    last, folder = lake.version(table), lake.path(table)
    if last is None or not 0 <= last - since <= MOST_COMMITS:
        return None
    if last == since:
        return empty_frame(lake.spark, StructType([*table.schema.fields, StructField(SIGN, IntegerType(), False)]))
    commits = [read_actions(lake.spark, folder, version) for version in range(since + 1, last + 1)]
    if not all(commits) or any(_other_columns(actions, table) for actions in commits):
        return None
    if _replaced_bytes(commits) > table_bytes(lake.spark, folder, last):
        return None
    if not all(is_stored(lake.spark, path) for path in _files_to_read(folder, commits)):
        return None
    rows = delta_changes(lake.spark, folder, since + 1, last)
    return rows.select(*table.names, F.when(F.col("_change_type") == "insert", 1).otherwise(-1).alias(SIGN))


def deletion_vector_path(folder: str, vector: dict[str, Any]) -> str | None:
    """Return the file that holds the marks of deleted rows; None if the log holds them itself.

    The storage types are those of Delta's protocol: `u` names a file by a UUID in Z85 after an optional folder, `p` is
    a path, `i` the marks themselves.
    """
    text = vector["pathOrInlineDv"]
    if vector["storageType"] == "i":
        return None
    if vector["storageType"] == "p":
        return absolute_path(folder, text)
    within, encoded = text[:-_UUID_SIGNS], text[-_UUID_SIGNS:].encode()
    name = uuid.UUID(bytes=base64.b85decode(encoded.translate(bytes.maketrans(_Z85, _B85))))
    return "/".join(part for part in (folder, within, f"deletion_vector_{name}.bin") if part)


def _changed_files(actions: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Return the added and removed files of a commit that changes rows; compaction only moves them."""
    files = (action.get("add") or action.get("remove") for action in actions)
    return (file for file in files if file is not None and file["dataChange"])


def _other_columns(actions: Iterable[dict[str, Any]], table: Table) -> bool:
    """Return whether a commit gave the table other columns than its contract's."""
    schemas = (action["metaData"]["schemaString"] for action in actions if "metaData" in action)
    names = ([field["name"] for field in json.loads(schema)["fields"]] for schema in schemas)
    return any(found != list(table.names) for found in names)


def _replaced_bytes(commits: Iterable[list[dict[str, Any]]]) -> int:
    """Return the bytes of files that came or went as a whole, not counting files in which rows were marked."""
    replaced = 0
    for actions in commits:
        sizes: dict[str, list[int]] = {}
        for file in _changed_files(actions):
            sizes.setdefault(file["path"], []).append(file.get("size") or 0)
        replaced += sum(found[0] for found in sizes.values() if len(found) == 1)
    return replaced


def _files_to_read(folder: str, commits: Iterable[list[dict[str, Any]]]) -> set[str]:
    found: set[str] = set()
    for actions in commits:
        for file in _changed_files(actions):
            found.add(absolute_path(folder, file["path"]))
            vector = file.get("deletionVector")
            marks = vector and deletion_vector_path(folder, vector)
            found |= {marks} if marks else set()
    return found
