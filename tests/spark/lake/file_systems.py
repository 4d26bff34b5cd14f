"""A Hadoop file system other than the local one: a mount table whose paths are also paths of this machine's disk."""

from __future__ import annotations

import uuid
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pyspark.sql import SparkSession


@dataclass(frozen=True)
class Mount:
    """Spark reads `folder` as a folder of the mounted file system; its files are in `behind` on this machine."""

    spark: SparkSession
    uri: str
    """Of the file system."""
    folder: Path
    behind: Path

    def make_current(self) -> None:
        """Let jobs join this session. A frame that another session makes from rows makes that one current."""
        make_current(self.spark)

    def on_disk(self, path: str | Path) -> Path:
        """Return where a path of the mounted file system is on this machine."""
        return self.behind / str(path).removeprefix(self.uri).removeprefix(f"{self.folder}/")


@contextmanager
def mounted(spark: SparkSession, folder: Path, *, is_default: bool = True) -> Iterator[Mount]:
    """Open a session for which `folder/shared` is on another file system, the default one, and make it current."""
    name, behind, shared = f"m{uuid.uuid4().hex[:12]}", folder / "behind", folder / "shared"
    behind.mkdir()
    session = spark.newSession()
    session.conf.set(f"fs.viewfs.mounttable.{name}.link.{shared}", behind.as_uri())
    session.conf.set(f"fs.viewfs.mounttable.{name}.link.{folder}/silent", "hdfs://127.0.0.1:1/")
    session.conf.set("ipc.client.connect.max.retries", "0")
    if is_default:
        session.conf.set("fs.defaultFS", f"viewfs://{name}/")
    make_current(session)
    try:
        yield Mount(session, f"viewfs://{name}", shared, behind)
    finally:
        make_current(spark)


def make_current(session: SparkSession) -> None:
    """Make a session the one that jobs join."""
    type(session)._activeSession = session
    session._jvm.org.apache.spark.sql.classic.SparkSession.setActiveSession(session._jsparkSession)


def files_of(folder: Path) -> dict[str, bytes]:
    """Return the files below a folder with their content, and folders without."""
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else b"" for path in folder.rglob("*")}
