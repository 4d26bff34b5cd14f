"""Ingest the units that hold rejected records again, after a change of the mapping that only accepts more of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pyspark.sql import functions as F

from segmentation.errors import ConfigurationError
from segmentation.ingest.derived import DERIVED
from segmentation.ingest.received import read_units
from segmentation.quality.reasons import VERDICTS, Reason
from segmentation.runtime.ingestion import (
    declaration_parameter,
    ingest_again,
    ingest_parameters,
    notes_on_batches,
    plan_parameter,
    rebuild_command,
    source_parameter,
    stored_parameters,
)
from segmentation.runtime.rebuild import list_again
from segmentation.runtime.stored import accept_rates
from segmentation.sources.readers.units import split_into_batches
from segmentation.sources.relaxations import declare, find_binding_changes, unpack_declaration
from segmentation.tables import EVENTS, INGEST_LEDGER, INPUT_UNITS
from segmentation.tables.ingest_ledger import EXCLUDED, QUARANTINED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from segmentation.runtime.context import Context
    from segmentation.sources.mapping import SourceMapping
    from segmentation.sources.readers.units import InputUnit

NOT_ENFORCED = "kept"
"""Fingerprint of the tracking plan of a source on which it is not enforced."""


class Replayed(NamedTuple):
    """Result of a replay, for the report of the run."""

    units: int
    """Input units that were read again."""
    notes: list[str]


def replay_quarantine(ctx: Context, mapping: SourceMapping) -> Replayed:
    """Read the input units of a source again that hold rejected records, and publish all tables at once.

    The tables are then those of a rebuild under today's mapping. Units whose records were all accepted are not read,
    so the mapping may differ from the one that they were read by only in relaxations
    (:mod:`segmentation.sources.relaxations`).

    Raises:
        ConfigurationError: nothing of the source was ingested yet, another parameter changed, the mapping changed
            otherwise, or a file is missing or not the one that was ingested; names the command of a rebuild.
    """
    ctx.lake.require(INPUT_UNITS, "ingest_events")
    rebuild = rebuild_command(ctx, mapping)
    if not _is_relaxed(ctx, mapping, rebuild):
        return Replayed(0, [f"the mapping of '{mapping.name}' has not changed: nothing to read again"])
    accept_rates(ctx, rebuild)
    units = _list_rejecting(ctx, mapping, rebuild)
    parts = split_into_batches(units, ctx.config.ingest.batch_mb)
    done = [ingest_again(ctx, mapping, part) for part in parts]
    # Also without such units: what is ingested next is read by today's mapping.
    ctx.lake.set_parameters(EVENTS, stored_parameters(ctx, mapping))
    # Not batch by batch: until the last one, some records would still be those of the former mapping.
    ctx.lake.publish(ctx.lake.basis(EVENTS, DERIVED))
    again = f"{len(units)} input units with rejected records were read again"
    return Replayed(len(units), [again, *notes_on_batches(done, ctx.config.workspace.currency)])


def _is_relaxed(ctx: Context, mapping: SourceMapping, rebuild: str) -> bool:
    """Return whether the mapping, or the tracking plan for it, was relaxed since the source was ingested.

    Raises:
        ConfigurationError: something else has changed, or it is not known what.
    """
    given, stored = ingest_parameters(ctx, mapping), ctx.lake.parameters(EVENTS)
    of_source, of_plan = source_parameter(mapping.name), plan_parameter(mapping.name)
    if of_source not in stored:
        raise ConfigurationError(f"nothing of source '{mapping.name}' was ingested yet: there is nothing to read again")
    relaxed = {of_source}
    if given[of_plan] == NOT_ENFORCED:
        relaxed.add(of_plan)
    others = {name: value for name, value in given.items() if name not in relaxed}
    ctx.lake.check_parameters(EVENTS, others, rebuild)
    _check_mapping(mapping, stored, rebuild)
    return any(given[name] != stored.get(name, given[name]) for name in relaxed)


def _check_mapping(mapping: SourceMapping, stored: Mapping[str, str], rebuild: str) -> None:
    """Check that the mapping differs from the stored one in relaxations only."""
    if stored[source_parameter(mapping.name)] == mapping.fingerprint:
        return
    packed = stored.get(declaration_parameter(mapping.name))
    if packed is None:
        raise ConfigurationError(
            f"the lake does not know by which mapping records of '{mapping.name}' were read, because an earlier "
            f"version of this program ingested them; to build all tables anew: {rebuild}"
        )
    binding = find_binding_changes(unpack_declaration(packed), declare(mapping))
    if binding:
        raise ConfigurationError(
            f"source '{mapping.name}': {', '.join(binding)} changed, so accepted records may be read differently; "
            f"to build all tables anew: {rebuild}"
        )


def _list_rejecting(ctx: Context, mapping: SourceMapping, rebuild: str) -> list[InputUnit]:
    """List the units that hold records rejected or excluded by their own checks.

    Malformed records are not meant, because no relaxation makes records of them, nor are expired ones.

    Raises:
        ConfigurationError: one of them is missing, or is not the one that was ingested.
    """
    ledger, others = ctx.lake.read(INGEST_LEDGER), [reason.value for reason in (*VERDICTS, Reason.EXPIRED)]
    rejected = F.col("stage").isin(QUARANTINED, EXCLUDED) & ~F.col("reason").isin(*others)
    holding = ledger.where((F.col("source") == mapping.name) & rejected).select("unit_id").distinct()
    held = {row["unit_id"] for row in holding.collect()}  # a row per unit
    stored = read_units(ctx.lake, mapping.name)
    taken = {row["unit_id"]: row["path"] for row in stored if row["unit_id"] in held and row["superseded_by"] is None}
    if not taken:
        return []
    units, changed = list_again(ctx.spark, mapping, stored, taken)
    if changed:
        raise ConfigurationError(
            f"{changed[0]} is not the file that was ingested ({len(changed)} such files in all); to build all tables "
            f"anew from the files as they are: {rebuild}"
        )
    return [unit for unit in units if unit.unit_id in taken]
