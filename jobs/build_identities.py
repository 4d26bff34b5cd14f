"""Finds which logins, e-mails, devices and cookies are one person, and when (conf/identities.yaml)."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from segmentation.errors import ConfigurationError
from segmentation.identities.build import build_identities
from segmentation.identities.evidence import OUTDATED
from segmentation.identities.params import FILE, load_identities
from segmentation.runtime.context import Context, RunReport
from segmentation.runtime.main import run_job
from segmentation.tables import EVENTS, IDENTITIES

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Sequence

READS = (EVENTS,)
WRITES = (IDENTITIES,)


def add_arguments(parser: ArgumentParser) -> None:
    """The job has no options of its own."""


def run(ctx: Context) -> RunReport:
    """Write `identities` anew from all published events.

    Raises:
        ConfigurationError: no identifiers are declared, the cut is a past one, or nothing was ingested yet.
    """
    conf_dir = Path(ctx.options.get("conf_dir", "conf"))
    params = load_identities(conf_dir)
    if not params.sources:
        raise ConfigurationError(f"{conf_dir / FILE} declares no identifiers: name the sources that carry them")
    if ctx.given_as_of is not None:
        raise ConfigurationError("identities are those of all ingested events: leave --as-of out")
    events = ctx.lake.require(EVENTS, "ingest_events")
    with ctx.progress.step("build identities"):
        ctx.lake.replace(IDENTITIES, build_identities(events, params))
        # The events are not stored under these persons yet: apply_identities has to compare them all.
        ctx.lake.publish({**ctx.lake.basis(EVENTS, WRITES), **OUTDATED})
    counts = ctx.lake.read(IDENTITIES).groupBy("evidence").count().collect()  # a row per evidence
    periods = {row["evidence"]: row["count"] for row in counts}
    return RunReport(as_of=ctx.as_of, quality={"periods": dict(sorted(periods.items()))})


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    return run_job(sys.modules[__name__], argv)


if __name__ == "__main__":
    sys.exit(main())
