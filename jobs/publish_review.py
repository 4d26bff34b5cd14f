"""Writes the review: a static site on what the lake's tables show, with their figures as CSV beside its pages."""

from __future__ import annotations

import sys
from datetime import date, timedelta
from typing import TYPE_CHECKING

from segmentation.filesystem import is_local, local_path
from segmentation.filesystem.folder import START, publish_folder
from segmentation.parameters import validated
from segmentation.review import (
    Provenance,
    Reading,
    ReviewParams,
    build_pages,
    read_models,
    render_one_page,
    render_site,
)
from segmentation.review.frames.records import find_cut
from segmentation.runtime.context import Context, RunReport
from segmentation.runtime.main import run_job
from segmentation.tables import (
    ALERTS,
    COHORTS,
    DRIFT,
    EVALUATIONS,
    EVENTS,
    INGEST_LEDGER,
    MODEL_DECISIONS,
    MONITORED_RATES,
    PROFILES,
    QUALITY_RESULTS,
    SEGMENT_ASSIGNMENTS,
    SEGMENT_CHANGES,
    SEGMENT_PROFILES,
    SESSIONS,
    TRANSITIONS,
    USER_DAYS,
    USER_FEATURES,
)

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence

    from segmentation.tables import Table

READS = (
    EVENTS,
    INGEST_LEDGER,
    SESSIONS,
    TRANSITIONS,
    USER_DAYS,
    USER_FEATURES,
    PROFILES,
    COHORTS,
    SEGMENT_ASSIGNMENTS,
    SEGMENT_CHANGES,
    SEGMENT_PROFILES,
    EVALUATIONS,
    QUALITY_RESULTS,
    DRIFT,
    MONITORED_RATES,
    ALERTS,
    MODEL_DECISIONS,
)
WRITES: tuple[Table, ...] = ()
FOLDER = "review"
SHOWN_PARAMETERS = ("workspace", "ingest", "sessions", "features", "clusters", "propensity", "evaluation")
"""Parameters that change results. Settings of Spark and the tracking server may contain secrets and are left out."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare how much the pages show."""
    defaults = ReviewParams()
    parser.add_argument("--states", type=int, default=defaults.states, help="states by name in the journeys' tables")
    parser.add_argument("--paths", type=int, default=defaults.paths, help="most frequent paths listed")
    parser.add_argument("--path-steps", type=int, default=defaults.path_steps, help="states of a path")


def run(ctx: Context) -> RunReport:
    """Write the site and log it; a table that was never published leaves a section that names the job to run."""
    ctx.tracking.store.require_active()
    given = {name: ctx.options[name] for name in ("states", "paths", "path_steps") if name in ctx.options}
    reading = Reading(ctx.lake, as_of=_cut(ctx), params=validated(ReviewParams, given, "options"))
    pages = build_pages(reading, read_models(reading, ctx.tracking))
    current = ctx.lake.publications.current()
    provenance = Provenance(
        run_id=ctx.run_id,
        lake=ctx.lake.root,
        as_of=reading.as_of,
        versions=current.tables,
        bases=current.bases,
        parameters=ctx.config.model_dump(mode="json", include=set(SHOWN_PARAMETERS), exclude={"workspace": {"rates"}}),
        publication=current.number,
    )
    page = _keep(ctx, render_site(pages, provenance), render_one_page(pages, provenance))
    missing = dict.fromkeys(job for page in pages for section in page.sections for job in section.missing)
    crossed = {page.title: len(page.crossed) for page in pages if page.crossed}
    notes = [f"the review lacks what jobs/{job}.py makes" for job in missing]
    return RunReport(as_of=reading.as_of, quality={"page": page, "crossed": crossed}, notes=notes)


def _cut(ctx: Context) -> date | None:
    """Return the cut as given, else the day after the latest event; None where there are no events."""
    if ctx.given_as_of is not None:
        return ctx.given_as_of
    latest = find_cut(ctx.lake.read(EVENTS), None, "event_date")
    return latest + timedelta(days=1) if latest else None


def _keep(ctx: Context, site: Mapping[str, str], one_page: str) -> str:
    """Put the site into the lake and log it; return where its first page is.

    A lake on another file system than the local disk keeps its pages in the tracking store alone.
    """
    run = ctx.tracking.store.record_site(site, one_page, FOLDER, {"job_run_id": ctx.run_id})
    if not is_local(ctx.spark, ctx.lake.root):
        return f"MLflow run {run}"
    folder = local_path(ctx.lake.root) / FOLDER
    publish_folder(folder, site, ctx.run_id)
    return str(folder / START)


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    return run_job(sys.modules[__name__], argv)


if __name__ == "__main__":
    sys.exit(main())
