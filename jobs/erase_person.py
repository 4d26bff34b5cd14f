"""Takes one person out of every table, and out of landed messages, as if nothing of them had ever been received.

`maintain_tables --purge` then deletes the files that earlier versions of the tables still hold.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from segmentation.checkpoints import release_checkpoints
from segmentation.errors import ConfigurationError
from segmentation.identities.erasure import NAME, PersonTraces, find_traces
from segmentation.identities.personal_data import OF_IDENTIFIERS, OF_USERS, RESTATED
from segmentation.runtime.context import Context, RunReport
from segmentation.runtime.main import run_job
from segmentation.runtime.removal import open_snapshot, publish_removal, remove_records, require_mapping
from segmentation.runtime.stored import require_events
from segmentation.sources.readers.kafka import drop_messages
from segmentation.sources.readers.messages import MESSAGES
from segmentation.tables import IDENTITIES, INPUT_UNITS

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Sequence


WRITES = (*RESTATED, *OF_USERS, *OF_IDENTIFIERS)
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
        traces = find_traces(person, open_snapshot(ctx), lake.read(IDENTITIES))
        records = traces.records
        found = {"events": records.events, "duplicates": records.duplicates, "quarantined": records.quarantined}
        quality = {"names": len(traces.names), **{what: rows.count for what, rows in found.items()}}
        if ctx.options.get("count"):
            return RunReport(quality=quality, notes=["counted: nothing was changed"])
        mappings = [require_mapping(ctx, source) for source in traces.sources()]
        # Files first: if the run dies, the tables still show the next run which messages were theirs.
        quality["landed_files"] = drop_messages(ctx.spark, _landed_units(ctx, traces), records.keys(), ctx.run_id)
        for mapping in mappings:
            remove_records(ctx, mapping, traces.of_source(mapping.name))
        _forget_names(ctx, traces)
        publish_removal(lake)
    nothing = [] if any(quality[what] for what in found) else [f"no record of '{person}' was found"]
    return RunReport(quality=quality, notes=[*nothing, "earlier versions: maintain_tables --purge"])


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
    for table, columns in OF_IDENTIFIERS.items():
        for column in columns if ctx.lake.version(table) is not None else ():
            ctx.lake.delete(table, names.withColumnRenamed(NAME, column), (column,))


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    return run_job(sys.modules[__name__], argv)


if __name__ == "__main__":
    sys.exit(main())
