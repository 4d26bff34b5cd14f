"""Counts who is new, returning, resurrecting and dormant in every day, week and month, and how long cohorts stay."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from segmentation.errors import DataError
from segmentation.runtime.context import Context, RunReport
from segmentation.runtime.cut import read_cut
from segmentation.runtime.main import run_job
from segmentation.segments.lifecycle import KINDS, MONTH, build_lifecycle, build_retention, find_active_periods
from segmentation.tables import EVENTS, LIFECYCLE, RETENTION, SESSIONS, USER_DAYS

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

READS = (EVENTS, SESSIONS, USER_DAYS)
WRITES = (LIFECYCLE, RETENTION)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The job has no options of its own."""


def run(ctx: Context) -> RunReport:
    """Write both tables at the cut; again leaves equal rows.

    Raises:
        DataError: no user was active before the cut.
    """
    as_of, config = ctx.as_of, ctx.config
    tables = read_cut(ctx)
    active = find_active_periods(tables.user_days, as_of=as_of).persist()
    try:
        if active.isEmpty():
            raise DataError(f"no event happened and was received before {as_of}")
        built = {
            LIFECYCLE: build_lifecycle(active, as_of=as_of),
            RETENTION: build_retention(active, as_of=as_of, params=config.lifecycle),
        }
        for table, frame in built.items():
            ctx.lake.replace(table, frame.coalesce(1), where=f"as_of = DATE'{as_of}'")
    finally:
        active.unpersist()
    ctx.lake.publish(ctx.lake.basis(EVENTS, WRITES))
    return RunReport(as_of=as_of, quality=_last_month(ctx))


def _last_month(ctx: Context) -> dict[str, object]:
    """Tell the newest month's users."""
    at_cut = ctx.lake.read(LIFECYCLE).where(F.col("as_of") == F.lit(ctx.as_of))
    row = at_cut.where(F.col("granularity") == MONTH).orderBy(F.col("period").desc()).head()
    if row is None:
        return {}
    return {"month": f"{row['period']:%Y-%m}", **{kind: row[kind] for kind in KINDS}}


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    return run_job(sys.modules[__name__], argv)


if __name__ == "__main__":
    sys.exit(main())
