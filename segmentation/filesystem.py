"""List, read, move and delete files through Hadoop's file systems, with the same paths and codecs as Spark."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from segmentation.errors import RetryableError
from segmentation.jvm import WITHOUT_CHECK_SUMS, hadoop_configuration, java, new_array

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def is_local(root: str) -> bool:
    """Return whether a root is a folder of this machine, not the URI of an object store."""
    return "://" not in root or root.startswith("file:")


def local_path(root: str) -> Path:
    """Return the folder of a local root, with or without its ``file://``."""
    return Path(re.sub("^file:/+", "/", root))


def glob_paths(spark: SparkSession, pattern: str) -> list[str]:
    """Return the paths that match a pattern, sorted; a path that exists matches itself, whatever its name holds."""
    if re.match("[^/]+:", pattern) and Path(pattern).exists():
        pattern = f"./{pattern}"  # a name here, not a scheme
    path = java(spark).org.apache.hadoop.fs.Path(pattern)
    files = path.getFileSystem(hadoop_configuration(spark))
    found = [files.getFileStatus(path)] if files.exists(path) else files.globStatus(path)
    return sorted(status.getPath().toString() for status in found or [])


def as_pattern(path: str) -> str:
    """Return the pattern that matches this path only; Spark's readers treat every path as a pattern."""
    return re.sub(r"([\\\[\]{}*?])", r"\\\1", path)


def is_empty_file(spark: SparkSession, uri: str) -> bool:
    """Return whether a path is a file of no bytes; Spark's readers do not list those."""
    path = java(spark).org.apache.hadoop.fs.Path(uri)
    status = path.getFileSystem(hadoop_configuration(spark)).getFileStatus(path)
    return bool(status.isFile() and status.getLen() == 0)


def read_first_line(spark: SparkSession, uri: str, encoding: str) -> tuple[int, str] | None:
    """Read the first line of a text file that is not blank, decompressed as Spark's reader would.

    Returns:
        The number of blank lines before it, and the line; None if all lines are blank or there are none.
    """
    jvm, configuration = java(spark), hadoop_configuration(spark)
    path = jvm.org.apache.hadoop.fs.Path(jvm.java.net.URI(uri))
    for key, value in WITHOUT_CHECK_SUMS.items():
        configuration.set(key, value)
    stream = path.getFileSystem(configuration).open(path)
    try:
        codec = jvm.org.apache.hadoop.io.compress.CompressionCodecFactory(configuration).getCodec(path)
        decoded = codec.createInputStream(stream) if codec is not None else stream
        reader = jvm.java.io.BufferedReader(jvm.java.io.InputStreamReader(decoded, encoding))
        for blank, line in enumerate(iter(reader.readLine, None)):
            text = str(line).removeprefix("\ufeff")
            if text.strip():
                return blank, text
        return None
    finally:
        stream.close()


def read_lines(spark: SparkSession, uri: str) -> list[str]:
    """Read the lines of a small UTF-8 file."""
    jvm = java(spark)
    path = jvm.org.apache.hadoop.fs.Path(uri)
    stream = path.getFileSystem(hadoop_configuration(spark)).open(path)
    try:
        text: str = jvm.org.apache.commons.io.IOUtils.toString(stream, "UTF-8")
    finally:
        stream.close()
    return text.splitlines()


def move_file(spark: SparkSession, uri: str, target: str) -> None:
    """Rename a file and create the folders of its new name, which must not exist.

    Raises:
        RetryableError: the file system refused.
    """
    path = java(spark).org.apache.hadoop.fs.Path
    source, wanted = path(uri), path(target)
    files = source.getFileSystem(hadoop_configuration(spark))
    files.mkdirs(wanted.getParent())
    if not files.rename(source, wanted):
        raise RetryableError(f"{uri} could not be renamed to {target}")


def replace_file(spark: SparkSession, uri: str, target: str) -> None:
    """Replace a file by another one atomically: readers find the old content or the new one."""
    jvm = java(spark)
    source, wanted = jvm.org.apache.hadoop.fs.Path(uri), jvm.org.apache.hadoop.fs.Path(target)
    rename = jvm.org.apache.hadoop.fs.Options.Rename
    how = new_array(spark, rename, 1)
    how[0] = rename.OVERWRITE
    files = jvm.org.apache.hadoop.fs.FileContext.getFileContext(wanted.toUri(), hadoop_configuration(spark))
    files.rename(source, wanted, how)


def delete_path(spark: SparkSession, uri: str) -> bool:
    """Delete a file, or a folder with its content; return false if there is none."""
    path = java(spark).org.apache.hadoop.fs.Path(uri)
    return bool(path.getFileSystem(hadoop_configuration(spark)).delete(path, True))
