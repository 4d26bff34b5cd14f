"""Ingest the input units of a source batch by batch: open its mapping, check parameters, ingest, publish, note."""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from segmentation.checkpoints import release_checkpoints
from segmentation.ingest.apply import choose_store, write_changes
from segmentation.ingest.batches import exclude_expired, is_tiny, parse_batch, planned_for
from segmentation.ingest.derived import DERIVED
from segmentation.ingest.plan import plan_increment
from segmentation.ingest.received import change_units, unit_rows
from segmentation.ingest.snapshot import is_small_lake, read_snapshot
from segmentation.privacy.keys import key_frame, load_keys
from segmentation.runtime.stored import accept_rates, read_expiry, shaping
from segmentation.sources.mapping import load_mapping
from segmentation.sources.properties import describe_not_numeric
from segmentation.sources.readers.absent_columns import notes_on_absent_columns, sum_absent_columns
from segmentation.sources.readers.files import named_read_errors
from segmentation.sources.readers.units import split_into_batches
from segmentation.sources.relaxations import declare, pack_declaration
from segmentation.sources.tracking_plan import load_tracking_plan
from segmentation.tables import EVENTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from segmentation.ingest.batches import Batch
    from segmentation.ingest.params import IngestParams
    from segmentation.ingest.plan import Increment
    from segmentation.ingest.received import Received
    from segmentation.ingest.snapshot import Snapshot
    from segmentation.runtime.context import Context
    from segmentation.sources.mapping import SourceMapping
    from segmentation.sources.readers.absent_columns import AbsentColumn
    from segmentation.sources.readers.units import InputUnit


class Ingested(NamedTuple):
    """Findings on a batch, for the notes of the run."""

    values_without_rate: int
    """Events of the batch whose value has no rate to the reporting currency on their day."""
    absent_columns: tuple[AbsentColumn, ...]
    """Mapped columns that some of its Parquet files lack."""
    late: int = 0
    """Records that were received later after their event than the source's lateness bound."""
    late_purchases: int = 0
    """Those of them that are purchases."""
    records: int = 0
    """All records of the batch."""
    source: str = ""
    allowed_lateness_days: int | None = None
    not_numeric: Mapping[str, int] = {}
    """Values that are not numbers, by numeric property."""


def open_mapping(ctx: Context, source: str) -> SourceMapping:
    """Load the mapping of a source, with pseudonyms where the privacy parameters ask for them.

    Raises:
        ConfigurationError: there is no such source, or its mapping is not valid.
    """
    return load_mapping(ctx.conf_dir, source).under(ctx.config.privacy)


def ingest_parameters(ctx: Context, mapping: SourceMapping) -> dict[str, str]:
    """Return the fingerprints of everything that shapes the tables of ingest when a batch of this source is ingested.

    Raises:
        ConfigurationError: the source asks for pseudonyms, and there is no usable key.
    """
    config = ctx.config
    plan = load_tracking_plan(ctx.conf_dir)
    enforced = plan.fingerprint if plan.enforced_on(mapping.name) else "kept"
    keyed = {"privacy.key": load_keys(config.privacy).check} if mapping.pseudonymise else {}
    return {
        plan_parameter(mapping.name): enforced,
        **keyed,
        "privacy": config.privacy.shaping,
        "ingest": config.ingest.shaping,
        **shaping(config),
        source_parameter(mapping.name): mapping.fingerprint,
    }


def stored_parameters(ctx: Context, mapping: SourceMapping) -> dict[str, str]:
    """Return the parameters that `events` stores: fingerprints, and the declaration of the source's mapping."""
    return {
        **ingest_parameters(ctx, mapping),
        declaration_parameter(mapping.name): pack_declaration(declare(mapping)),
    }


def source_parameter(source: str) -> str:
    """Name the parameter of `events` that holds the fingerprint of a source's mapping."""
    return f"source.{source}"


def plan_parameter(source: str) -> str:
    """Name the parameter of `events` that holds the fingerprint of the tracking plan enforced on a source."""
    return f"tracking_plan.{source}"


def declaration_parameter(source: str) -> str:
    """Name the parameter of `events` that holds the packed declaration of a source's mapping."""
    return f"declaration.{source}"


def rebuild_command(ctx: Context, mapping: SourceMapping) -> str:
    """Write the command that builds all tables anew under the parameters of this run."""
    given = "" if mapping.is_fetched else " --input ..."
    where = f"{given} --lake {ctx.lake.root}{ctx.given_settings}"
    return f"python jobs/ingest_events.py --source {mapping.name}{where} --rebuild"


def accept_parameters(ctx: Context, mapping: SourceMapping) -> None:
    """Accept the parameters of this run if a batch can be added to the stored tables under them.

    Tables never mix parameters, except that rates may be added for days that have no event yet: these are stored.

    Raises:
        ConfigurationError: they differ from those of the stored tables; names the command of a rebuild.
    """
    rebuild = rebuild_command(ctx, mapping)
    accept_rates(ctx, rebuild)
    ctx.lake.check_parameters(EVENTS, ingest_parameters(ctx, mapping), rebuild)


def ingest_units(
    ctx: Context, mapping: SourceMapping, units: Sequence[InputUnit], received: Received | None = None
) -> list[Ingested]:
    """Ingest units in batches of at most `ingest.batch_mb`, and publish each batch before the next one begins.

    Args:
        ctx: the run.
        mapping: of the units' source.
        units: new units.
        received: names the earlier units that these supersede; None if they supersede none.
    """
    done: list[Ingested] = []
    for part in split_into_batches(units, ctx.config.ingest.batch_mb):
        done.append(ingest_batch(ctx, mapping, part, {} if received is None else received.superseded_by(part)))
        ctx.lake.publish(ctx.lake.basis(EVENTS, DERIVED))
    return done


def ingest_batch(
    ctx: Context, mapping: SourceMapping, units: Sequence[InputUnit], superseded: Mapping[str, str]
) -> Ingested:
    """Ingest one batch without publishing it.

    Args:
        ctx: the run.
        mapping: of the units' source.
        units: new units, all of one format.
        superseded: unit_id of a unit that the batch supersedes -> unit_id of the unit that supersedes it.

    Raises:
        DataError: a file cannot be read, or the batch has no record or too many rejected ones.
    """
    new_units = unit_rows(ctx.spark, units, mapping.name, ctx.run_id)
    with _prepared(ctx, mapping, units) as (batch, is_small):
        is_empty = ctx.lake.is_vacant(EVENTS)
        snapshot = read_snapshot(ctx.lake, new_units, sorted(superseded), is_empty=is_empty, is_small=is_small)
        increment = _plan(ctx, batch, snapshot, units, ctx.config.ingest)
        changed_units = change_units(new_units, snapshot.input_units, superseded)
        write_changes(ctx.lake, (*increment.changes, changed_units))
    return _report(mapping, batch, increment)


def ingest_again(ctx: Context, mapping: SourceMapping, units: Sequence[InputUnit]) -> Ingested:
    """Ingest one batch of units that were ingested before, in place of their records, without publishing it.

    Their stored records leave as those of superseded units do, and come again as the mapping reads them now. All of
    them may be rejected again, as in a batch of messages: the share was checked when the units were new.

    Args:
        ctx: the run.
        mapping: of the units' source.
        units: stored units, all of one format.

    Raises:
        DataError: a file cannot be read.
    """
    with _prepared(ctx, mapping, units) as (batch, is_small):
        snapshot = read_snapshot(ctx.lake, superseded=[unit.unit_id for unit in units], is_small=is_small)
        any_share = ctx.config.ingest.model_copy(update={"max_rejected_share": 1.0})
        increment = _plan(ctx, replace(batch, of_messages=True), snapshot, units, any_share)
        write_changes(ctx.lake, increment.changes)
    return _report(mapping, batch, increment)


@contextmanager
def _prepared(ctx: Context, mapping: SourceMapping, units: Sequence[InputUnit]) -> Iterator[tuple[Batch, bool]]:
    """Parse a batch in a session that is planned for it; yield it, and whether the lake is small."""
    config, lake, spark = ctx.config, ctx.lake, ctx.spark
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
            workspace=config.workspace,
            plan=load_tracking_plan(ctx.conf_dir),
            keys=key_frame(spark, load_keys(config.privacy)) if mapping.pseudonymise else None,
        )
        lake.set_parameters(EVENTS, stored_parameters(ctx, mapping))
        yield exclude_expired(batch, read_expiry(ctx, mapping.name)), is_small


def _plan(
    ctx: Context, batch: Batch, snapshot: Snapshot, units: Sequence[InputUnit], ingest: IngestParams
) -> Increment:
    return plan_increment(
        batch,
        snapshot,
        choose_store(ctx.lake, is_small=is_tiny(units)),
        ingest=ingest,
        sessions=ctx.config.sessions,
        workspace=ctx.config.workspace,
    )


def _report(mapping: SourceMapping, batch: Batch, increment: Increment) -> Ingested:
    return Ingested(
        increment.values_without_rate,
        batch.absent_columns,
        increment.late,
        increment.late_purchases,
        increment.records,
        mapping.name,
        batch.allowed_lateness_days,
        batch.not_numeric,
    )


def notes_on_batches(done: Sequence[Ingested], currency: str) -> list[str]:
    """Note values that are in no sum of money in the reporting currency, and columns that Parquet files lack."""
    values = sum(batch.values_without_rate for batch in done)
    missing = f"whose currency has no rate to {currency} on their day"
    on_rates = [f"values in no sum of money, {missing}: {values} (see conf/rates.csv)"] if values > 0 else []
    absent = sum_absent_columns(column for batch in done for column in batch.absent_columns)
    return [*on_rates, *_notes_on_late_records(done), *_notes_on_numbers(done), *notes_on_absent_columns(absent)]


def _notes_on_numbers(done: Sequence[Ingested]) -> list[str]:
    wrong: dict[str, Counter[str]] = {}
    for batch in done:
        wrong.setdefault(batch.source, Counter()).update(batch.not_numeric)
    return [note for source, counts in sorted(wrong.items()) for note in describe_not_numeric(counts, source)]


def _notes_on_late_records(done: Sequence[Ingested]) -> list[str]:
    by_source: dict[tuple[str, int | None], list[Ingested]] = {}
    for batch in done:
        by_source.setdefault((batch.source, batch.allowed_lateness_days), []).append(batch)
    notes = []
    for (source, bound), batches in sorted(by_source.items(), key=lambda item: item[0][0]):
        late, read, purchases = (
            sum(counts) for counts in zip(*((b.late, b.records, b.late_purchases) for b in batches), strict=True)
        )
        of_them = f", {purchases} of them purchases," if purchases else ""
        if late:
            notes.append(
                f"too_late: {late} records of source '{source}' (of {read}){of_them} were received more than {bound} "
                "days after their event; if history was imported, set allowed_lateness_days in its mapping and rebuild"
            )
    return notes
