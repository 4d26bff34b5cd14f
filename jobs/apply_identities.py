"""Gives stored events to the persons that conf/identities.yaml makes of identifiers, and takes them back again."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from segmentation.checkpoints import checkpoint, release_checkpoints
from segmentation.identities.build import build_identities
from segmentation.identities.moves import cut_portions, find_moves, take_moves
from segmentation.identities.params import FILE, IdentityParams, load_identities
from segmentation.ingest.apply import choose_store, write_changes
from segmentation.ingest.restate import restate
from segmentation.ingest.snapshot import is_small_lake, read_snapshot
from segmentation.runtime.context import Context, RunReport
from segmentation.runtime.main import run_job
from segmentation.runtime.stored import require_events
from segmentation.tables import EVENTS, IDENTITIES, INPUT_UNITS, SESSIONS, TRANSITIONS, USER_DAYS

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Sequence

    from pyspark.sql import DataFrame

DERIVED = (SESSIONS, USER_DAYS, TRANSITIONS)
READS = (INPUT_UNITS, EVENTS, SESSIONS, USER_DAYS)
WRITES = (IDENTITIES, EVENTS, *DERIVED)


def add_arguments(parser: ArgumentParser) -> None:
    """The job has no options of its own."""


def run(ctx: Context) -> RunReport:
    """Write `identities` anew, and restate the events whose person is another one now; published as one.

    Persons are those of all events taken in, whatever the cut. Where no identifiers are declared any more everybody
    is who the source says again.

    Raises:
        ConfigurationError: nothing was taken in yet, or sessions were cut under other parameters.
    """
    conf_dir = Path(ctx.options.get("conf_dir", "conf"))
    params, lake = load_identities(conf_dir), ctx.lake
    events = require_events(ctx)
    if not _concerns(ctx, params):
        return RunReport(as_of=ctx.as_of, notes=[f"no source that {conf_dir / FILE} names was taken in: unchanged"])
    with ctx.progress.step("find persons"), release_checkpoints(ctx.spark):
        identities = checkpoint(build_identities(events, params))
        moves = checkpoint(find_moves(events, identities, params))
        lake.replace(IDENTITIES, identities)
        moved, persons = _move(ctx, moves)
        basis = lake.basis(EVENTS, (*DERIVED, IDENTITIES))
        lake.publish(basis)
    return RunReport(as_of=ctx.as_of, quality={"events_moved": moved, "persons_touched": persons})


def _concerns(ctx: Context, params: IdentityParams) -> bool:
    """Tell whether there is anything that has identifiers, or that had them."""
    if ctx.lake.version(IDENTITIES) is not None:
        return True
    named = F.col("source").isin(*params.sources)
    return not ctx.lake.read(INPUT_UNITS).where(named).isEmpty()


def _move(ctx: Context, moves: DataFrame) -> tuple[int, int]:
    """Restate the events that move, portion by portion; return how many they are, and how many persons get them."""
    config, lake = ctx.config, ctx.lake
    for portion in cut_portions(moves):
        days = portion.days
        with ctx.progress.step(f"move events of {days[0]} to {days[-1]}"), release_checkpoints(ctx.spark):
            is_small = is_small_lake(lake, config.ingest.small_lake_mb)
            snapshot = read_snapshot(lake, is_small=is_small)
            removed, added = take_moves(snapshot.events, moves, days)
            changes = restate(
                removed,
                added,
                snapshot,
                choose_store(lake, is_small=is_small),
                sessions=config.sessions,
                workspace=config.workspace,
            )
            write_changes(lake, changes)
    row = moves.agg(F.count(F.lit(1)).alias("events"), F.count_distinct("person_id").alias("persons")).first()
    return (row["events"], row["persons"]) if row else (0, 0)


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    return run_job(sys.modules[__name__], argv)


if __name__ == "__main__":
    sys.exit(main())
