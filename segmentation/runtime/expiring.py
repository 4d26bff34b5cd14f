"""Remove the months of events that are older than those that are kept of their source."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, NamedTuple

from pyspark.sql import functions as F

from segmentation.checkpoints import checkpoint_counted, release_checkpoints
from segmentation.errors import ConfigurationError
from segmentation.identities.personal_data import OF_USERS
from segmentation.ingest.snapshot import Erased
from segmentation.parameters import load_declared
from segmentation.quality.reasons import Reason
from segmentation.runtime.removal import open_snapshot, publish_removal, remove_records, require_mapping
from segmentation.runtime.stored import FIRST_KEPT, ingested_sources, read_expiry, require_events
from segmentation.segments import targets
from segmentation.segments.rules import load_rules
from segmentation.sources.expiry import Expiry, first_day_kept
from segmentation.tables import EVENTS, INGEST_LEDGER
from segmentation.tables.ingest_ledger import ACCEPTED, DUPLICATE, QUARANTINED

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pyspark.sql import DataFrame

    from segmentation.ingest.snapshot import Snapshot
    from segmentation.runtime.context import Context
    from segmentation.sources.mapping import SourceMapping

RECORDS_AT_ONCE = 2_000_000
"""Records that are removed in one publication, unless one month has more."""
AS_OF = "as_of"


class Month(NamedTuple):
    """A month of a source that has stored records."""

    first: date
    records: int


class LookBack(NamedTuple):
    """Days before a cut whose events the configuration reads, and the keys that say so."""

    days: int
    keys: str


class Removed(NamedTuple):
    """Result of removing the months of a source."""

    first_day_kept: str
    events: int


def expire_months(ctx: Context) -> dict[str, Removed]:
    """Remove the months that `maintenance.keep_months` does not keep, and publish after each portion of them.

    The tables of ingest are then those of a lake that never received these records. The ledger counts them as
    excluded. Records of these months that arrive later are excluded, too. Rows of users at cuts of which every event
    was removed are deleted.

    Returns:
        Source -> first day kept, and number of removed events; sources that were never ingested are left out.

    Raises:
        ConfigurationError: no cut is given, a source keeps fewer days than the longest window, its mapping is missing,
            or the tables were built under other parameters.
    """
    keep_months = ctx.config.maintenance.keep_months
    if not keep_months:
        return {}
    if ctx.given_as_of is None:  # else one event of a wrong clock would decide which months are removed
        raise ConfigurationError("maintenance.keep_months removes events: give the date of today as --as-of")
    require_events(ctx)
    check_windows(ctx)
    sources = set(ingested_sources(ctx))
    mappings = {source: require_mapping(ctx, source) for source in sorted(keep_months)}
    removed = {name: _expire_source(ctx, mapping) for name, mapping in mappings.items() if name in sources}
    _delete_cuts(ctx, sources)
    return removed


def check_windows(ctx: Context) -> None:
    """Check that every source keeps more days than the configuration reads before a cut.

    Raises:
        ConfigurationError: names the source, the window and the keys that set it.
    """
    longest = longest_window(ctx)
    for source, months in sorted(ctx.config.maintenance.keep_months.items()):
        kept = (ctx.as_of - first_day_kept(ctx.as_of, months)).days
        if kept < longest.days:
            raise ConfigurationError(
                f"maintenance.keep_months keeps {kept} days of source '{source}' before {ctx.as_of}, and "
                f"{longest.days} days are read ({longest.keys}): keep more months, or shorten these windows"
            )


def longest_window(ctx: Context) -> LookBack:
    """Return the longest window of events before a cut, with the earlier cuts that are computed at it."""
    config = ctx.config
    asked = [behaviour.within_days or 0 for rule in load_rules(ctx.conf_dir) for behaviour in rule.behaviours]
    features = max((*config.features.windows_days, *config.features.sum_windows_days))
    window = max(LookBack(features, "features"), LookBack(max(asked, default=0), "rules of conf/segments"))
    declared = load_declared(ctx.conf_dir / targets.FOLDER, targets.Target)
    propensity, monitoring = config.propensity, config.monitoring
    label_days = [
        (one.gap_days or propensity.gap_days) + (one.horizon_days or propensity.horizon_days) for one in declared
    ]
    back = max(
        LookBack(propensity.training_cuts * max(label_days, default=0), "propensity.training_cuts"),
        LookBack(config.hysteresis.earlier_cuts * config.hysteresis.every_days, "hysteresis.earlier_cuts"),
        LookBack(monitoring.baseline_days, "monitoring.baseline_days"),
        LookBack(config.lifetimes.check_days, "lifetimes.check_days"),
    )
    return max(
        LookBack(window.days + back.days, f"{window.keys}: {window.days}, {back.keys}: {back.days}"),
        LookBack(monitoring.rate_days + monitoring.reference_days, "monitoring.rate_days, monitoring.reference_days"),
        LookBack(config.ingest.dedup_window_days, "ingest.dedup_window_days"),
    )


def split_months(months: Iterable[Month], most: int) -> Iterator[list[Month]]:
    """Put consecutive months together that have at most so many records; a larger month is alone."""
    portion: list[Month] = []
    for month in months:
        if portion and sum(one.records for one in portion) + month.records > most:
            yield portion
            portion = []
        portion.append(month)
    if portion:
        yield portion


def _expire_source(ctx: Context, mapping: SourceMapping) -> Removed:
    """Remove the months of one source that are not kept, oldest first."""
    first = first_day_kept(ctx.as_of, ctx.config.maintenance.keep_months[mapping.name])
    stored = read_expiry(ctx, mapping.name)
    if stored is not None and stored.first_kept >= first:
        return Removed(stored.first_kept.isoformat(), 0)
    events = 0
    portions = list(split_months(_list_months(ctx, mapping.name, first), RECORDS_AT_ONCE))
    for number, portion in enumerate(portions, start=1):
        until = first if number == len(portions) else first_day_kept(portion[-1].first, -1)
        with ctx.progress.step(f"remove events of {mapping.name} before {until}"), release_checkpoints(ctx.spark):
            events += _expire_before(ctx, mapping, until)
    if not portions:  # what arrives from now on is compared with this day
        _publish_first_day(ctx, mapping.name, first)
    return Removed(first.isoformat(), events)


def _list_months(ctx: Context, source: str, first: date) -> list[Month]:
    """List the months before a day of which records are stored, oldest first."""
    stored = F.col("stage").isin(ACCEPTED, DUPLICATE, QUARANTINED) & (F.col("event_date") < F.lit(first))
    ledger = ctx.lake.read(INGEST_LEDGER).where((F.col("source") == source) & stored)
    month = F.trunc("event_date", "month").alias("month")
    sums = ledger.groupBy(month).agg(F.sum("records").alias("records")).orderBy("month")
    return [Month(row["month"], row["records"]) for row in sums.collect()]  # a row per month


def _expire_before(ctx: Context, mapping: SourceMapping, first_kept: date) -> int:
    expiry = Expiry(first_kept, tuple(sorted(ctx.config.consent.events)))
    expired = find_expired(open_snapshot(ctx), mapping.name, expiry)
    if expired.events.count or expired.duplicates.count or expired.quarantined.count:
        remove_records(ctx, mapping, expired)
    _publish_first_day(ctx, mapping.name, first_kept)
    return expired.events.count


def find_expired(snapshot: Snapshot, source: str, expiry: Expiry) -> Erased:
    """Return the stored records of a source that are older than the first day kept."""

    def old(rows: DataFrame) -> DataFrame:
        return rows.where((F.col("source") == source) & expiry.drops(F.col("event_date"), F.col("event_name")))

    parts = (snapshot.events, snapshot.duplicates, snapshot.quarantine)
    events, copies, rejected = (checkpoint_counted(old(rows)) for rows in parts)
    return Erased(events, copies, rejected, excluded_as=Reason.EXPIRED.value)


def _publish_first_day(ctx: Context, source: str, first_kept: date) -> None:
    lake = ctx.lake
    lake.set_parameters(EVENTS, {FIRST_KEPT + source: first_kept.isoformat()})
    publish_removal(lake)


def _delete_cuts(ctx: Context, sources: Iterable[str]) -> None:
    """Delete the rows of users at cuts that lie in removed months of all sources of the lake."""
    expiries = [read_expiry(ctx, source) for source in sources]
    first_days = [one.first_kept for one in expiries if one is not None]
    if len(first_days) < len(expiries):
        return
    is_old = f"{AS_OF} <= DATE'{min(first_days)}'"
    for table in OF_USERS:
        cuts = ctx.lake.read(table).where(is_old).select(AS_OF).distinct() if AS_OF in table.names else None
        if cuts is not None and not cuts.isEmpty():
            ctx.lake.delete(table, cuts, (AS_OF,), f"t.{is_old}")
    ctx.lake.publish({})
