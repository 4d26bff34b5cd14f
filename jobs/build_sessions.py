"""Build sessions and user days from events; ingest keeps them current, so this acts only where they are behind."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from segmentation.runtime.context import Context, RunReport
from segmentation.runtime.main import run_job
from segmentation.runtime.stored import require_events
from segmentation.sessions.as_of import tables_of
from segmentation.tables import EVENTS, SESSIONS, USER_DAYS

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Sequence

READS = (EVENTS,)
WRITES = (SESSIONS, USER_DAYS)


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the job's own options."""
    parser.add_argument("--rebuild", action="store_true", help="build them anew even where they are current")


def run(ctx: Context) -> RunReport:
    """Build the tables where they do not reflect the published events.

    Raises:
        ConfigurationError: the events were cut into sessions under other parameters.
    """
    events = require_events(ctx)
    report = RunReport(as_of=ctx.as_of)
    if not ctx.options.get("rebuild") and ctx.lake.reflects(EVENTS, WRITES):
        report.notes.append("sessions and user days already reflect all events")
        return report
    with ctx.progress.step("build sessions and user days"):
        built = tables_of(events, workspace=ctx.config.workspace, sessions=ctx.config.sessions)
        made = (built.sessions, built.user_days)
        for table, rows in zip(WRITES, made, strict=True):
            ctx.lake.replace(table, rows)
        ctx.lake.publish(ctx.lake.basis(EVENTS, WRITES))
    return report


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    return run_job(sys.modules[__name__], argv)


if __name__ == "__main__":
    sys.exit(main())
