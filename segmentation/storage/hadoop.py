"""What Spark's readers do not offer, through Hadoop's file systems: the same paths and codecs as Spark."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from segmentation.errors import RetryableError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def glob_paths(spark: SparkSession, pattern: str) -> list[str]:
    """Return the paths that match a pattern, sorted; a path that exists is itself, whatever signs are in its name."""
    path = java(spark).org.apache.hadoop.fs.Path(pattern)
    files = path.getFileSystem(_configuration(spark))
    found = [files.getFileStatus(path)] if files.exists(path) else files.globStatus(path)
    return sorted(status.getPath().toString() for status in found or [])


def as_pattern(path: str) -> str:
    """Write a path as the pattern that it alone matches: Spark's readers take every path for one."""
    return re.sub(r"([\\\[\]{}*?])", r"\\\1", path)


def is_empty_file(spark: SparkSession, uri: str) -> bool:
    """Tell whether a path is a file of no bytes, which Spark's readers do not even list."""
    path = java(spark).org.apache.hadoop.fs.Path(uri)
    status = path.getFileSystem(_configuration(spark)).getFileStatus(path)
    return bool(status.isFile() and status.getLen() == 0)


def read_first_line(spark: SparkSession, uri: str, encoding: str) -> tuple[int, str] | None:
    """Read the first line of a text file that is not blank, decompressed as Spark's reader would.

    Returns:
        How many blank lines stand before it, and the line; None where all are blank or there are none.
    """
    jvm, configuration = java(spark), _configuration(spark)
    path = jvm.org.apache.hadoop.fs.Path(jvm.java.net.URI(uri))
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


def move_file(spark: SparkSession, uri: str, target: str) -> None:
    """Give a file its final name, whose folders are made; the target does not exist.

    Raises:
        RetryableError: the file system refused.
    """
    path = java(spark).org.apache.hadoop.fs.Path
    source, wanted = path(uri), path(target)
    files = source.getFileSystem(_configuration(spark))
    files.mkdirs(wanted.getParent())
    if not files.rename(source, wanted):
        raise RetryableError(f"{uri} could not be renamed to {target}")


def replace_file(spark: SparkSession, uri: str, target: str) -> None:
    """Put a file in the place of another one, which readers find whole before and after."""
    jvm = java(spark)
    source, wanted = jvm.org.apache.hadoop.fs.Path(uri), jvm.org.apache.hadoop.fs.Path(target)
    rename = jvm.org.apache.hadoop.fs.Options.Rename
    context: Any = spark.sparkContext
    how = context._gateway.new_array(rename, 1)  # noqa: SLF001  the only way to Java's arrays
    how[0] = rename.OVERWRITE
    files = jvm.org.apache.hadoop.fs.FileContext.getFileContext(wanted.toUri(), _configuration(spark))
    files.rename(source, wanted, how)


def delete_path(spark: SparkSession, uri: str) -> bool:
    """Delete a file, or a folder with all in it; false where there is none."""
    path = java(spark).org.apache.hadoop.fs.Path(uri)
    return bool(path.getFileSystem(_configuration(spark)).delete(path, True))


def java(spark: SparkSession) -> Any:
    """Return the session's JVM."""
    return spark._jvm  # noqa: SLF001  there is no public way to Hadoop's file systems


def _configuration(spark: SparkSession) -> Any:
    return spark._jsparkSession.sessionState().newHadoopConf()  # noqa: SLF001
