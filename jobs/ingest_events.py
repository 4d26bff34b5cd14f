"""Ingest raw records: parse, deduplicate, quarantine with reasons; update sessions, user days and the ledger."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from segmentation.errors import ConfigurationError
from segmentation.ingest.ledger import totals_of_source
from segmentation.ingest.received import read_units, sort_units, unit_rows
from segmentation.runtime.context import Context, RunReport
from segmentation.runtime.ingestion import accept_parameters, ingest_units, notes_on_batches, open_mapping
from segmentation.runtime.main import run_job
from segmentation.runtime.rebuild import REBUILT, rebuild_tables
from segmentation.runtime.replay import replay_quarantine
from segmentation.sources.mapping import check_input
from segmentation.sources.readers.jdbc import land_rows
from segmentation.sources.readers.kafka import land_rounds, open_topic, raw_folder
from segmentation.sources.readers.units import list_units
from segmentation.tables import CURRENCY_RATES, EVENTS, INGEST_LEDGER, INPUT_UNITS, TRANSITIONS

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Sequence

    from segmentation.runtime.ingestion import Ingested
    from segmentation.sources.mapping import SourceMapping

WRITES = (*REBUILT, CURRENCY_RATES)
READS = tuple(table for table in WRITES if table not in (TRANSITIONS, INGEST_LEDGER))


def add_arguments(parser: ArgumentParser) -> None:
    """Declare which source is read from where."""
    parser.add_argument("--source", required=True, help="name of the mapping in <conf-dir>/sources")
    parser.add_argument(
        "--input", nargs="+", metavar="PATH", help="files or folders; none where the mapping names a topic or table"
    )
    again = parser.add_mutually_exclusive_group()
    again.add_argument("--rebuild", action="store_true", help="build all tables anew from every unit ever ingested")
    again.add_argument(
        "--replay-quarantine",
        action="store_true",
        help="read units with rejected records again, after rules, ranges or required fields of the mapping were eased",
    )


def run(ctx: Context) -> RunReport:
    """Ingest the new units of a source, each batch published as a whole; or build tables anew.

    Raises:
        ConfigurationError: the source, its input or its mapping is wrong, or the stored tables were built under other
            parameters and --rebuild is not given; or --replay-quarantine does not do (:func:`replay_quarantine`).
        DataError: a file cannot be read, or a batch has no record or too many rejected ones.
        RetryableError: a broker or a database does not answer.
    """
    if ctx.options.get("rebuild"):
        rebuilt = rebuild_tables(ctx)
        quality = {name: _count(ctx, name) for name in rebuilt.sources}
        return RunReport(as_of=ctx.as_of, quality=quality, notes=rebuilt.notes)
    mapping = open_mapping(ctx, ctx.options["source"])
    if ctx.options.get("replay_quarantine"):
        return _replay(ctx, mapping)
    check_input(mapping, ctx.options.get("input"))
    accept_parameters(ctx, mapping)
    return _ingest_files(ctx, mapping) if mapping.kafka is None else _ingest_messages(ctx, mapping)


def _replay(ctx: Context, mapping: SourceMapping) -> RunReport:
    """Ingest the units of a source again that hold rejected records."""
    if ctx.options.get("input"):
        raise ConfigurationError("--replay-quarantine reads units that were ingested before: leave --input out")
    replayed = replay_quarantine(ctx, mapping)
    quality = {"replayed_units": replayed.units, **_count(ctx, mapping.name)}
    return RunReport(as_of=ctx.as_of, quality=quality, notes=replayed.notes)


def _ingest_files(ctx: Context, mapping: SourceMapping) -> RunReport:
    """Ingest the given files, or those in which new rows of a table land."""
    inputs, notes = ctx.options.get("input"), list[str]()
    if mapping.jdbc is not None:
        with ctx.progress.step(f"land rows of {mapping.jdbc.table}"):
            inputs, notes = land_rows(ctx.spark, mapping, ctx.lake.root, ctx.run_id)
    if not inputs:
        return RunReport(as_of=ctx.given_as_of, notes=notes)
    units = list_units(ctx.spark, mapping, inputs)
    received = sort_units(units, read_units(ctx.lake, mapping.name), mapping.supersede)
    done = ingest_units(ctx, mapping, received.to_ingest, received)
    if received.not_read:
        not_read = unit_rows(ctx.spark, received.not_read, mapping.name, ctx.run_id, received.successors)
        ctx.lake.append(INPUT_UNITS, not_read)
        ctx.lake.publish({})
    notes = [*notes, *received.notes(), *notes_on_batches(done, ctx.config.workspace.currency)]
    return RunReport(as_of=ctx.as_of, quality=_count(ctx, mapping.name), notes=notes)


def _ingest_messages(ctx: Context, mapping: SourceMapping) -> RunReport:
    """Ingest the messages that a topic has now and that were not ingested before, a range per partition at a time."""
    lake, folder = ctx.lake, raw_folder(ctx.lake.root, mapping.name)
    opened = open_topic(ctx.spark, mapping, folder, [row["path"] for row in read_units(lake, mapping.name)])
    done: list[Ingested] = []
    ranges = 0
    for units in land_rounds(ctx.spark, mapping, folder, ctx.run_id, opened):
        done += ingest_units(ctx, mapping, units)
        ranges += len(units)
    told = f"{ranges} ranges of offsets were ingested" if ranges else "no new message: unchanged"
    notes = [*opened.notes, told, *notes_on_batches(done, ctx.config.workspace.currency)]
    as_of = ctx.given_as_of if lake.read(EVENTS).isEmpty() else ctx.as_of
    return RunReport(as_of=as_of, quality=_count(ctx, mapping.name), notes=notes)


def _count(ctx: Context, source: str) -> dict[str, Any]:
    return totals_of_source(ctx.lake.read(INGEST_LEDGER), source)


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    return run_job(sys.modules[__name__], argv)


if __name__ == "__main__":
    sys.exit(main())
