"""Keep the tables quick to read: put small files together and delete what no recent version reads; rows stay.

Messages that have landed as files go when their days are over (maintenance.landed_days).
"""

from __future__ import annotations

import sys
from datetime import timedelta
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from segmentation.runtime.context import Context, RunReport
from segmentation.runtime.main import run_job
from segmentation.storage.kafka import drop_landed
from segmentation.storage.messages import MESSAGES
from segmentation.tables.input_units import INPUT_UNITS
from segmentation.tables.publications import PUBLICATIONS
from segmentation.tables.reference import all_tables

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Sequence

READS = WRITES = tuple(table for table in all_tables() if table != PUBLICATIONS)
"""Their files; no row changes."""


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the job's own options: it has none."""


def run(ctx: Context) -> RunReport:
    """Compact and clean up every published table, and publish all of them at once."""
    params, lake = ctx.config.maintenance, ctx.lake
    for key, value in _settings(ctx).items():
        ctx.spark.conf.set(key, value)
    fewer = {}
    for table in (table for table in WRITES if lake.version(table) is not None):
        with ctx.progress.step(f"maintain {table.name}"):
            fewer[table.name] = lake.compact(table)
            lake.vacuum(table, params.keep_days)
    lake.publish({})
    return RunReport(quality={"files_fewer": fewer, "landed_dropped": _drop_landed(ctx)})


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
