"""Build the tables of ingest again from every input unit that is not superseded."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote

from segmentation.ingest.derived import DERIVED
from segmentation.ingest.received import keep_arrivals, list_current, read_units
from segmentation.runtime.ingestion import ingest_batch, ingest_parameters, notes_on_batches, open_mapping
from segmentation.runtime.stored import ingested_sources, kept_first_days, write_rates
from segmentation.sources.readers.messages import list_landed
from segmentation.sources.readers.units import list_units, split_into_batches
from segmentation.tables import (
    CURRENCY_RATES,
    DUPLICATES,
    EVENTS,
    INGEST_LEDGER,
    INPUT_UNITS,
    ORDER_EVENTS,
    QUARANTINE,
    SESSIONS,
    TRANSITIONS,
    USER_DAYS,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pyspark.sql import Row, SparkSession

    from segmentation.runtime.context import Context
    from segmentation.runtime.ingestion import Ingested
    from segmentation.sources.mapping import SourceMapping
    from segmentation.sources.readers.units import InputUnit

REBUILT = (
    INPUT_UNITS,
    EVENTS,
    ORDER_EVENTS,
    SESSIONS,
    USER_DAYS,
    QUARANTINE,
    DUPLICATES,
    TRANSITIONS,
    INGEST_LEDGER,
)
"""Tables that a rebuild clears and fills again."""
NAMED_FILES = 10
"""Changed files that a note names at most."""


class Rebuilt(NamedTuple):
    """Result of a rebuild, for the report of the run."""

    sources: tuple[str, ...]
    notes: list[str]


class Listed(NamedTuple):
    """The files of a source as they are now, and notes on those that have changed since they were ingested."""

    units: list[InputUnit]
    notes: list[str]


def rebuild_tables(ctx: Context) -> Rebuilt:
    """Ingest the whole history again under today's mappings and parameters, and publish all tables at once.

    Everything that can be missing is looked up before a table is cleared. Readers see the tables as they were until
    the new ones are complete.

    Raises:
        ConfigurationError: nothing was ingested yet, or a mapping, a file or a key is missing; names it.
    """
    ctx.lake.require(INPUT_UNITS, "ingest_events")
    mappings = {name: open_mapping(ctx, name) for name in sorted(ingested_sources(ctx))}
    listed = {name: _list_current(ctx, mapping) for name, mapping in mappings.items()}
    for mapping in mappings.values():
        ingest_parameters(ctx, mapping)  # fails on a missing key
    first_days = kept_first_days(ctx)
    for table in REBUILT:
        ctx.lake.clear(table)
    if first_days:  # months that were removed stay removed
        ctx.lake.set_parameters(EVENTS, first_days)
    if ctx.config.workspace.rates or ctx.lake.version(CURRENCY_RATES) is not None:
        write_rates(ctx)
    done: list[Ingested] = []
    for name, mapping in mappings.items():
        parts = split_into_batches(listed[name].units, ctx.config.ingest.batch_mb)
        done += [ingest_batch(ctx, mapping, part, {}) for part in parts]
    ctx.lake.publish(ctx.lake.basis(EVENTS, DERIVED))
    changed = [note for of_source in listed.values() for note in of_source.notes]
    on_batches = notes_on_batches(done, ctx.config.workspace.currency)
    return Rebuilt(tuple(mappings), ["rebuilt from all input units", *changed, *on_batches])


def list_again(
    spark: SparkSession, mapping: SourceMapping, stored: Sequence[Row], taken: Mapping[str, str]
) -> tuple[list[InputUnit], list[str]]:
    """List stored units again; return them as they are now, and the paths of those that have changed.

    Args:
        spark: the session.
        mapping: of their source.
        stored: rows of all stored units of the source (:func:`segmentation.ingest.received.read_units`).
        taken: unit_id -> path of those to list.

    Raises:
        ConfigurationError: one is missing; names it.
    """
    listing = list_landed if mapping.kafka else list_units
    units = listing(spark, mapping, sorted({unquote(path) for path in taken.values()}))
    receipt = mapping.fields.unit_receipt
    if receipt is not None and receipt.unit == "modified":
        units = keep_arrivals(units, stored)
    return units, sorted({taken[unit_id] for unit_id in taken.keys() - {unit.unit_id for unit in units}})


def _list_current(ctx: Context, mapping: SourceMapping) -> Listed:
    """List the files of a source that today's mapping does not regard as superseded, and note which have changed.

    Files are the raw layer: a file from which a person was deleted, for example, is read as it is now.

    Raises:
        ConfigurationError: one is missing; names it.
    """
    stored = read_units(ctx.lake, mapping.name)
    units, changed = list_again(ctx.spark, mapping, stored, list_current(stored, mapping.supersede))
    if not changed:
        return Listed(units, [])
    named = f"{', '.join(changed[:NAMED_FILES])}{' ...' if len(changed) > NAMED_FILES else ''}"
    return Listed(units, [f"{mapping.name}: {len(changed)} files have changed since they were ingested: {named}"])
