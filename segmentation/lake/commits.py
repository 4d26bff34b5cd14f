"""Read the commits of Delta tables, and translate conflicts between two writers."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import unquote

from delta.exceptions import DeltaConcurrentModificationException
from delta.tables import DeltaTable
from pyspark.sql import functions as F

from segmentation.errors import RetryableError
from segmentation.filesystem import is_local, local_path, read_lines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyspark.sql import SparkSession


def head_version(spark: SparkSession, folder: str) -> int:
    """Return the version of a table's newest commit; -1 if its writer died before the first commit."""
    if is_local(folder):  # a listing instead of a Spark job
        commits = (local_path(folder) / "_delta_log").glob("*[0-9].json")
        return max((int(commit.stem) for commit in commits), default=-1)
    if not DeltaTable.isDeltaTable(spark, folder):
        return -1
    row = DeltaTable.forPath(spark, folder).history(1).select("version").head()
    return int(row["version"]) if row else 0


def runs_of_commits(spark: SparkSession, folder: str, first: int, last: int) -> set[str | None]:
    """Return the ids of the runs that wrote the versions from first to last; None for a commit without an id."""
    if first > last:
        return set()
    if is_local(folder):
        logs = (local_path(folder) / "_delta_log" / f"{version:020d}.json" for version in range(first, last + 1))
        infos = (json.loads(line) for log in logs for line in log.read_text().splitlines() if "commitInfo" in line)
        return {info["commitInfo"].get("userMetadata") for info in infos if "commitInfo" in info}
    commits = DeltaTable.forPath(spark, folder).history(last - first + 1).where(F.col("version") >= first)
    return {row["userMetadata"] for row in commits.select("userMetadata").collect()}  # a row per commit


def added_files(spark: SparkSession, folder: str, version: int) -> list[str]:
    """Return the paths of the data files that a commit added, sorted."""
    log = f"{folder}/_delta_log/{version:020d}.json"
    lines = local_path(log).read_text().splitlines() if is_local(folder) else read_lines(spark, log)
    actions = (json.loads(line) for line in lines)
    added = (unquote(action["add"]["path"]) for action in actions if "add" in action)
    return sorted(path if "://" in path else f"{folder}/{path}" for path in added)


@contextmanager
def rivals_named() -> Iterator[None]:
    """Translate a write conflict into a RetryableError. Without a lock, Delta lets only one of two runs commit."""
    try:
        yield
    except DeltaConcurrentModificationException as error:
        raise RetryableError("another run wrote to the lake meanwhile; run the same command again") from error
