"""Pull the objects of an API that changed since the last pull, and land them as files for ingest_events."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from segmentation.filesystem import qualified
from segmentation.lake.lock import exclusive
from segmentation.pulls import SparkFolder, load_pull, pull_objects
from segmentation.runtime.context import Context, RunReport
from segmentation.runtime.main import run_job
from segmentation.sources.mapping import load_mapping

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Sequence

    from segmentation.pulls import PullDeclaration
    from segmentation.tables import Table

READS: tuple[Table, ...] = ()
WRITES: tuple[Table, ...] = ()


def add_arguments(parser: ArgumentParser) -> None:
    """Declare what is pulled and where it lands."""
    parser.add_argument("--pull", required=True, help="name of the declaration in <conf-dir>/pulls")
    parser.add_argument("--out", required=True, metavar="FOLDER", help="folder of the landed files, one per pull")


def run(ctx: Context) -> RunReport:
    """Land the rows of objects that changed; the position is read from the names of landed files.

    Raises:
        ConfigurationError: the declaration, the token, a host or dlt is wrong or missing.
        DataError: the API answers otherwise than declared.
        RetryableError: the API does not answer, or another run pulls into the folder. The next run continues.
    """
    declaration = load_pull(ctx.conf_dir, ctx.options["pull"])
    load_mapping(ctx.conf_dir, declaration.source)  # it is checked before requests are made
    folder = qualified(ctx.spark, ctx.options["out"])
    # Two pulls into one folder would land the same rows.
    with exclusive(ctx.spark, folder, ctx.run_id), ctx.progress.step(f"pull {declaration.name}"):
        result = pull_objects(declaration, SparkFolder(ctx.spark, folder))
    ctx.progress.say(
        f"{result.objects:,} objects read, {result.rows:,} rows in {result.files:,} files landed, "
        f"up to {result.until:%Y-%m-%d %H:%M:%S} UTC"
    )
    return RunReport(
        status="pulled",
        quality=result._asdict(),
        notes=[_next_command(declaration, ctx.options["out"])],
    )


def _next_command(declaration: PullDeclaration, out: str) -> str:
    if declaration.counts:
        return f"compare the counts: jobs/reconcile_counts.py --source {declaration.source} --counts {out}"
    return f"ingest the files: jobs/ingest_events.py --source {declaration.source} --input {out}"


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    return run_job(sys.modules[__name__], argv)


if __name__ == "__main__":
    sys.exit(main())
