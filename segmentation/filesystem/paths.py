"""Find out on which file system a path is."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from segmentation.filesystem.problems import named_problems
from segmentation.jvm import hadoop_configuration, java

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

LOCAL = "file"
"""Scheme of the disk of the machine on which the driver runs."""
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")


def scheme_of(path: str) -> str | None:
    """Return the scheme of a path in lower case (`hdfs`, `dbfs`, `file`), as Hadoop reads it; None if it has none."""
    found = _SCHEME.match(path)
    return found.group(1).lower() if found else None


@lru_cache(maxsize=8)
def default_scheme(spark: SparkSession) -> str:
    """Return the scheme of Spark's default file system, which holds every path without a scheme."""
    uri = java(spark).org.apache.hadoop.fs.FileSystem.getDefaultUri(hadoop_configuration(spark))
    return str(uri.getScheme()).lower()


def is_local(spark: SparkSession, path: str) -> bool:
    """Return whether Spark reads a path from this machine's disk. Only the first call of a session asks the JVM."""
    return (scheme_of(path) or default_scheme(spark)) == LOCAL


def local_path(path: str) -> Path:
    """Return a path of this machine's disk, with or without its ``file:``, for Python's own functions."""
    return Path(re.sub("^file:/+", "/", path))


def qualified(spark: SparkSession, path: str) -> str:
    """Return the absolute form of a path, which names the same file to Spark, to Delta and to this package.

    A path without a scheme gets that of the default file system, unless this is the local one.

    Raises:
        ConfigurationError: there is no such file system, or it may not be used.
        RetryableError: the default file system does not answer.
    """
    if is_local(spark, path):
        resolved = str(local_path(path).resolve())
        return resolved if default_scheme(spark) == LOCAL else f"{LOCAL}:{resolved}"
    if scheme_of(path) is not None:
        return path.rstrip("/")
    with named_problems(path):
        found = java(spark).org.apache.hadoop.fs.Path(path)
        files = found.getFileSystem(hadoop_configuration(spark))
        return str(files.makeQualified(found).toString()).rstrip("/")


def as_pattern(path: str) -> str:
    """Return the pattern that matches this path only; Spark's readers treat every path as a pattern."""
    return re.sub(r"([\\\[\]{}*?])", r"\\\1", path)
