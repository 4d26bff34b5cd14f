"""Keep the tables quick to read: put small files together and delete what no recent version reads; rows stay."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from segmentation.runtime.context import Context, RunReport
from segmentation.runtime.main import run_job
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
    return RunReport(quality={"files_fewer": fewer})


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
