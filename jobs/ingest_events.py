"""Ingest raw records: parse, deduplicate, quarantine with reasons; update sessions, user days and the ledger."""

from __future__ import annotations

import sys
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote

from pyspark.sql import functions as F

from segmentation.checkpoints import release_checkpoints
from segmentation.errors import ConfigurationError
from segmentation.ingest.apply import choose_store, write_changes
from segmentation.ingest.batches import is_tiny, parse_batch, planned_for
from segmentation.ingest.plan import plan_increment
from segmentation.ingest.received import change_units, list_current, read_units, sort_units, unit_rows
from segmentation.ingest.snapshot import is_small_lake, read_snapshot
from segmentation.privacy.keys import key_frame, load_keys
from segmentation.runtime.context import Context, RunReport
from segmentation.runtime.main import run_job
from segmentation.runtime.stored import accept_rates, shaping, write_rates
from segmentation.sources.mapping import SourceMapping, load_mapping
from segmentation.sources.readers.absent_columns import notes_on_absent_columns, sum_absent_columns
from segmentation.sources.readers.files import named_read_errors
from segmentation.sources.readers.jdbc import land_rows
from segmentation.sources.readers.kafka import land_rounds, open_topic, raw_folder
from segmentation.sources.readers.messages import list_landed
from segmentation.sources.readers.units import list_units, split_into_batches
from segmentation.sources.tracking_plan import load_tracking_plan
from segmentation.tables import (
    CURRENCY_RATES,
    DUPLICATES,
    EVENTS,
    INGEST_LEDGER,
    INPUT_UNITS,
    QUARANTINE,
    SESSIONS,
    TRANSITIONS,
    USER_DAYS,
)

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Mapping, Sequence

    from segmentation.sources.readers.absent_columns import AbsentColumn
    from segmentation.sources.readers.units import InputUnit

READS = (INPUT_UNITS, EVENTS, SESSIONS, USER_DAYS, QUARANTINE, DUPLICATES, CURRENCY_RATES)
WRITES = (*READS, TRANSITIONS, INGEST_LEDGER)
REBUILT = tuple(table for table in WRITES if table is not CURRENCY_RATES)
DERIVED = (SESSIONS, USER_DAYS, TRANSITIONS)


class Ingested(NamedTuple):
    """Findings on a batch, for the notes of the run."""

    values_without_rate: int
    absent_columns: tuple[AbsentColumn, ...]


def add_arguments(parser: ArgumentParser) -> None:
    """Declare which source is read from where."""
    parser.add_argument("--source", required=True, help="name of the mapping in <conf-dir>/sources")
    parser.add_argument(
        "--input", nargs="+", metavar="PATH", help="files or folders; none where the mapping names a topic or table"
    )
    add_rebuild(parser)


def add_rebuild(parser: ArgumentParser) -> None:
    """Declare the rebuild."""
    parser.add_argument("--rebuild", action="store_true", help="build all tables anew from every unit ever ingested")


def run(ctx: Context) -> RunReport:
    """Ingest the new units batch by batch. Each batch is published as a whole."""
    if ctx.options.get("rebuild"):
        return _rebuild(ctx)
    mapping = _mapping(ctx, ctx.options["source"])
    check_input(mapping, ctx.options.get("input"))
    given = "" if mapping.is_fetched else " --input ..."
    command = f"python jobs/ingest_events.py --source {mapping.name}{given} --lake {ctx.lake.root} --rebuild"
    if mapping.kafka is not None:
        return _follow(ctx, mapping, command)
    _check_parameters(ctx, mapping, command)
    inputs, notes = _inputs(ctx, mapping)
    if not inputs:
        return RunReport(as_of=ctx.given_as_of, notes=notes)
    units = list_units(ctx.spark, mapping, inputs)
    received = sort_units(units, read_units(ctx.lake, mapping.name), mapping.supersede)
    done: list[Ingested] = []
    for part in split_into_batches(received.to_ingest, ctx.config.ingest.batch_mb):
        done.append(_ingest(ctx, mapping, part, received.superseded_by(part)))
        ctx.lake.publish(ctx.lake.basis(EVENTS, DERIVED))
    if received.not_read:
        ctx.lake.append(
            INPUT_UNITS, unit_rows(ctx.spark, received.not_read, mapping.name, ctx.run_id, received.successors)
        )
        ctx.lake.publish({})
    return RunReport(
        as_of=ctx.as_of,
        quality=reconcile(ctx, mapping.name),
        notes=[*notes, *received.notes(), *_notes(ctx, done)],
    )


def check_input(mapping: SourceMapping, given: Sequence[str] | None) -> None:
    """Ask for files where the mapping reads files, and for none where it names a topic or a table.

    Raises:
        ConfigurationError: it is the other way round.
    """
    if not mapping.is_fetched and not given:
        raise ConfigurationError(f"source '{mapping.name}' reads files: say which with --input (files or folders)")
    if mapping.kafka is not None and given:
        raise ConfigurationError(f"source '{mapping.name}' reads the topic {mapping.kafka.topic}: leave --input out")
    if mapping.jdbc is not None and given:
        raise ConfigurationError(f"source '{mapping.name}' reads the table {mapping.jdbc.table}: leave --input out")


def _inputs(ctx: Context, mapping: SourceMapping) -> tuple[list[str], list[str]]:
    """Return the files to look at, those of a table landed before, and what there is to say of them."""
    if mapping.jdbc is None:
        return list(ctx.options["input"]), []
    with ctx.progress.step(f"land rows of {mapping.jdbc.table}"):
        return land_rows(ctx.spark, mapping, ctx.lake.root, ctx.run_id)


def _follow(ctx: Context, mapping: SourceMapping, command: str) -> RunReport:
    """Ingest the messages that a topic has now and that were not ingested yet; publish range by range."""
    lake, folder = ctx.lake, raw_folder(ctx.lake.root, mapping.name)
    taken = [row["path"] for row in read_units(lake, mapping.name)]
    _check_parameters(ctx, mapping, command)
    opened = open_topic(ctx.spark, mapping, folder, taken)
    ranges, done = 0, list[Ingested]()
    for units in land_rounds(ctx.spark, mapping, folder, ctx.run_id, opened):
        for part in split_into_batches(units, ctx.config.ingest.batch_mb):
            done.append(_ingest(ctx, mapping, part, {}))
            lake.publish(lake.basis(EVENTS, DERIVED))
        ranges += len(units)
    told = f"{ranges} ranges of offsets were ingested" if ranges else "no new message: unchanged"
    notes = [*opened.notes, told, *_notes(ctx, done)]
    as_of = ctx.given_as_of if lake.read(EVENTS).isEmpty() else ctx.as_of
    return RunReport(as_of=as_of, quality=reconcile(ctx, mapping.name), notes=notes)


def reconcile(ctx: Context, source: str) -> dict[str, Any]:
    """Return the source's ledger: records per stage, and per reason where rejected or excluded."""
    rows = (
        ctx.lake.read(INGEST_LEDGER)
        .where(F.col("source") == source)
        .groupBy("stage", "reason")
        .agg(F.sum("records").alias("records"))
        .collect()  # a row per stage and reason
    )
    stages: dict[str, Any] = {}
    for row in sorted(rows, key=lambda r: (r["stage"], r["reason"] or "")):
        stages[row["stage"]] = stages.get(row["stage"], 0) + row["records"]
    reasons: Counter[str] = Counter()
    for row in sorted(rows, key=lambda r: r["reason"] or ""):
        if row["reason"]:
            reasons[row["reason"]] += row["records"]
    return {**stages, "reasons": dict(reasons)}


def _rebuild(ctx: Context) -> RunReport:
    """Fold the whole history again, under the parameters of today; readers see it when it is complete."""
    named = ctx.lake.require(INPUT_UNITS, "ingest_events").select("source").distinct().collect()  # a row per source
    sources = sorted(row["source"] for row in named)
    mappings = {name: _mapping(ctx, name) for name in sources}
    found: dict[str, list[InputUnit]] = {}
    notes = ["rebuilt from all input units"]
    for name, mapping in mappings.items():
        found[name], changed = _list_again(ctx, mapping)
        notes += changed
    for mapping in mappings.values():
        _fingerprints(ctx, mapping)  # a key that is missing is missed before anything is cleared
    for table in REBUILT:
        ctx.lake.clear(table)
    if ctx.config.workspace.rates or ctx.lake.version(CURRENCY_RATES) is not None:
        write_rates(ctx)
    done: list[Ingested] = []
    for name, mapping in mappings.items():
        parts = split_into_batches(found[name], ctx.config.ingest.batch_mb)
        done += [_ingest(ctx, mapping, part, {}) for part in parts]
    ctx.lake.publish(ctx.lake.basis(EVENTS, DERIVED))
    return RunReport(
        as_of=ctx.as_of,
        quality={name: reconcile(ctx, name) for name in sources},
        notes=[*notes, *_notes(ctx, done)],
    )


def _list_again(ctx: Context, mapping: SourceMapping) -> tuple[list[InputUnit], list[str]]:
    """List the files of a source that stand, by what the mapping says today of newer ones; note what they held before.

    Files are the raw layer: a file from which a person was deleted, say, is read as it is now.

    Raises:
        ConfigurationError: one is missing; names it.
    """
    taken = list_current(read_units(ctx.lake, mapping.name), mapping.supersede)
    paths = sorted({unquote(path) for path in taken.values()})
    units = (list_landed if mapping.kafka else list_units)(ctx.spark, mapping, paths)
    changed = sorted({taken[unit_id] for unit_id in taken.keys() - {unit.unit_id for unit in units}})
    named = f"{', '.join(changed[:10])}{' ...' if len(changed) > 10 else ''}"  # noqa: PLR2004
    told = f"{mapping.name}: {len(changed)} files have changed since they were ingested: {named}"
    return units, [told] if changed else []


def _mapping(ctx: Context, source: str) -> SourceMapping:
    return load_mapping(ctx.options["conf_dir"], source).under(ctx.config.privacy)


def _notes(ctx: Context, done: Sequence[Ingested]) -> list[str]:
    """Note values that are in no sum of money, and columns that Parquet files lack."""
    values = sum(batch.values_without_rate for batch in done)
    missing = f"whose currency has no rate to {ctx.config.workspace.currency} on their day"
    on_rates = [f"values in no sum of money, {missing}: {values} (see conf/rates.csv)"] if values > 0 else []
    absent = sum_absent_columns(column for batch in done for column in batch.absent_columns)
    return [*on_rates, *notes_on_absent_columns(absent)]


def _ingest(ctx: Context, mapping: SourceMapping, units: list[InputUnit], superseded: Mapping[str, str]) -> Ingested:
    """Ingest one batch without publishing it."""
    config, lake, spark = ctx.config, ctx.lake, ctx.spark
    new_units = unit_rows(spark, units, mapping.name, ctx.run_id)
    is_small = is_small_lake(lake, config.ingest.small_lake_mb)
    with (
        ctx.progress.step(f"ingest {len(units)} input units of {mapping.name}"),
        release_checkpoints(spark),
        named_read_errors(units, must_be_named=True),
        planned_for(spark, units, config.ingest.partition_mb, is_small=is_small),
    ):
        batch = parse_batch(
            spark,
            mapping,
            units,
            ingest=config.ingest,
            time_zone=config.workspace.time_zone,
            plan=load_tracking_plan(ctx.conf_dir),
            keys=key_frame(spark, load_keys(config.privacy)) if mapping.pseudonymise else None,
        )
        lake.set_parameters(EVENTS, _fingerprints(ctx, mapping))
        snapshot = read_snapshot(
            lake, new_units, sorted(superseded), is_empty=lake.is_vacant(EVENTS), is_small=is_small
        )
        increment = plan_increment(
            batch,
            snapshot,
            choose_store(lake, is_small=is_tiny(units)),
            ingest=config.ingest,
            sessions=config.sessions,
            workspace=config.workspace,
        )
        write_changes(lake, (*increment.changes, change_units(new_units, snapshot.input_units, superseded)))
    return Ingested(increment.values_without_rate, batch.absent_columns)


def _check_parameters(ctx: Context, mapping: SourceMapping, rebuild: str) -> None:
    """Refuse to mix parameters in the tables; rates may be added for days that have no event yet."""
    accept_rates(ctx, rebuild)
    ctx.lake.check_parameters(EVENTS, _fingerprints(ctx, mapping), rebuild)


def _fingerprints(ctx: Context, mapping: SourceMapping) -> dict[str, str]:
    config = ctx.config
    plan = load_tracking_plan(ctx.options["conf_dir"])
    enforced = plan.fingerprint if plan.enforced_on(mapping.name) else "kept"
    named = mapping.under(config.privacy).pseudonymise
    keyed = {"privacy.key": load_keys(config.privacy).check} if named else {}
    return {
        f"tracking_plan.{mapping.name}": enforced,
        **keyed,
        "privacy": config.privacy.shaping,
        "ingest": config.ingest.shaping,
        **shaping(config),
        f"source.{mapping.name}": mapping.fingerprint,
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    return run_job(sys.modules[__name__], argv)


if __name__ == "__main__":
    sys.exit(main())
