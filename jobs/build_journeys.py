"""Builds what journeys look like at the cut: funnels, comparisons, chains of states, paths and drop-offs."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from segmentation.errors import DataError
from segmentation.frames import empty_frame, union_all
from segmentation.parameters import fingerprint_of
from segmentation.runtime.context import Context, RunReport
from segmentation.runtime.main import run_job
from segmentation.sequences.comparisons import build_differences, load_comparisons
from segmentation.sequences.drop_offs import build_drop_offs
from segmentation.sequences.funnels import build_funnel, load_funnels
from segmentation.sequences.groups import list_memberships
from segmentation.sequences.journeys import build_journeys
from segmentation.sequences.paths import build_flows, build_paths, build_user_sequences, limit_edges, rank_paths
from segmentation.sequences.states import StateMapping, load_states
from segmentation.sequences.steps import build_steps
from segmentation.sessions.as_of import before_cut
from segmentation.steps import in_step
from segmentation.tables import (
    COHORTS,
    DROP_OFFS,
    EVENTS,
    FUNNELS,
    JOURNEY_CHAINS,
    JOURNEY_DIFFERENCES,
    JOURNEY_FLOWS,
    JOURNEY_STATES,
    PATH_EDGES,
    PATHS,
    SEGMENT_ASSIGNMENTS,
    USER_SEQUENCES,
)

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Sequence
    from datetime import date

    from pyspark.sql import DataFrame

    from segmentation.parameters import Parameters
    from segmentation.tables import Table

READS = (EVENTS, SEGMENT_ASSIGNMENTS, COHORTS)
AT_CUT = (FUNNELS, JOURNEY_DIFFERENCES, JOURNEY_FLOWS, JOURNEY_STATES, JOURNEY_CHAINS, DROP_OFFS, PATHS, PATH_EDGES)
WRITES = (*AT_CUT, USER_SEQUENCES)
TABLES_AT_ONCE = 3
"""Tables are independent, and most of a small commit is waiting."""
REBUILD = "jobs/build_journeys.py --rebuild"
ELSEWHERE = {"cluster_sample", "max_clusters", "indel"}
"""Parameters that do not shape these tables: cluster_journeys has them."""


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the job's own options."""
    parser.add_argument(
        "--rebuild", action="store_true", help="replace all cuts by this one, under the present parameters"
    )


def run(ctx: Context) -> RunReport:
    """Write all tables of journeys at the cut; again leaves equal rows.

    Sessions are those of the events as they are stored now; what happened or was received after the cut is left out.

    Raises:
        ConfigurationError: a file of states, funnels or comparisons is wrong; or the tables were built under other
            parameters or states, and --rebuild is not given.
        DataError: nothing is a step before the cut.
    """
    as_of, conf = ctx.as_of, Path(ctx.options.get("conf_dir", "conf"))
    states = load_states(conf)
    if not ctx.options.get("rebuild"):
        ctx.lake.check_parameters(JOURNEY_FLOWS, _fingerprints(ctx), f"python {REBUILD} --lake {ctx.lake.root}")
    events = ctx.lake.require(EVENTS, "ingest_events")
    zone = ctx.config.workspace.time_zone
    steps = build_steps(events.where(before_cut(as_of, zone)), states=states, time_zone=zone).persist()
    params = ctx.config.sequences
    paths = build_paths(steps, steps=params.path_steps, goals=params.goals).persist()
    try:
        if steps.isEmpty():
            raise DataError(f"no event before {as_of} is a step of a sequence; see conf/states.yaml")
        with ctx.progress.step("count flows"):
            frames = _build(ctx, steps, paths, as_of)
        with ctx.progress.step("write tables"), ThreadPoolExecutor(TABLES_AT_ONCE) as pool:
            for done in [
                pool.submit(in_step(ctx.spark, _write), ctx, table, frame, as_of) for table, frame in frames.items()
            ]:
                done.result()
        ctx.lake.set_parameters(JOURNEY_FLOWS, _fingerprints(ctx))
        ctx.lake.publish(ctx.lake.basis(EVENTS, WRITES))
    finally:
        steps.unpersist()
        paths.unpersist()
    return RunReport(as_of=as_of, quality=_summary(ctx, as_of))


def _write(ctx: Context, table: Table, frame: DataFrame, as_of: date) -> None:
    of_cut = table in AT_CUT and not ctx.options.get("rebuild")
    ctx.lake.replace(table, frame, where=f"as_of = DATE'{as_of}'" if of_cut else None)


def _build(ctx: Context, steps: DataFrame, paths: DataFrame, as_of: date) -> dict[Table, DataFrame]:
    """Build the rows of every table from the same steps."""
    params, conf = ctx.config.sequences, Path(ctx.options.get("conf_dir", "conf"))
    states, members = load_states(conf), _memberships(ctx, as_of)
    journeys = build_journeys(steps, params=params, as_of=as_of, memberships=members)
    funnels = [
        build_funnel(
            steps,
            funnel=one,
            as_of=as_of,
            time_zone=ctx.config.workspace.time_zone,
            version=_version(one, states),
            memberships=members,
        )
        for one in load_funnels(conf)
    ]
    compared = [
        build_differences(steps, comparison=one, as_of=as_of, version=_version(one, states), memberships=members)
        for one in load_comparisons(conf)
    ]
    return {
        FUNNELS: _all(ctx, FUNNELS, funnels),
        JOURNEY_DIFFERENCES: _all(ctx, JOURNEY_DIFFERENCES, compared),
        JOURNEY_FLOWS: journeys.flows,
        JOURNEY_STATES: journeys.states,
        JOURNEY_CHAINS: journeys.chains,
        DROP_OFFS: build_drop_offs(steps, params=params, as_of=as_of, memberships=members),
        PATHS: rank_paths(paths, limit=params.max_paths, as_of=as_of),
        PATH_EDGES: limit_edges(
            build_flows(paths, states_per_step=params.states_per_step), limit=params.max_edges, as_of=as_of
        ),
        USER_SEQUENCES: build_user_sequences(steps, limit=params.max_steps, goals=params.goals, as_of=as_of),
    }


def _all(ctx: Context, table: Table, parts: Sequence[DataFrame]) -> DataFrame:
    return union_all(parts) if parts else empty_frame(ctx.spark, table.schema)


def _version(declared: Parameters, states: StateMapping) -> str:
    """Fingerprint what a result means; descriptions are no part of it."""
    return fingerprint_of([declared.model_dump(mode="json", exclude={"description"}), states.model_dump(mode="json")])


def _fingerprints(ctx: Context) -> dict[str, str]:
    """Return the fingerprints of everything that changes the tables of a cut; one table stores them for all."""
    states = load_states(Path(ctx.options.get("conf_dir", "conf")))
    return {
        "sequences": fingerprint_of(ctx.config.sequences.model_dump(mode="json", exclude=ELSEWHERE)),
        "states": states.fingerprint,
        "workspace": ctx.config.workspace.fingerprint,
    }


def _memberships(ctx: Context, as_of: date) -> DataFrame:
    """List the groups of users at the newest cuts that are not after this one."""
    newest = {}
    for table in (SEGMENT_ASSIGNMENTS, COHORTS):
        known = ctx.lake.read(table).where(F.col("as_of") <= F.lit(as_of))
        row = known.agg(F.max("as_of").alias("as_of")).head()
        newest[table] = known.where(F.col("as_of") == F.lit(row["as_of"] if row else None))
    return list_memberships(newest[SEGMENT_ASSIGNMENTS], newest[COHORTS])


def _summary(ctx: Context, as_of: date) -> dict[str, object]:
    """Say what was found: the ends of the funnels, and the transitions that differ."""
    at_cut = F.col("as_of") == F.lit(as_of)
    funnels = ctx.lake.read(FUNNELS).where(at_cut & (F.col("dimension") == "all")).orderBy("funnel", "step").collect()
    found = ctx.lake.read(JOURNEY_DIFFERENCES).where(at_cut & F.col("found")).orderBy("comparison", "q_value").collect()
    reached: dict[str, list[int]] = {}
    for row in funnels:
        reached.setdefault(row["funnel"], []).append(row["reached"])
    named: dict[str, list[str]] = {}
    for row in found:
        named.setdefault(row["comparison"], []).append(f"{row['from_state']} -> {row['to_state']}")
    return {"funnels": reached, "differences": named}


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    return run_job(sys.modules[__name__], argv)


if __name__ == "__main__":
    sys.exit(main())
