"""Build transition counts from events and sessions where ingest has not kept them current."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from segmentation.runtime.context import Context, RunReport
from segmentation.runtime.main import run_job
from segmentation.sessions.transitions import build_transitions
from segmentation.tables import EVENTS, SESSIONS, TRANSITIONS

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Sequence

READS = (EVENTS, SESSIONS)
WRITES = (TRANSITIONS,)


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the job's own options."""
    parser.add_argument("--rebuild", action="store_true", help="build them anew even where they are current")


def run(ctx: Context) -> RunReport:
    """Build the table where it does not reflect the published events."""
    events, sessions = ctx.lake.require(EVENTS, "ingest_events"), ctx.lake.require(SESSIONS, "build_sessions")
    report = RunReport(as_of=ctx.as_of)
    if not ctx.options.get("rebuild") and ctx.lake.reflects(EVENTS, WRITES):
        report.notes.append("transitions already reflect all events")
        return report
    with ctx.progress.step("build transitions"):
        ctx.lake.replace(TRANSITIONS, build_transitions(events, sessions))
        ctx.lake.publish(ctx.lake.basis(EVENTS, WRITES))
    return report


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    return run_job(sys.modules[__name__], argv)


if __name__ == "__main__":
    sys.exit(main())
