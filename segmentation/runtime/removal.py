"""Remove stored records of a source from all tables of ingest, and publish what is left."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segmentation.identities.evidence import OUTDATED
from segmentation.ingest.apply import choose_store, write_changes
from segmentation.ingest.batches import batch_without_records
from segmentation.ingest.derived import DERIVED
from segmentation.ingest.plan import plan_removal
from segmentation.ingest.snapshot import is_small_lake, read_snapshot
from segmentation.runtime.ingestion import open_mapping, rebuild_command, source_parameter
from segmentation.tables import EVENTS, TRAIT_OBSERVATIONS

if TYPE_CHECKING:
    from segmentation.ingest.snapshot import Erased, Snapshot
    from segmentation.lake.lake import Lake
    from segmentation.runtime.context import Context
    from segmentation.sources.mapping import SourceMapping


def open_snapshot(ctx: Context) -> Snapshot:
    """Read the tables of ingest as this run sees them."""
    return read_snapshot(ctx.lake, is_small=is_small_lake(ctx.lake, ctx.config.ingest.small_lake_mb))


def require_mapping(ctx: Context, source: str) -> SourceMapping:
    """Return the mapping of a source, by which the records that stay are judged again.

    Raises:
        ConfigurationError: there is no mapping, or the tables were built under another one or other ingest parameters.
    """
    mapping = open_mapping(ctx, source)
    shaping = {"ingest": ctx.config.ingest.shaping, source_parameter(source): mapping.fingerprint}
    ctx.lake.check_parameters(EVENTS, shaping, rebuild_command(ctx, mapping))
    return mapping


def remove_records(ctx: Context, mapping: SourceMapping, erased: Erased) -> None:
    """Remove records of one source, as if they had never been received; write the changes of all tables of ingest."""
    snapshot, config = open_snapshot(ctx), ctx.config
    changes = plan_removal(
        erased,
        batch_without_records(ctx.spark, mapping, config.ingest.allowed_lateness_days),
        snapshot,
        choose_store(ctx.lake, is_small=snapshot.is_small),
        ingest=config.ingest,
        sessions=config.sessions,
        workspace=config.workspace,
    )
    write_changes(ctx.lake, changes)


def publish_removal(lake: Lake) -> None:
    """Publish the tables without the removed records.

    The log of events still names these records, so what is updated by the log is made anew from the events that are
    left: the evidence of persons and the observations of traits.
    """
    lake.publish({**lake.basis(EVENTS, DERIVED), **OUTDATED, TRAIT_OBSERVATIONS.name: -1})
