"""Takes one person out of every table, and out of landed messages, as if nothing of them had ever been received.

`maintain_tables --purge` then deletes the files that earlier versions of the tables still hold.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from segmentation.checkpoints import release_checkpoints
from segmentation.errors import ConfigurationError
from segmentation.identities.erasure import NAME, PersonTraces, find_traces, plan_erasure
from segmentation.identities.evidence import OUTDATED
from segmentation.ingest.apply import choose_store, write_changes
from segmentation.ingest.batches import batch_without_records
from segmentation.ingest.derived import DERIVED
from segmentation.ingest.snapshot import is_small_lake, read_snapshot
from segmentation.runtime.context import Context, RunReport
from segmentation.runtime.main import run_job
from segmentation.runtime.stored import require_events
from segmentation.sources.mapping import load_mapping
from segmentation.sources.readers.kafka import drop_messages
from segmentation.sources.readers.messages import MESSAGES
from segmentation.tables import (
    DUPLICATES,
    EVENTS,
    IDENTITIES,
    IDENTITY_EVIDENCE,
    INGEST_LEDGER,
    INPUT_UNITS,
    ORDER_EVENTS,
    QUARANTINE,
    TRAIT_OBSERVATIONS,
)
from segmentation.tables.reference import all_tables

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Sequence

    from segmentation.ingest.snapshot import Snapshot
    from segmentation.sources.mapping import SourceMapping

RESTATED = (EVENTS, *DERIVED, ORDER_EVENTS, QUARANTINE, DUPLICATES, INGEST_LEDGER)
OF_USERS = tuple(table for table in all_tables() if NAME in table.names and table not in RESTATED)
"""Made of the tables above at some cut: rows of the person go, and nothing follows."""
WRITES = (*RESTATED, *OF_USERS, IDENTITIES, IDENTITY_EVIDENCE)
READS = (*WRITES, INPUT_UNITS)


def add_arguments(parser: ArgumentParser) -> None:
    """Declare who."""
    parser.add_argument("--person", required=True, help="the person, as in events.user_id")
    parser.add_argument("--count", action="store_true", help="say how many records are theirs, and change nothing")


def run(ctx: Context) -> RunReport:
    """Erase the person and publish all tables at once; a second time there is nothing left to do.

    Raises:
        ConfigurationError: no person is given, nothing was ingested yet, the mapping of a source of the person's
            records is missing, or the tables were built under other parameters.
    """
    lake, person = ctx.lake, ctx.options["person"]
    if not person:
        raise ConfigurationError("--person is empty: give a person as in events.user_id")
    require_events(ctx)
    with ctx.progress.step("erase"), release_checkpoints(ctx.spark):
        traces = find_traces(person, _snapshot(ctx), lake.read(IDENTITIES))
        records = traces.records
        found = {"events": records.events, "duplicates": records.duplicates, "quarantined": records.quarantined}
        quality = {"names": len(traces.names), **{what: rows.count for what, rows in found.items()}}
        if ctx.options.get("count"):
            return RunReport(quality=quality, notes=["counted: nothing was changed"])
        mappings = [_mapping(ctx, source) for source in traces.sources()]
        # Files first: if the run dies, the tables still show the next run which messages were theirs.
        quality["landed_files"] = drop_messages(ctx.spark, _landed_units(ctx, traces), records.keys(), ctx.run_id)
        for mapping in mappings:
            _erase(ctx, traces, mapping)
        _forget_names(ctx, traces)
        # The log of events still names the erased rows: what is updated by them must be made anew.
        lake.publish({**lake.basis(EVENTS, DERIVED), **OUTDATED, TRAIT_OBSERVATIONS.name: -1})
    nothing = [] if any(quality[what] for what in found) else [f"no record of '{person}' was found"]
    return RunReport(quality=quality, notes=[*nothing, "earlier versions: maintain_tables --purge"])


def _snapshot(ctx: Context) -> Snapshot:
    return read_snapshot(ctx.lake, is_small=is_small_lake(ctx.lake, ctx.config.ingest.small_lake_mb))


def _mapping(ctx: Context, source: str) -> SourceMapping:
    """Return the mapping of a source, by which its records are judged again.

    Raises:
        ConfigurationError: there is no mapping, or the tables were built under another one or other ingest parameters.
    """
    config = ctx.config
    mapping = load_mapping(ctx.conf_dir, source).under(config.privacy)
    shaping = {"ingest": config.ingest.shaping, f"source.{source}": mapping.fingerprint}
    where = f"--input ... --lake {ctx.lake.root}{ctx.given_settings}"
    rebuild = f"python jobs/ingest_events.py --source {source} {where} --rebuild"
    ctx.lake.check_parameters(EVENTS, shaping, rebuild)
    return mapping


def _erase(ctx: Context, traces: PersonTraces, mapping: SourceMapping) -> None:
    """Erase the person's records of one source; they are not published yet."""
    snapshot, config = _snapshot(ctx), ctx.config
    changes = plan_erasure(
        traces.of_source(mapping.name),
        batch_without_records(ctx.spark, mapping, config.ingest.allowed_lateness_days),
        snapshot,
        choose_store(ctx.lake, is_small=snapshot.is_small),
        ingest=config.ingest,
        sessions=config.sessions,
        workspace=config.workspace,
    )
    write_changes(ctx.lake, changes)


def _landed_units(ctx: Context, traces: PersonTraces) -> dict[str, str]:
    messages = ctx.lake.read(INPUT_UNITS).where(F.col("format") == MESSAGES)
    theirs = messages.join(traces.records.keys().select("unit_id").distinct(), "unit_id", "left_semi")
    return {row["unit_id"]: row["path"] for row in theirs.select("unit_id", "path").collect()}  # a row per file


def _forget_names(ctx: Context, traces: PersonTraces) -> None:
    """Delete rows of the person at every cut, under every name, and of their identifiers."""
    names = traces.name_frame()
    for table in OF_USERS:
        if ctx.lake.version(table) is not None:
            ctx.lake.delete(table, names, (NAME,))
    for table, columns in ((IDENTITIES, ("person_id", "identifier")), (IDENTITY_EVIDENCE, ("identifier", "beside"))):
        for column in columns if ctx.lake.version(table) is not None else ():
            ctx.lake.delete(table, names.withColumnRenamed(NAME, column), (column,))


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    return run_job(sys.modules[__name__], argv)


if __name__ == "__main__":
    sys.exit(main())
