"""Writes the review: one self-contained page on what the lake's tables show, with its tables as CSV beside it."""

from __future__ import annotations

import os
import sys
import tempfile
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from segmentation.parameters import validated
from segmentation.review import (
    Provenance,
    Reading,
    ReviewParams,
    build_sections,
    list_files,
    read_calibration,
    read_trainings,
    render_page,
)
from segmentation.review.frames.records import find_cut
from segmentation.runtime.context import Context, RunReport
from segmentation.runtime.main import run_job
from segmentation.storage.lock import is_local, local_path
from segmentation.tables.alerts import ALERTS
from segmentation.tables.cohorts import COHORTS
from segmentation.tables.drift import DRIFT
from segmentation.tables.evaluations import EVALUATIONS
from segmentation.tables.events import EVENTS
from segmentation.tables.ingest_ledger import INGEST_LEDGER
from segmentation.tables.monitored_rates import MONITORED_RATES
from segmentation.tables.quality_results import QUALITY_RESULTS
from segmentation.tables.segment_assignments import SEGMENT_ASSIGNMENTS
from segmentation.tables.segment_changes import SEGMENT_CHANGES
from segmentation.tables.segment_profiles import SEGMENT_PROFILES
from segmentation.tables.sessions import SESSIONS
from segmentation.tables.transitions import TRANSITIONS
from segmentation.tables.user_days import USER_DAYS
from segmentation.tables.user_features import USER_FEATURES

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence

    from segmentation.tables.table import Table

READS = (
    EVENTS,
    INGEST_LEDGER,
    SESSIONS,
    TRANSITIONS,
    USER_DAYS,
    USER_FEATURES,
    COHORTS,
    SEGMENT_ASSIGNMENTS,
    SEGMENT_CHANGES,
    SEGMENT_PROFILES,
    EVALUATIONS,
    QUALITY_RESULTS,
    DRIFT,
    MONITORED_RATES,
    ALERTS,
)
WRITES: tuple[Table, ...] = ()
FOLDER, PAGE = "review", "index.html"
SHOWN_PARAMETERS = ("workspace", "ingest", "sessions", "features", "clusters", "propensity", "evaluation")
"""What shapes results; Spark's and the tracking server's settings may hold secrets and stay out."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare how much the page shows."""
    defaults = ReviewParams()
    parser.add_argument("--states", type=int, default=defaults.states, help="states by name in the journeys' tables")
    parser.add_argument("--paths", type=int, default=defaults.paths, help="most frequent paths listed")
    parser.add_argument("--path-steps", type=int, default=defaults.path_steps, help="states of a path")


def run(ctx: Context) -> RunReport:
    """Write the page and log it; a table that was never published leaves a section that names the job to run."""
    given = {name: ctx.options[name] for name in ("states", "paths", "path_steps") if name in ctx.options}
    reading = Reading(ctx.lake, as_of=_cut(ctx), params=validated(ReviewParams, given, "options"))
    calibration, trainings = read_calibration(reading, ctx.tracking), read_trainings(reading, ctx.tracking)
    sections = build_sections(reading, calibration, trainings)
    current = ctx.lake.publications.current()
    provenance = Provenance(
        run_id=ctx.run_id,
        lake=ctx.lake.root,
        as_of=reading.as_of,
        versions=current.tables,
        bases=current.bases,
        parameters=ctx.config.model_dump(mode="json", include=set(SHOWN_PARAMETERS)),
    )
    page = _keep(ctx, {PAGE: render_page(sections, provenance), **list_files(sections)})
    missing = dict.fromkeys(job for section in sections for job in section.missing)
    notes = [f"the page lacks what jobs/{job}.py makes" for job in missing]
    return RunReport(as_of=reading.as_of, quality={"page": page}, notes=notes)


def _cut(ctx: Context) -> date | None:
    """Return the cut as given, else the day after the latest event; None where there are no events."""
    if ctx.given_as_of is not None:
        return ctx.given_as_of
    latest = find_cut(ctx.lake.read(EVENTS), None, "event_date")
    return latest + timedelta(days=1) if latest else None


def _keep(ctx: Context, files: Mapping[str, str]) -> str:
    """Write the files into the lake and log the page; return where it is.

    A lake in an object store keeps its pages in the tracking store alone.
    """
    if is_local(ctx.lake.root):
        folder = local_path(ctx.lake.root) / FOLDER
        _write(folder, files)
        _log(ctx, folder / PAGE)
        return str(folder / PAGE)
    with tempfile.TemporaryDirectory(prefix="segmentation-review-") as scratch:
        _write(Path(scratch), files)
        return f"MLflow run {_log(ctx, Path(scratch) / PAGE)}"


def _write(folder: Path, files: Mapping[str, str]) -> None:
    """Write files so that a reader sees the old or the new one, never half of it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        draft = folder / f".{name}.{os.getpid()}"
        draft.write_text(content, encoding="utf-8")
        draft.replace(folder / name)


def _log(ctx: Context, page: Path) -> str:
    return ctx.tracking.store.record_page(page, FOLDER, {"job_run_id": ctx.run_id})


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    return run_job(sys.modules[__name__], argv)


if __name__ == "__main__":
    sys.exit(main())
