"""Run all jobs in lineage order in one Spark session: from raw records to scored segments and the review."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from jobs import (
    apply_identities,
    build_accounts,
    build_cohorts,
    build_features,
    build_profiles,
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
from segmentation.errors import SegmentationError, UntrainableError
from segmentation.runtime.context import Context, RunReport
from segmentation.runtime.main import run_job
from segmentation.runtime.summary import summarise
from segmentation.tables import SEGMENT_PROFILES

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Sequence

JOBS = (
    ingest_events,
    check_quality,
    apply_identities,
    build_profiles,
    build_sessions,
    build_sequences,
    build_features,
    build_accounts,
    build_cohorts,
    train_clusters,
    train_propensity,
    score_segments,
    evaluate_segments,
    monitor_segments,
    publish_review,
)
WATCHERS = (monitor_segments,)
"""Jobs that look on: no other waits for what they do."""
READS = tuple(dict.fromkeys(table for job in JOBS for table in job.READS))
WRITES = tuple(dict.fromkeys(table for job in JOBS for table in job.WRITES))


def add_arguments(parser: ArgumentParser) -> None:
    """Declare which source is read from where."""
    ingest_events.add_arguments(parser)


def run(ctx: Context) -> RunReport:
    """Run every job on the same lake; the first that fails ends the run, what was published before stays.

    Where no target can be learnt from these data, users are segmented without propensities, and a note says why.

    A watcher that fails, for example because no receiver accepts its alerts, stops no other job. The run ends with its
    error when all other jobs are done.
    """
    quality: dict[str, Any] = {}
    notes: list[str] = []
    failure: SegmentationError | None = None
    for job in JOBS:
        name = job.__name__.rsplit(".", 1)[-1]
        try:
            with ctx.progress.step(name):
                report = job.run(ctx)
        except UntrainableError as error:
            notes.append(f"{name}: {error}")
            continue
        except SegmentationError as error:
            if job not in WATCHERS:
                raise
            ctx.progress.say(f"{name} failed, the run goes on and ends with it: {error}")
            failure = error
            continue
        quality[name] = report.quality
        notes += [f"{name}: {note}" for note in report.notes]
    profiles = ctx.lake.read(SEGMENT_PROFILES).where(f"as_of = DATE'{ctx.as_of}'")
    for line in summarise(quality["ingest_events"], profiles, ctx.lake.root):
        ctx.progress.say(line)
    if failure is not None:
        raise failure
    return RunReport(as_of=ctx.as_of, quality=quality, notes=notes)


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    return run_job(sys.modules[__name__], argv)


if __name__ == "__main__":
    sys.exit(main())
