"""Take the sealed text of quarantined records away when its days are over; the records and their reasons stay."""

from __future__ import annotations

import sys
from datetime import timedelta
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from segmentation.privacy.expressions import SEALED
from segmentation.runtime.context import Context, RunReport
from segmentation.runtime.main import run_job
from segmentation.tables import EVENTS, INPUT_UNITS, QUARANTINE

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Sequence

READS = (EVENTS, INPUT_UNITS, QUARANTINE)
WRITES = (QUARANTINE,)


def add_arguments(parser: ArgumentParser) -> None:
    """Declare nothing: the days are privacy.raw_days, counted back from --as-of."""


def run(ctx: Context) -> RunReport:
    """Drop the text of records whose file was last changed more than privacy.raw_days days before the cut."""
    first_kept = ctx.as_of - timedelta(days=ctx.config.privacy.raw_days)
    changed_on = F.to_date(F.from_utc_timestamp("modified_at", ctx.config.workspace.time_zone))
    old = ctx.lake.require(INPUT_UNITS, "ingest_events").where(changed_on < F.lit(first_kept)).select("unit_id")
    held = ctx.lake.read(QUARANTINE).where(F.col("raw").startswith(SEALED)).groupBy("unit_id").count()
    due = held.join(old, "unit_id").collect()  # a row per file that has such records
    if due:
        with ctx.progress.step(f"drop the text of {sum(row['count'] for row in due)} records"):
            keys = old.join(held, "unit_id", "left_semi")
            ctx.lake.blank(QUARANTINE, "raw", keys, ("unit_id",), f"t.raw LIKE '{SEALED}%'")
            ctx.lake.publish({})
    dropped = sum(row["count"] for row in due)
    return RunReport(as_of=ctx.as_of, quality={"dropped": dropped, "first_day_kept": first_kept.isoformat()})


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    return run_job(sys.modules[__name__], argv)


if __name__ == "__main__":
    sys.exit(main())
