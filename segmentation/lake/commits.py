"""Read the commits of Delta tables, and translate conflicts between two writers."""

from __future__ import annotations

import json
import math
import re
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from delta.exceptions import DeltaConcurrentModificationException
from pyspark.sql.types import StructType

from segmentation.errors import RetryableError
from segmentation.filesystem import list_entries, read_file, scheme_of
from segmentation.frames import empty_frame

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyspark.sql import SparkSession


_COMMIT = re.compile(r"(\d{20})\.json")


def head_version(spark: SparkSession, folder: str) -> int:
    """Return the version of a table's newest commit; -1 if there is no table, or its writer died before the first.

    Raises:
        ConfigurationError: the log may not be read.
        RetryableError: the log could not be listed.
    """
    names = list_entries(spark, f"{folder}/_delta_log") or []
    return max((int(found.group(1)) for found in map(_COMMIT.fullmatch, names) if found), default=-1)


def begin_log(spark: SparkSession, folder: str, schema: StructType) -> bool:
    """Write the first commit, without rows, into a log that a crash left without one; return whether there was one.

    Delta does not create a table where there is such a log. The log is never deleted, since another writer may be
    about to commit to it; of two first commits Delta refuses one.
    """
    if list_entries(spark, f"{folder}/_delta_log") is None:
        return False
    empty_frame(spark, schema).write.format("delta").mode("append").save(folder)
    return True


def runs_of_commits(spark: SparkSession, folder: str, first: int, last: int) -> set[str | None]:
    """Return the ids of the runs that wrote the versions from first to last; None for a commit without an id."""
    commits = (_read_log(spark, f"{folder}/_delta_log/{version:020d}.json") for version in range(first, last + 1))
    infos = (json.loads(line) for lines in commits for line in lines if "commitInfo" in line)
    return {info["commitInfo"].get("userMetadata") for info in infos if "commitInfo" in info}


@dataclass(frozen=True)
class FileList:
    """The data files of one version of a table, none of whose rows are marked as deleted."""

    paths: tuple[str, ...]
    schema: StructType


def list_data_files(spark: SparkSession, folder: str, version: int, most_bytes: int) -> FileList | None:
    """List the data files of a version from the log of a table of at most `most_bytes`; runs no Spark job.

    The checksum file beside a commit may list all files; otherwise the files of an earlier one are followed through the
    commits since. None if the table is larger, no recent checksum lists them, or rows of a file are marked as deleted:
    ask Delta then.
    """
    newest = _checksum(spark, folder, version)
    if newest is None or newest["tableSizeBytes"] > most_bytes:
        return None
    for earlier in range(version, max(version - LOOK_BACK, -1), -1):
        said = newest if earlier == version else _checksum(spark, folder, earlier)
        if said is not None and "allFiles" in said:
            files = {file["path"]: file for file in said["allFiles"]}
            for later in range(earlier + 1, version + 1):
                _follow(files, read_actions(spark, folder, later))
            break
    else:
        return None
    if any(file.get("deletionVector") for file in files.values()):
        return None
    paths = tuple(sorted(absolute_path(folder, path) for path in files))
    return FileList(paths, StructType.fromJson(json.loads(newest["metadata"]["schemaString"])))


def table_bytes(spark: SparkSession, folder: str, version: int) -> float:
    """Return the size of a version's data files; infinite if the log does not say it."""
    said = _checksum(spark, folder, version)
    return math.inf if said is None else float(said["tableSizeBytes"])


LOOK_BACK = 10


def _follow(files: dict[str, Any], actions: list[dict[str, Any]]) -> None:
    for action in actions:
        if "remove" in action:
            files.pop(action["remove"]["path"], None)
    for action in actions:
        if "add" in action:
            files[action["add"]["path"]] = action["add"]


def _checksum(spark: SparkSession, folder: str, version: int) -> dict[str, Any] | None:
    lines = _read_log(spark, f"{folder}/_delta_log/{version:020d}.crc")
    return json.loads(lines[0]) if lines else None


def read_actions(spark: SparkSession, folder: str, version: int) -> list[dict[str, Any]]:
    """Read the actions of a commit; none if the log has no such commit."""
    return [json.loads(line) for line in _read_log(spark, f"{folder}/_delta_log/{version:020d}.json")]


def _read_log(spark: SparkSession, path: str) -> list[str]:
    """Read the lines of a file of the log; none if there is no such file."""
    return (read_file(spark, path) or "").splitlines()


def absolute_path(folder: str, path: str) -> str:
    """Return the path of a file that a log names, relative to the table or not, with escaped signs."""
    plain = unquote(path)
    return plain if scheme_of(plain) else f"{folder}/{plain}"


def added_files(spark: SparkSession, folder: str, version: int) -> list[str]:
    """Return the paths of the data files that a commit added, sorted."""
    actions = read_actions(spark, folder, version)
    return sorted(absolute_path(folder, action["add"]["path"]) for action in actions if "add" in action)


@contextmanager
def rivals_named() -> Iterator[None]:
    """Translate a write conflict into a RetryableError. Without a lock, Delta lets only one of two runs commit."""
    try:
        yield
    except DeltaConcurrentModificationException as error:
        raise RetryableError("another run wrote to the lake meanwhile; run the same command again") from error
