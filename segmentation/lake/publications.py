"""Read and write the publication log, which names the version of every table that readers see."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from delta.tables import DeltaTable
from pyspark.sql import functions as F

from segmentation.errors import RetryableError
from segmentation.filesystem import as_pattern
from segmentation.frames import small_frame
from segmentation.lake.commits import added_files, begin_log, head_version, rivals_named, runs_of_commits
from segmentation.lake.recovery import OWN, foreign_table, is_own
from segmentation.tables import PUBLICATIONS

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from pyspark.sql import DataFrame, SparkSession


@dataclass(frozen=True)
class Publication:
    """The versions of all tables that become visible together."""

    number: int = 0
    tables: Mapping[str, int] = field(default_factory=dict)
    """Table -> version to read."""
    contents: Mapping[str, int] = field(default_factory=dict)
    """Table -> version at which its rows last changed."""
    bases: Mapping[str, int] = field(default_factory=dict)
    """Derived table -> contents of `events` that it reflects."""


class PublicationLog:
    """Reads the newest publication once and writes the next one, unless another run has written it first."""

    def __init__(self, spark: SparkSession, path: str, run_id: str) -> None:
        """Open the log at `path`; it is read at first use."""
        self._spark = spark
        self._path = path
        self._run_id = run_id
        self._current: Publication | None = None

    def current(self) -> Publication:
        """Return the newest publication that this run has read or written."""
        if self._current is None:
            self._current = self._read()
        return self._current

    def publish(self, versions: Mapping[str, int], changed: Collection[str], bases: Mapping[str, int]) -> None:
        """Write the next publication.

        Args:
            versions: table -> its new version.
            changed: those of them whose rows changed.
            bases: derived table -> contents of `events` that it now reflects.

        Raises:
            RetryableError: another run published since this one began.
        """
        before = self.current()
        contents = {name: version for name, version in versions.items() if name in changed}
        after = Publication(
            number=before.number + 1,
            tables={**before.tables, **versions},
            contents={**before.contents, **contents},
            bases={**before.bases, **bases},
        )
        now = datetime.now(timezone.utc)
        moved = (dict(versions) for versions in (after.tables, after.contents, after.bases))
        published = (f"{after.number:08d}", self._run_id, now, *moved)
        row = small_frame(self._spark, [published], PUBLICATIONS.schema)
        self._commit(row, after.number)
        self._current = after

    def _commit(self, row: DataFrame, number: int) -> None:
        before = head_version(self._spark, self._path)
        if before < 0 and not begin_log(self._spark, self._path, PUBLICATIONS.schema):
            log = DeltaTable.createIfNotExists(self._spark).location(self._path).addColumns(PUBLICATIONS.schema)
            log.property(OWN, PUBLICATIONS.name).execute()
        before = max(before, 0)
        # Of two transactions of one application and number Delta fails the second, or leaves it out if it comes later:
        # then no commit since bears our name.
        transaction = {"txnAppId": "segmentation.publications", "txnVersion": str(number), "userMetadata": self._run_id}
        with rivals_named():
            writer = row.write.format("delta").mode("append").option("mergeSchema", "true")
            writer.options(**transaction).save(self._path)
        after = head_version(self._spark, self._path)
        if self._run_id not in runs_of_commits(self._spark, self._path, before + 1, after):
            raise RetryableError(f"another run published to {self._path} meanwhile; run the same command again")

    def _read(self) -> Publication:
        head = head_version(self._spark, self._path)
        if head < 0:
            return Publication()
        # The newest commit adds the newest row, or every row if it compacts: its files alone need to be read.
        files = added_files(self._spark, self._path, head)
        if files:
            log = self._spark.read.schema(PUBLICATIONS.schema).parquet(*map(as_pattern, files))
        else:
            log = self._spark.read.format("delta").load(self._path)
        row = log.agg(F.max_by(F.struct("*"), "publication_id").alias("newest")).head()
        newest = row and row["newest"]
        if newest is None and not is_own(self._spark, self._path, PUBLICATIONS.name):
            raise foreign_table(self._path)
        if newest is None:  # the first run died between creating the log and publishing
            return Publication()
        # A lake from before tables were compacted has no `contents`: each version was one of rows.
        tables, contents, bases = newest["tables"], newest["contents"] or newest["tables"], newest["bases"]
        return Publication(int(newest["publication_id"]), dict(tables), dict(contents), dict(bases))
