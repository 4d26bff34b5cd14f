"""Read and write the tables of a lake: one folder each, read at published versions, published together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from delta.tables import DeltaTable
from pyspark.sql import functions as F

from segmentation.errors import ConfigurationError, RetryableError
from segmentation.filesystem import as_pattern, qualified
from segmentation.frames import conform, empty_frame
from segmentation.lake.commits import (
    added_files,
    begin_log,
    head_version,
    list_data_files,
    runs_of_commits,
    table_bytes,
)
from segmentation.lake.publications import PublicationLog
from segmentation.lake.recovery import OWN, undo_unpublished
from segmentation.tables import PUBLICATIONS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.types import StructType

    from segmentation.tables import Table

FINGERPRINT = "segmentation.fingerprint."
RETENTION = "delta.deletedFileRetentionDuration"
SMALL_BYTES, SMALL_FILES = 16 * 2**20, 32
"""Files of tables up to this size are read without asking Delta which of them hold what; Spark lists so many itself."""
NO_ROW = "false"
"""Condition that no row fulfils."""


class Lake:
    """Delta tables under one root.

    Reads see what was last published, and this run's own writes, and nothing that an unfinished run left behind.
    Writes go to the tables' heads and become visible to others with :meth:`publish`.
    :meth:`recover` undoes what a crashed run wrote.
    """

    def __init__(self, spark: SparkSession, root: str, run_id: str) -> None:
        """Open the lake at `root` (a folder or URI) for the run `run_id`; nothing is read or created yet."""
        self.spark = spark
        # Delta takes a relative folder for the name of a table.
        self.root = qualified(spark, root)
        self.run_id = run_id
        self.notes: list[str] = []
        """Findings about the lake's folder for the report of the run."""
        self.publications = PublicationLog(spark, self.path(PUBLICATIONS), run_id)
        self._written: dict[str, int] = {}
        self._appended: dict[str, int | None] = {}
        self._changed: set[str] = set()
        self._recovered: dict[str, int] = {}
        self._existing: set[str] = set()
        self._new: set[str] = set()
        self._cleared: set[str] = set()
        self._stored: dict[str, dict[str, str]] = {}

    def path(self, table: Table) -> str:
        """Return the folder of a table."""
        return f"{self.root}/{table.name}"

    # Reading

    def version(self, table: Table) -> int | None:
        """Return the version that this run reads: its own, else the published one, else None."""
        return self._written.get(table.name, self.publications.current().tables.get(table.name))

    def content_version(self, table: Table) -> int | None:
        """Return the version at which the rows that this run reads last changed; None: there are none."""
        if table.name in self._changed:
            return self._written[table.name]
        return self.publications.current().contents.get(table.name)

    def read(self, table: Table) -> DataFrame:
        """Read a table at :meth:`version`; a table that was never published is empty."""
        version = self.version(table)
        if version is None:
            return empty_frame(self.spark, table.schema)
        return self._read_small(table, version) or self.spark.read.format("delta").option("versionAsOf", version).load(
            self.path(table)
        )

    def _read_small(self, table: Table, version: int) -> DataFrame | None:
        """Read a small table from its files, without the jobs in which Delta lists them; None if it is large."""
        files = list_data_files(self.spark, self.path(table), version, SMALL_BYTES)
        if files is None or len(files.paths) > SMALL_FILES:
            return None
        return self._read_files(files.paths, files.schema)

    def _read_files(self, files: Sequence[str], schema: StructType) -> DataFrame:
        if not files:
            return empty_frame(self.spark, schema)
        return self.spark.read.schema(schema).parquet(*map(as_pattern, files))

    def read_added(self, table: Table) -> DataFrame:
        """Read the rows that this run's newest :meth:`append` added to a table, from its files alone."""
        version = self._appended[table.name]
        files = [] if version is None else added_files(self.spark, self.path(table), version)
        return self._read_files(files, table.schema)

    def require(self, table: Table, job: str) -> DataFrame:
        """Read a table that an earlier job must have published.

        Raises:
            ConfigurationError: it was never published; names the job to run first.
        """
        if self.version(table) is None:
            raise ConfigurationError(f"{self.root} has no table '{table.name}' yet: run jobs/{job}.py first")
        return self.read(table)

    def basis(self, source: Table, derived: Iterable[Table]) -> dict[str, int]:
        """Return the `bases` for :meth:`publish` of derived tables that reflect the source as this run reads it."""
        version = self.content_version(source)
        return {} if version is None else {table.name: version for table in derived}

    def reflects(self, source: Table, derived: Iterable[Table]) -> bool:
        """Return whether all derived tables reflect the published source."""
        bases = self.publications.current().bases
        return all(bases.get(name) == version for name, version in self.basis(source, derived).items())

    def megabytes(self, table: Table) -> float:
        """Return the size of a table's data files, from the log alone; infinite if the log does not say it."""
        version = self.version(table)
        return 0.0 if version is None else table_bytes(self.spark, self.path(table), version) / 2**20

    def is_vacant(self, table: Table) -> bool:
        """Return whether a table was never published or was cleared by this run, and got no rows since; no query.

        Storing parameters creates a table, which is vacant until rows are appended.
        """
        return self.version(table) is None or table.name in self._cleared | self._new

    def rows(self, table: Table) -> int:
        """Count a table's rows (answered from the Delta log's statistics)."""
        return self.read(table).count()

    # Writing

    def append(self, table: Table, df: DataFrame) -> None:
        """Append rows."""
        self._sign()
        self._create(table)
        before = head_version(self.spark, self.path(table))
        conform(df, table).write.format("delta").mode("append").save(self.path(table))
        self._new.discard(table.name)
        self._cleared.discard(table.name)
        self._note(table)
        head = self._written[table.name]
        self._appended[table.name] = head if head > before else None  # Delta makes no commit for no rows

    def replace(self, table: Table, df: DataFrame, where: str | None = None) -> None:
        """Replace all rows, or those that fulfil `where`. All new rows must fulfil it, too."""
        self._sign()
        self._create(table)
        writer = conform(df, table).write.format("delta").mode("overwrite")
        option = ("overwriteSchema", "true") if where is None else ("replaceWhere", where)
        writer = writer.option(*option)
        writer.save(self.path(table))
        self._new.discard(table.name)
        self._cleared.discard(table.name)
        self._note(table)

    def clear(self, table: Table) -> None:
        """Delete all rows and forget the parameters, for a rebuild. A table that does not exist is not made."""
        self._sign()
        if not self._exists(table):
            return
        self._target(table).delete()
        stale = sorted(self._fingerprints(table))
        if stale:
            names = ", ".join(f"'{FINGERPRINT}{name}'" for name in stale)
            self.spark.sql(f"ALTER TABLE delta.`{self.path(table)}` UNSET TBLPROPERTIES ({names})")
            del self._stored[table.name]
        self._note(table)
        self._cleared.add(table.name)

    def delete(self, table: Table, keys: DataFrame, on: Iterable[str], prune: str = "true") -> None:
        """Delete the rows whose `on` columns are in `keys` (distinct rows, no nulls).

        `prune` is a condition on the target `t` alone, with literals, so that Delta skips files by statistics.
        """
        self._sign()
        if prune == NO_ROW or self._is_new(table):
            return
        matches = " AND ".join(f"t.{name} = s.{name}" for name in on)
        self._target(table).merge(keys.alias("s"), f"({prune}) AND {matches}").whenMatchedDelete().execute()
        self._note(table)

    def blank(self, table: Table, column: str, keys: DataFrame, on: Iterable[str], where: str) -> None:
        """Set a column to null in the rows whose `on` columns are in `keys` and that fulfil `where` (on `t` only)."""
        self._sign()
        matches = " AND ".join(f"t.{name} = s.{name}" for name in on)
        merged = self._target(table).merge(keys.alias("s"), f"({where}) AND {matches}")
        merged.whenMatchedUpdate(set={column: "NULL"}).execute()
        self._note(table)

    def add(self, table: Table, deltas: DataFrame, prune: str = "true") -> None:
        """Add signed integer or decimal measures to the rows with the same key; null key parts are equal.

        Rows whose first measure becomes zero are deleted, missing rows are inserted. `deltas` has the table's
        columns, one row per key. `prune` as in :meth:`delete`.
        """
        self._sign()
        deltas = conform(deltas, table)
        count = table.measures[0]
        if self._is_new(table):
            self.append(table, deltas.where(F.col(count) != 0))
            return
        same_key = " AND ".join(f"t.{name} <=> s.{name}" for name in table.key)
        (
            self._target(table)
            .merge(deltas.alias("s"), f"({prune}) AND {same_key}")
            .whenMatchedDelete(f"t.{count} + s.{count} = 0")
            .whenMatchedUpdate(set={name: f"t.{name} + s.{name}" for name in table.measures})
            .whenNotMatchedInsertAll(f"s.{count} <> 0")
            .execute()
        )
        self._note(table)

    # Maintaining

    def compact(self, table: Table) -> int:
        """Compact small files of a published table, and return the decrease in files. Its rows do not change."""
        self._sign()
        metrics = self._target(table).optimize().executeCompaction()
        row = metrics.select("metrics.numFilesAdded", "metrics.numFilesRemoved").head()
        self._note_files(table)
        return int(row["numFilesRemoved"] - row["numFilesAdded"]) if row else 0

    def purge(self, table: Table) -> None:
        """Rewrite the files of a published table that contain rows marked as deleted."""
        self._sign()
        self.spark.sql(f"REORG TABLE delta.`{self.path(table)}` APPLY (PURGE)")
        self._note_files(table)

    def vacuum(self, table: Table, keep_days: int) -> None:
        """Delete the files that no version of the last `keep_days` days reads; 0 keeps the newest version only."""
        self._sign()
        kept = f"interval {keep_days} days"
        row = self._target(table).detail().select("properties").head()
        if row is None or row["properties"].get(RETENTION) != kept:
            self.spark.sql(f"ALTER TABLE delta.`{self.path(table)}` SET TBLPROPERTIES ('{RETENTION}' = '{kept}')")
        self._target(table).vacuum()
        self._note_files(table)

    # Publishing

    def recover(self) -> None:
        """Restore every table to its published version. Later versions were written by a crashed run.

        Raises:
            ConfigurationError, RetryableError: as :func:`segmentation.lake.recovery.undo_unpublished`.
        """
        self._sign()
        undone = undo_unpublished(self.spark, self.root, self.publications.current().tables)
        self._recovered.update(undone.unpublished, **undone.restored)
        self._written.update(undone.restored)
        self.notes.extend(undone.notes)
        if self._written:
            self.publish({})

    def publish(self, bases: Mapping[str, int]) -> dict[str, int]:
        """Make all tables that this run wrote since the last publish visible at once.

        Args:
            bases: derived table -> contents of `events` that it now reflects.

        Returns:
            table -> version, of what became visible.
        """
        self._refuse_foreign_commits()
        visible, self._written = self._written, {}
        changed, self._changed = self._changed, set()
        if visible:
            self.publications.publish(visible, changed, bases)
        return visible

    def _refuse_foreign_commits(self) -> None:
        """Check that this run wrote all commits to publish. Without a lock, another run may have written, too."""
        published = self.publications.current().tables
        for name, version in self._written.items():
            base = max(published.get(name, -1), self._recovered.get(name, -1))
            runs = runs_of_commits(self.spark, f"{self.root}/{name}", base + 1, version)
            if runs - {self.run_id}:
                raise RetryableError(
                    f"another run wrote to {self.root}/{name} meanwhile; run the same command again, "
                    "which first undoes what neither has published"
                )

    # Parameters

    def check_parameters(self, table: Table, fingerprints: Mapping[str, str], rebuild: str) -> None:
        """Check that a table was built under these parameters. A table that was never published passes.

        Args:
            table: the table about to be written.
            fingerprints: name of a parameter group -> its fingerprint; groups new to the table are fine.
            rebuild: the command that rebuilds the table under the new parameters.

        Raises:
            ConfigurationError: a group's fingerprint differs from the stored one.
        """
        stored = {} if self.version(table) is None else self._fingerprints(table)
        changed = sorted(name for name, value in fingerprints.items() if stored.get(name, value) != value)
        if changed:
            raise ConfigurationError(
                f"table '{table.name}' was built under other parameters ({', '.join(changed)}); "
                f"to build it anew under these: {rebuild}"
            )

    def parameters(self, table: Table) -> dict[str, str]:
        """Return the fingerprints of the parameters that a table was built under; empty if there is no table."""
        return dict(self._fingerprints(table))

    def set_parameters(self, table: Table, fingerprints: Mapping[str, str]) -> None:
        """Store the fingerprints of the parameters that a table is built under."""
        self._sign()
        stored = self._fingerprints(table)
        news = {FINGERPRINT + name: value for name, value in fingerprints.items() if stored.get(name) != value}
        if not self._exists(table):
            self._create(table, news)
        elif news:
            pairs = ", ".join(f"'{key}' = '{value}'" for key, value in sorted(news.items()))
            self.spark.sql(f"ALTER TABLE delta.`{self.path(table)}` SET TBLPROPERTIES ({pairs})")
            self._note(table)
        self._stored[table.name] = {**stored, **fingerprints}

    # Inside

    def _target(self, table: Table) -> DeltaTable:
        return DeltaTable.forPath(self.spark, self.path(table)).alias("t")

    def _exists(self, table: Table) -> bool:
        if table.name not in self._existing and head_version(self.spark, self.path(table)) >= 0:
            self._existing.add(table.name)
        return table.name in self._existing

    def _create(self, table: Table, properties: Mapping[str, str] | None = None) -> None:
        """Create the table under its contract unless it exists."""
        if self._exists(table):
            return
        is_begun = begin_log(self.spark, self.path(table), table.schema)
        define = DeltaTable.replace if is_begun else DeltaTable.createIfNotExists
        builder = define(self.spark).location(self.path(table)).comment(table.grain).addColumns(table.schema)
        settings = {OWN: table.name, **(properties or {})}
        if table.deletion_vectors:
            settings["delta.enableDeletionVectors"] = "true"
        if table.clustered_by:
            settings["delta.dataSkippingStatsColumns"] = ",".join(table.clustered_by)
        for key, value in sorted(settings.items()):
            builder = builder.property(key, value)
        builder.execute()
        self._existing.add(table.name)
        self._new.add(table.name)
        self._note(table)

    def _is_new(self, table: Table) -> bool:
        """Return whether this run created the table and has not written to it."""
        self._create(table)
        return table.name in self._new

    def _fingerprints(self, table: Table) -> dict[str, str]:
        if table.name in self._stored:
            return self._stored[table.name]
        if not self._exists(table):
            return {}
        rows = self.spark.sql(f"SHOW TBLPROPERTIES delta.`{self.path(table)}`").collect()  # a row per property
        properties = {row["key"]: row["value"] for row in rows}
        stored = {k.removeprefix(FINGERPRINT): v for k, v in properties.items() if k.startswith(FINGERPRINT)}
        self._stored[table.name] = stored
        return stored

    def _note(self, table: Table) -> None:
        self._written[table.name] = head_version(self.spark, self.path(table))
        self._changed.add(table.name)

    def _note_files(self, table: Table) -> None:
        """Record a commit, if there was one, that changed files but no rows."""
        head = head_version(self.spark, self.path(table))
        if head != self.version(table):
            self._written[table.name] = head

    def _sign(self) -> None:
        """Set the run's id for the commits that follow. Every write does so, as two lakes may share a session."""
        self.spark.conf.set("spark.databricks.delta.commitInfo.userMetadata", self.run_id)
