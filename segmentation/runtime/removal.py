"""Remove stored records of a source from all tables of ingest, without publishing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segmentation.ingest.apply import choose_store, write_changes
from segmentation.ingest.batches import batch_without_records
from segmentation.ingest.plan import plan_removal
from segmentation.ingest.snapshot import is_small_lake, read_snapshot
from segmentation.sources.mapping import load_mapping
from segmentation.tables import EVENTS

if TYPE_CHECKING:
    from segmentation.ingest.snapshot import Erased, Snapshot
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
    config = ctx.config
    mapping = load_mapping(ctx.conf_dir, source).under(config.privacy)
    shaping = {"ingest": config.ingest.shaping, f"source.{source}": mapping.fingerprint}
    where = f"--input ... --lake {ctx.lake.root}{ctx.given_settings}"
    rebuild = f"python jobs/ingest_events.py --source {source} {where} --rebuild"
    ctx.lake.check_parameters(EVENTS, shaping, rebuild)
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
