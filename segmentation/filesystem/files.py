"""List, read, write, move and delete files on the file system of their path, with the same paths and codecs as Spark.

A path on this machine's disk is listed and read by Python, which needs no call of the JVM.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segmentation.errors import RetryableError
from segmentation.filesystem.paths import as_pattern, is_local, local_path
from segmentation.filesystem.problems import is_caused_by, named_problems
from segmentation.jvm import WITHOUT_CHECK_SUMS, Py4JJavaError, hadoop_configuration, java, new_array, texts_of_array

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_ABSENT = "java.io.FileNotFoundException"
_PRESENT = "org.apache.hadoop.fs.FileAlreadyExistsException"


def list_entries(spark: SparkSession, folder: str) -> list[str] | None:
    """List the names in a folder, in no order; None if there is no such folder.

    Raises:
        ConfigurationError: the folder may not be read.
        RetryableError: the file system could not list it. An error never looks like an empty folder.
    """
    with named_problems(folder):
        if is_local(spark, folder):
            try:
                return [path.name for path in local_path(folder).iterdir()]
            except (FileNotFoundError, NotADirectoryError):
                return None
        files, path = _open(spark, folder)
        try:
            found = java(spark).org.apache.hadoop.fs.FileUtil.stat2Paths(files.listStatus(path))
        except Py4JJavaError as error:
            if is_caused_by(error, _ABSENT):
                return None
            raise
        return [name.rsplit("/", 1)[-1] for name in texts_of_array(spark, found)]


def list_folders(spark: SparkSession, root: str, inner: str) -> list[str]:
    """Return the names of the folders of a root that contain a folder `inner`, sorted; none if there is no root.

    Raises:
        ConfigurationError, RetryableError: as :func:`list_entries`.
    """
    if is_local(spark, root):
        names = list_entries(spark, root) or []
        return sorted(name for name in names if list_entries(spark, f"{root}/{name}/{inner}") is not None)
    found = glob_paths(spark, f"{as_pattern(root)}/*/{inner}")
    return sorted(path.split("/")[-2] for path in found)


def read_file(spark: SparkSession, path: str) -> str | None:
    """Read a small UTF-8 file; None if there is none.

    Raises:
        ConfigurationError: the file may not be read.
        RetryableError: the file system could not read it.
    """
    with named_problems(path):
        if is_local(spark, path):
            try:
                return local_path(path).read_text(encoding="utf-8")
            except (FileNotFoundError, NotADirectoryError):
                return None
        files, found = _open(spark, path)
        try:
            stream = files.open(found)
        except Py4JJavaError as error:
            if is_caused_by(error, _ABSENT):
                return None
            raise
        try:
            return str(java(spark).org.apache.commons.io.IOUtils.toString(stream, "UTF-8"))
        finally:
            stream.close()


def write_text(spark: SparkSession, path: str, text: str) -> None:
    """Write a UTF-8 file, over one that exists; creates its folder."""
    with named_problems(path):
        files, target = _open(spark, path)
        _write(files.create(target, True), text)


def create_file(spark: SparkSession, path: str, text: str) -> bool:
    """Write a UTF-8 file unless it exists; return whether this call created it.

    HDFS, ADLS (abfs) and Google Cloud Storage let one of two callers create it. S3 and a local disk may let both.
    """
    with named_problems(path):
        files, target = _open(spark, path)
        try:
            stream = files.create(target, False)
        except Py4JJavaError as error:
            if is_caused_by(error, _PRESENT):
                return False
            raise
        _write(stream, text)
        return True


def modified_ms(spark: SparkSession, path: str) -> int | None:
    """Return when a file was last written, in milliseconds of the file system's clock; None if there is none."""
    with named_problems(path):
        files, found = _open(spark, path)
        try:
            return int(files.getFileStatus(found).getModificationTime())
        except Py4JJavaError as error:
            if is_caused_by(error, _ABSENT):
                return None
            raise


def _open(spark: SparkSession, path: str) -> tuple[Any, Any]:
    """Return the file system of a path, and the path as Hadoop has it."""
    found = java(spark).org.apache.hadoop.fs.Path(path)
    return found.getFileSystem(hadoop_configuration(spark)), found


def _write(stream: Any, text: str) -> None:
    try:
        stream.write(bytearray(text.encode()))
    finally:
        stream.close()


def glob_paths(spark: SparkSession, pattern: str) -> list[str]:
    """Return the paths that match a pattern, sorted; a path that exists matches itself, whatever its name holds.

    Raises:
        ConfigurationError: a folder may not be read, or the path names no file system.
        RetryableError: the file system did not answer.
    """
    if re.match("[^/]+:", pattern) and Path(pattern).exists():
        pattern = f"./{pattern}"  # a name here, not a scheme
    with named_problems(pattern):
        files, path = _open(spark, pattern)
        found = [files.getFileStatus(path)] if files.exists(path) else files.globStatus(path)
        return sorted(status.getPath().toString() for status in found or [])


def is_stored(spark: SparkSession, path: str) -> bool:
    """Return whether there is a file or folder of this path."""
    if is_local(spark, path):
        return local_path(path).exists()
    with named_problems(path):
        files, found = _open(spark, path)
        return bool(files.exists(found))


def is_empty_file(spark: SparkSession, uri: str) -> bool:
    """Return whether a path is a file of no bytes; Spark's readers do not list those."""
    with named_problems(uri):
        files, path = _open(spark, uri)
        status = files.getFileStatus(path)
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
        decoded = _decompressed(spark, path, stream)
        reader = jvm.java.io.BufferedReader(jvm.java.io.InputStreamReader(decoded, encoding))
        for blank, line in enumerate(iter(reader.readLine, None)):
            text = str(line).removeprefix("\ufeff")
            if text.strip():
                return blank, text
        return None
    finally:
        stream.close()


def _decompressed(spark: SparkSession, path: Any, stream: Any) -> Any:
    jvm, configuration = java(spark), hadoop_configuration(spark)
    if str(path.getName()).lower().endswith(".zst"):  # Hadoop's own codec needs a library that PySpark does not bring
        return jvm.com.github.luben.zstd.ZstdInputStream(stream)
    codec = jvm.org.apache.hadoop.io.compress.CompressionCodecFactory(configuration).getCodec(path)
    return codec.createInputStream(stream) if codec is not None else stream


def move_file(spark: SparkSession, uri: str, target: str) -> None:
    """Rename a file and create the folders of its new name, which must not exist.

    Raises:
        RetryableError: the file system refused.
    """
    with named_problems(uri):
        files, source = _open(spark, uri)
        wanted = java(spark).org.apache.hadoop.fs.Path(target)
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
    with named_problems(target):
        files = jvm.org.apache.hadoop.fs.FileContext.getFileContext(wanted.toUri(), hadoop_configuration(spark))
        files.rename(source, wanted, how)


def delete_path(spark: SparkSession, uri: str) -> bool:
    """Delete a file, or a folder with its content; return false if there is none."""
    with named_problems(uri):
        files, path = _open(spark, uri)
        return bool(files.delete(path, True))
