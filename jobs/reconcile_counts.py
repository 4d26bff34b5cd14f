"""Compare events with an outside count (a CSV of the counts on the platform's own screen), and store the result."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F

from segmentation.checkpoints import checkpoint
from segmentation.errors import DataError
from segmentation.quality.outside_counts import (
    BY,
    COUNT,
    DAY,
    compare_counts,
    compared_cells,
    read_outside_counts,
)
from segmentation.runtime.context import Context, RunReport
from segmentation.runtime.main import run_job
from segmentation.runtime.stored import read_expiry
from segmentation.sources.readers.sample import read_table_of_texts
from segmentation.tables import COUNT_COMPARISONS, EVENTS

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Sequence

    from pyspark.sql import DataFrame, Row

READS = (EVENTS,)
WRITES = (COUNT_COMPARISONS,)
SHOWN = 20


def add_arguments(parser: ArgumentParser) -> None:
    """Declare what is compared."""
    parser.add_argument("--source", required=True, help="source whose events are counted")
    parser.add_argument("--counts", required=True, help="CSV: event_date, events, and any of " + ", ".join(BY[1:]))
    parser.add_argument(
        "--tolerance",
        type=float,
        default=None,
        help="end with exit code 3 where a settled cell differs by more (share)",
    )


def run(ctx: Context) -> RunReport:
    """Write `count_comparisons` of the source at the cut, in the place of those of the same cut.

    The greatest differences are shown. Differences beyond a given tolerance fail the job after the result is published.

    Raises:
        DataError: a settled cell differs by a greater share of the outside count than --tolerance.
    """
    events = ctx.lake.require(EVENTS, "ingest_events").where(F.col("source") == ctx.options["source"])
    source, path, zone = ctx.options["source"], ctx.options["counts"], ctx.config.workspace.time_zone
    outside, notes = _of_kept_days(ctx, read_outside_counts(read_table_of_texts(ctx.spark, path), path))
    with ctx.progress.step(f"compare events of {source} with {path}"):
        cells = checkpoint(compare_counts(events, outside, time_zone=zone, as_of=ctx.as_of))
        quality = _totals(cells)
        differing = cells.where("difference <> 0 OR other_times")
        worst = differing.orderBy(F.abs("difference").desc(), *_keys(cells)).limit(SHOWN).collect()
        stored = compared_cells(cells, source=source, counts=path, as_of=ctx.as_of, time_zone=zone)
        of_source = f"source = '{source}' AND as_of = DATE'{ctx.as_of}'"
        ctx.lake.replace(COUNT_COMPARISONS, stored.coalesce(1), where=of_source)
        ctx.lake.publish(ctx.lake.basis(EVENTS, WRITES))
    for line in _describe(quality, worst, _keys(cells)):
        ctx.progress.say(line)
    tolerance = ctx.options.get("tolerance")
    if tolerance is not None and quality["greatest_share"] > tolerance:
        raise DataError(
            f"{quality['differing']} settled cells differ from {path}, by up to {quality['greatest_share']:.2%} of its "
            f"count; --tolerance is {tolerance:.2%}"
        )
    return RunReport(as_of=ctx.as_of, status="compared", quality=quality, notes=notes)


def _of_kept_days(ctx: Context, outside: DataFrame) -> tuple[DataFrame, list[str]]:
    """Leave out days whose events were removed for their age; the note counts the outside events of these days."""
    expiry = read_expiry(ctx, ctx.options["source"])
    if expiry is None:
        return outside, []
    is_kept = F.col(DAY) >= F.lit(expiry.first_kept)
    row = outside.where(~is_kept).agg(F.sum(COUNT).alias("events")).head()
    counted = (row and row["events"]) or 0
    note = f"{counted} events counted outside before {expiry.first_kept} are not compared: maintenance.keep_months"
    return outside.where(is_kept), [note] if counted else []


def _keys(cells: DataFrame) -> list[str]:
    return [name for name in BY if name in cells.columns]


def _totals(cells: DataFrame) -> dict[str, Any]:
    settled = ~F.col("settling")
    differs = F.col("difference") != 0
    share = F.abs("difference") / F.greatest(F.col("counted"), F.lit(1))
    row = cells.agg(
        F.count(F.lit(1)).alias("cells"),
        F.count_if(~differs).alias("equal"),
        F.count_if(differs & settled).alias("differing"),
        F.count_if(differs & ~settled).alias("settling"),
        F.count_if(F.col("other_times") & settled).alias("other_times"),
        F.coalesce(F.sum("events"), F.lit(0)).alias("events"),
        F.coalesce(F.sum("counted"), F.lit(0)).alias("counted"),
        F.coalesce(F.max(F.when(settled, share)), F.lit(0.0)).alias("greatest_share"),
    ).collect()[0]
    return row.asDict()


def _describe(quality: dict[str, Any], worst: list[Row], keys: list[str]) -> list[str]:
    lines = [
        "{cells:,} cells: {equal:,} equal, {differing:,} differ, {settling:,} differ but are still settling".format(
            **quality
        ),
        "{events:,} events here, {counted:,} counted outside".format(**quality),
    ]
    if quality["other_times"]:
        lines.append("{other_times:,} settled cells have another first or last time than outside".format(**quality))
    for row in worst:
        cell = ", ".join(str(row[name]) for name in keys)
        here = f"{row['first_at']:%H:%M:%S} .. {row['last_at']:%H:%M:%S}" if row["first_at"] else "none here"
        note = " (settling)" if row["settling"] else ""
        lines.append(
            f"  {cell}: {row['events']:,} here ({here}), {row['counted']:,} outside: {row['difference']:+,}{note}"
        )
    return lines


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    return run_job(sys.modules[__name__], argv)


if __name__ == "__main__":
    sys.exit(main())
