"""Build the tables of journeys at the cut: funnels, comparisons, chains of states, paths and drop-offs."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from segmentation.errors import DataError
from segmentation.runtime.context import Context, RunReport
from segmentation.runtime.main import run_job
from segmentation.runtime.traits import trait_values_of
from segmentation.sequences.analyses import (
    analysis_parameters,
    build_analyses,
    load_analyses,
    needs_traits,
    note_goals_never_reached,
    summarise_analyses,
)
from segmentation.sequences.groups import newest_memberships
from segmentation.sequences.paths import build_paths
from segmentation.sequences.states import load_states
from segmentation.sequences.steps import build_steps
from segmentation.sessions.as_of import before_cut
from segmentation.steps import in_step
from segmentation.tables import (
    COHORTS,
    DROP_OFFS,
    EVENTS,
    FUNNELS,
    INPUT_UNITS,
    JOURNEY_CHAINS,
    JOURNEY_DIFFERENCES,
    JOURNEY_FLOWS,
    JOURNEY_STATES,
    PATH_EDGES,
    PATHS,
    SEGMENT_ASSIGNMENTS,
    TRAIT_OBSERVATIONS,
    USER_SEQUENCES,
)

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Sequence

    from pyspark.sql import DataFrame

    from segmentation.tables import Table

READS = (INPUT_UNITS, EVENTS, TRAIT_OBSERVATIONS, SEGMENT_ASSIGNMENTS, COHORTS)
AT_CUT = (FUNNELS, JOURNEY_DIFFERENCES, JOURNEY_FLOWS, JOURNEY_STATES, JOURNEY_CHAINS, DROP_OFFS, PATHS, PATH_EDGES)
WRITES = (*AT_CUT, USER_SEQUENCES)
TABLES_AT_ONCE = 3
"""Tables are independent, and most of a small commit is waiting."""
REBUILD = "jobs/build_journeys.py --rebuild"


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the job's own options."""
    parser.add_argument(
        "--rebuild", action="store_true", help="replace all cuts by this one, under the present parameters"
    )


def run(ctx: Context) -> RunReport:
    """Write all tables of journeys at the cut; again leaves equal rows.

    Sessions are those of the events as they are stored now; what happened or was received after the cut is left out.

    Raises:
        ConfigurationError: a file of states, funnels or comparisons is wrong; or traits that they name were not read
            from the newest events; or the tables were built under other
            parameters or states, and --rebuild is not given.
        DataError: nothing is a step before the cut.
    """
    as_of, params, zone = ctx.as_of, ctx.config.sequences, ctx.config.workspace.time_zone
    states = load_states(ctx.conf_dir)
    shaped_by = analysis_parameters(params, states, ctx.config.workspace)
    if not ctx.options.get("rebuild"):
        rebuild = f"python {REBUILD} --lake {ctx.lake.root}{ctx.given_settings}"
        ctx.lake.check_parameters(JOURNEY_FLOWS, shaped_by, rebuild)
    events = ctx.lake.require(EVENTS, "ingest_events")
    steps = build_steps(events.where(before_cut(as_of, zone)), states=states, time_zone=zone).persist()
    paths = build_paths(steps, steps=params.path_steps, goals=params.goals).persist()
    try:
        if steps.isEmpty():
            raise DataError(f"no event before {as_of} is a step of a sequence; see conf/states.yaml")
        with ctx.progress.step("count flows"):
            frames = _build(ctx, steps, paths)
        with ctx.progress.step("write tables"):
            _write(ctx, frames)
        ctx.lake.set_parameters(JOURNEY_FLOWS, shaped_by)  # one table stores them for all
        ctx.lake.publish(ctx.lake.basis(EVENTS, WRITES))
        quality = summarise_analyses(ctx.lake.read(FUNNELS), ctx.lake.read(JOURNEY_DIFFERENCES), as_of)
        notes = note_goals_never_reached(steps, params.goals, quality["funnels"])
    finally:
        steps.unpersist()
        paths.unpersist()
    return RunReport(as_of=as_of, quality=quality, notes=notes)


def _build(ctx: Context, steps: DataFrame, paths: DataFrame) -> dict[Table, DataFrame]:
    declared, params, as_of = load_analyses(ctx.conf_dir), ctx.config.sequences, ctx.as_of
    traits = trait_values_of(ctx, as_of, needed=needs_traits(declared, params))
    return build_analyses(
        steps,
        paths,
        declared=declared,
        params=params,
        as_of=as_of,
        time_zone=ctx.config.workspace.time_zone,
        memberships=newest_memberships(ctx.lake.read(SEGMENT_ASSIGNMENTS), ctx.lake.read(COHORTS), as_of, traits),
    )


def _write(ctx: Context, frames: dict[Table, DataFrame]) -> None:
    """Replace the cut's rows of each table, with --rebuild all rows; several tables at a time."""
    as_of = ctx.as_of

    def write(table: Table, frame: DataFrame) -> None:
        of_cut = table in AT_CUT and not ctx.options.get("rebuild")
        ctx.lake.replace(table, frame, where=f"as_of = DATE'{as_of}'" if of_cut else None)

    with ThreadPoolExecutor(TABLES_AT_ONCE) as pool:
        for done in [pool.submit(in_step(ctx.spark, write), table, frame) for table, frame in frames.items()]:
            done.result()


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    return run_job(sys.modules[__name__], argv)


if __name__ == "__main__":
    sys.exit(main())
