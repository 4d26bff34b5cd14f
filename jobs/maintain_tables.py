"""Keep the tables quick to read: compact small files and delete those that no recent version reads.

Rows stay, except events of months that are not kept (maintenance.keep_months). Landed messages are deleted after
maintenance.landed_days. With --purge nothing is left of rows that were deleted: earlier versions cannot be read any
more.
"""

from __future__ import annotations

import sys
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F

from segmentation.runtime.context import Context, RunReport
from segmentation.runtime.expiring import expire_months
from segmentation.runtime.main import run_job
from segmentation.sources.readers.kafka import drop_landed
from segmentation.sources.readers.messages import MESSAGES
from segmentation.tables import INPUT_UNITS, PUBLICATIONS
from segmentation.tables.reference import all_tables

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Sequence

READS = WRITES = tuple(table for table in all_tables() if table != PUBLICATIONS)
"""Their files; rows change only where months of events are removed."""


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the purge."""
    parser.add_argument(
        "--purge",
        action="store_true",
        help="keep no earlier version, so that deleted rows are in no file (erase_person)",
    )


def run(ctx: Context) -> RunReport:
    """Remove months that are not kept; compact every published table, publish all at once, and delete unread files.

    Raises:
        ConfigurationError: months cannot be removed (:func:`expire_months`).
    """
    params, lake, purge = ctx.config.maintenance, ctx.lake, bool(ctx.options.get("purge"))
    expired = expire_months(ctx)  # first, so that the files of removed rows are cleaned up with the others
    for key, value in _settings(ctx).items():
        ctx.spark.conf.set(key, value)
    fewer, tables = {}, [table for table in WRITES if lake.version(table) is not None]
    for table in tables:
        with ctx.progress.step(f"maintain {table.name}"):
            fewer[table.name] = lake.compact(table)
            if purge:
                lake.purge(table)
    lake.publish({})  # before the files of the version that was current are deleted
    for table in tables:
        with ctx.progress.step(f"clean up {table.name}"):
            lake.vacuum(table, 0 if purge else params.keep_days)
    lake.publish({})
    quality: dict[str, Any] = {"files_fewer": fewer, "landed_dropped": _drop_landed(ctx)}
    if expired:
        quality["expired"] = {source: removed._asdict() for source, removed in expired.items()}
    return RunReport(quality=quality)


def _drop_landed(ctx: Context) -> int:
    """Delete messages that landed more than maintenance.landed_days days before the cut."""
    days, units = ctx.config.maintenance.landed_days, ctx.lake.read(INPUT_UNITS)
    messages = units.where(F.col("format") == MESSAGES)
    if days is None or messages.isEmpty():
        return 0
    landed_on = F.to_date(F.from_utc_timestamp("modified_at", ctx.config.workspace.time_zone))
    old = messages.where(landed_on < F.lit(ctx.as_of - timedelta(days=days)))
    return drop_landed(ctx.spark, ctx.lake.root, [row["path"] for row in old.select("path").collect()])


def _settings(ctx: Context) -> dict[str, str]:
    params, delta = ctx.config.maintenance, "spark.databricks.delta"
    return {
        f"{delta}.optimize.minFileSize": str(params.small_file_mb * 1024 * 1024),
        f"{delta}.optimize.maxFileSize": str(params.file_mb * 1024 * 1024),
        # A clean-up is no version of a table.
        f"{delta}.vacuum.logging.enabled": "false",
        # A purge keeps nothing; ours is the only writer, which the lake's lock sees to.
        f"{delta}.retentionDurationCheck.enabled": str(not ctx.options.get("purge")).lower(),
        # Folders are listed by so many tasks, 10,000 unless told.
        "spark.sql.sources.parallelPartitionDiscovery.parallelism": str(
            ctx.spark.conf.get("spark.sql.shuffle.partitions")
        ),
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    return run_job(sys.modules[__name__], argv)


if __name__ == "__main__":
    sys.exit(main())
