"""Columns that stand in the path of a file, as Spark, Hive, Athena and dbt partition folders (`dt=2024-05-01`)."""

from __future__ import annotations

from urllib.parse import unquote

NULL = "__HIVE_DEFAULT_PARTITION__"
"""Hive's and Spark's folder of rows whose partition column is null."""


def partition_values(path: str) -> dict[str, str | None]:
    """Return the partition columns of a file and their values; of a name that is there twice the innermost counts.

    Args:
        path: path as it is named in its file system: not percent-encoded, except for what Hive escapes in a value.
    """
    folders = (folder.partition("=") for folder in path.split("/")[:-1])
    return {unquote(name): None if value == NULL else unquote(value) for name, sign, value in folders if sign and name}
