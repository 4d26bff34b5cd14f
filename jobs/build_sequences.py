"""Build transition counts from user days; ingest keeps them current, so this acts only where they are behind."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from segmentation.runtime.context import Context, RunReport
from segmentation.runtime.main import run_job
from segmentation.sequences.transitions import build_transitions
from segmentation.tables import EVENTS, TRANSITIONS, USER_DAY_COUNTS

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Sequence

READS = (EVENTS, USER_DAY_COUNTS)
WRITES = (TRANSITIONS,)


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the job's own options."""
    parser.add_argument("--rebuild", action="store_true", help="build them anew even where they are current")


def run(ctx: Context) -> RunReport:
    """Build the table where it does not reflect the published events."""
    counts = ctx.lake.require(USER_DAY_COUNTS, "build_sessions")
    report = RunReport(as_of=ctx.as_of)
    if not ctx.options.get("rebuild") and ctx.lake.reflects(EVENTS, WRITES):
        report.notes.append("transitions already reflect all events")
        return report
    with ctx.progress.step("build transitions"):
        ctx.lake.replace(TRANSITIONS, build_transitions(counts))
        ctx.lake.publish(ctx.lake.basis(EVENTS, WRITES))
    return report


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    return run_job(sys.modules[__name__], argv)


if __name__ == "__main__":
    sys.exit(main())
