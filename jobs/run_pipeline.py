"""Run all jobs in lineage order in one Spark session: from raw records to scored segments and the review."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from jobs import (
    apply_identities,
    build_cohorts,
    build_features,
    build_sequences,
    build_sessions,
    check_quality,
    evaluate_segments,
    ingest_events,
    monitor_segments,
    publish_review,
    score_segments,
    train_clusters,
    train_propensity,
)
from segmentation.runtime.context import Context, RunReport
from segmentation.runtime.main import run_job
from segmentation.runtime.summary import summarise
from segmentation.tables.segment_profiles import SEGMENT_PROFILES

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Sequence

JOBS = (
    ingest_events,
    check_quality,
    apply_identities,
    build_sessions,
    build_sequences,
    build_features,
    build_cohorts,
    train_clusters,
    train_propensity,
    score_segments,
    evaluate_segments,
    monitor_segments,
    publish_review,
)
READS = tuple(dict.fromkeys(table for job in JOBS for table in job.READS))
WRITES = tuple(dict.fromkeys(table for job in JOBS for table in job.WRITES))


def add_arguments(parser: ArgumentParser) -> None:
    """Declare which source is read from where."""
    ingest_events.add_arguments(parser)


def run(ctx: Context) -> RunReport:
    """Run every job on the same lake; the first that fails ends the run, what was published before stays."""
    quality: dict[str, Any] = {}
    notes: list[str] = []
    for job in JOBS:
        name = job.__name__.rsplit(".", 1)[-1]
        with ctx.progress.step(name):
            report = job.run(ctx)
        quality[name] = report.quality
        notes += [f"{name}: {note}" for note in report.notes]
    profiles = ctx.lake.read(SEGMENT_PROFILES).where(f"as_of = DATE'{ctx.as_of}'")
    for line in summarise(quality["ingest_events"], profiles, ctx.lake.root):
        ctx.progress.say(line)
    return RunReport(as_of=ctx.as_of, quality=quality, notes=notes)


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    return run_job(sys.modules[__name__], argv)


if __name__ == "__main__":
    sys.exit(main())
