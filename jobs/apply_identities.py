"""Store events under the persons that conf/identities.yaml makes of identifiers, and undo it where persons part."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from segmentation.checkpoints import checkpoint, checkpoint_counted, release_checkpoints
from segmentation.identities.build import identify
from segmentation.identities.evidence import HAS_IDENTIFIERS, add_identifiers
from segmentation.identities.moves import (
    COMPARED_COLUMNS,
    StoredEvents,
    cut_portions,
    find_changed_moves,
    find_moves,
    take_moves,
)
from segmentation.identities.params import FILE, IdentityParams, load_identities
from segmentation.identities.update import StoredIdentities, update_identities
from segmentation.ingest.apply import choose_store, write_changes
from segmentation.ingest.batches import planned_for_rows
from segmentation.ingest.changes import Deletion, TableChange
from segmentation.ingest.derived import DERIVED
from segmentation.ingest.restate import restate
from segmentation.ingest.snapshot import is_small_lake, read_snapshot
from segmentation.lake.change_feed import SIGN, changed_rows
from segmentation.runtime.context import Context, RunReport
from segmentation.runtime.main import run_job
from segmentation.runtime.stored import require_events
from segmentation.tables import (
    EVENTS,
    IDENTITIES,
    IDENTITY_EVIDENCE,
    INPUT_UNITS,
    SESSIONS,
    USER_DAYS,
)

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Sequence

    from pyspark.sql import DataFrame

    from segmentation.checkpoints import Counted
    from segmentation.lake.lake import Lake

READS = (INPUT_UNITS, EVENTS, SESSIONS, USER_DAYS)
WRITES = (IDENTITIES, IDENTITY_EVIDENCE, EVENTS, *DERIVED)
DECLARED = "identities"
"""Name of the parameters that the evidence was made under."""
MOST_CHANGED = 1_000_000
"""Changed rows of `events` up to which they alone are compared. Their identifiers are broadcast."""


def add_arguments(parser: ArgumentParser) -> None:
    """The job has no options of its own."""


def run(ctx: Context) -> RunReport:
    """Update `identities`, and restate the events whose person changed; published as one.

    Persons are those of all ingested events, whatever the cut. Only events that changed since the last run are looked
    at, unless the log of `events` does not tell them or the declaration changed. Where identifiers are not declared
    any more each user is the one of the source again.

    Raises:
        ConfigurationError: nothing was ingested yet, or sessions were cut under other parameters.
    """
    conf_dir = Path(ctx.options.get("conf_dir", "conf"))
    params, lake = load_identities(conf_dir), ctx.lake
    events = require_events(ctx)
    if not _concerns(ctx, params):
        return RunReport(as_of=ctx.as_of, notes=[f"no source that {conf_dir / FILE} names was ingested: unchanged"])
    is_same = _has_evidence(lake, params)
    if is_same and lake.reflects(EVENTS, (IDENTITY_EVIDENCE,)):
        unchanged = {"events_moved": 0, "persons_touched": 0}
        return RunReport(as_of=ctx.given_as_of, quality=unchanged, notes=["no event changed since the last run"])
    with ctx.progress.step("find persons"), release_checkpoints(ctx.spark):
        changed = _changed_events(lake, params) if is_same else None
        if changed is None:
            moves, note = _compare_all(lake, events, params), "compared all events"
        else:
            with planned_for_rows(ctx.spark, changed.count):
                moves = _compare_changed(lake, changed.rows, events, params)
            note = f"compared the events that {changed.count} changed rows concern"
        moved, persons = _move(ctx, moves)
        lake.publish(lake.basis(EVENTS, (*DERIVED, IDENTITIES, IDENTITY_EVIDENCE)))
    return RunReport(as_of=ctx.as_of, quality={"events_moved": moved, "persons_touched": persons}, notes=[note])


def _has_evidence(lake: Lake, params: IdentityParams) -> bool:
    """Return whether the stored evidence was made under these parameters; the tables of the last run fit it then."""
    if lake.version(IDENTITY_EVIDENCE) is None:
        return False
    return lake.parameters(IDENTITY_EVIDENCE).get(DECLARED) == params.fingerprint


def _changed_events(lake: Lake, params: IdentityParams) -> Counted | None:
    """Return the rows of `events` that were added and removed since the last run; None if all events must be read."""
    since = lake.publications.current().bases.get(IDENTITY_EVIDENCE.name, -1)
    rows = changed_rows(lake, EVENTS, since) if since >= 0 else None
    if rows is None:
        return None
    changed = checkpoint_counted(add_identifiers(rows, params).select(*COMPARED_COLUMNS, SIGN))
    return changed if changed.count <= MOST_CHANGED else None


def _compare_all(lake: Lake, events: DataFrame, params: IdentityParams) -> DataFrame:
    """Write `identities` and its evidence anew, and return the moves of all events; checkpointed."""
    found = identify(events, params)
    moves = checkpoint(find_moves(events, found.identities, params))
    lake.replace(IDENTITIES, found.identities)
    lake.replace(IDENTITY_EVIDENCE, _as_of_version(lake, found.evidence))
    lake.set_parameters(IDENTITY_EVIDENCE, {DECLARED: params.fingerprint})
    return moves


def _compare_changed(lake: Lake, changed: DataFrame, events: DataFrame, params: IdentityParams) -> DataFrame:
    """Update `identities` and its evidence, and return the moves; checkpointed."""
    summed = F.sum(SIGN).alias("events")
    net = changed.where(HAS_IDENTIFIERS).groupBy("event_at", "persons", "devices").agg(summed).where("events <> 0")
    came = changed.groupBy(*COMPARED_COLUMNS).agg(summed).where("events > 0")
    known = StoredIdentities(lake.read(IDENTITIES), lake.read(IDENTITY_EVIDENCE), events)
    change = update_identities(checkpoint(net), known, params)
    leaving = (Deletion(change.removed.rows.select(*IDENTITIES.key), IDENTITIES.key),) if change.removed.count else ()
    coming = change.added.rows.coalesce(1) if change.added.count else None
    # Evidence is written also without rows: the commit lets it reflect this version of events.
    evidence = _as_of_version(lake, change.evidence).coalesce(1)
    write_changes(lake, (TableChange(IDENTITIES, leaving, coming), TableChange(IDENTITY_EVIDENCE, rows=evidence)))
    stored = StoredEvents(events, lake.read(USER_DAYS))
    return checkpoint(find_changed_moves(came, change, lake.read(IDENTITIES), stored, params))


def _as_of_version(lake: Lake, evidence: DataFrame) -> DataFrame:
    return evidence.withColumn("events_version", F.lit(lake.content_version(EVENTS)).cast("bigint"))


def _concerns(ctx: Context, params: IdentityParams) -> bool:
    """Return whether a source with identifiers was ingested, or persons were applied before."""
    if ctx.lake.version(IDENTITIES) is not None:
        return True
    named = F.col("source").isin(*params.sources)
    return not ctx.lake.read(INPUT_UNITS).where(named).isEmpty()


def _move(ctx: Context, moves: DataFrame) -> tuple[int, int]:
    """Restate the events that move, portion by portion; return the number of these events and of their persons."""
    config, lake = ctx.config, ctx.lake
    for portion in cut_portions(moves):
        days = portion.days
        with (
            ctx.progress.step(f"move events of {days[0]} to {days[-1]}"),
            release_checkpoints(ctx.spark),
            planned_for_rows(ctx.spark, portion.events),
        ):
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
