"""Which identities may have copies: 64-bit hashes find the few, and decide nothing.

All but a few records are the only ones of their identity. Their hashes alone are compared, within the slice and with
what was judged before; only what shares a hash is looked at in full.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from pyspark.sql import functions as F

from segmentation.events.deduplicate import IDENTITY
from segmentation.frames import union_all
from segmentation.increments.state import broadcast_few, hold
from segmentation.quality.reasons import VERDICTS

if TYPE_CHECKING:
    from datetime import date, datetime

    from pyspark.sql import Column, DataFrame

    from segmentation.increments.state import State

ROUTE = "identity_hash"
"""Stored with accepted events: their strings need not be read to see that they have no copies."""


class Suspects(NamedTuple):
    """What may have copies."""

    routes: DataFrame
    """Distinct routes of the slice that another record, of the slice or an earlier one, has too."""
    known_days: list[date]
    """Days of the accepted events that may be among them."""
    received_since: datetime | None
    """Earlier records matter from here on; None: none of them may be a copy."""
    complete_from: datetime | None
    """From here on all earlier records of the horizon are at hand."""


def identity_hash() -> Column:
    """Hash the identity at hand to 64 bits."""
    return F.xxhash64(*IDENTITY).alias(ROUTE)


def index_records(parsed: DataFrame) -> DataFrame:
    """Hold the narrow index of a slice: row_key, identity_hash, received_at, rejected, late."""
    return hold(parsed.select("row_key", identity_hash(), "received_at", "rejected", "late"))


def find_suspects(index: DataFrame, state: State, *, horizon_days: int) -> Suspects:
    """Find the routes of a slice that are not theirs alone. One exchange, of hashes only.

    Earlier records matter if received at most `horizon_days` before the slice's first, or the first that leaves; those
    files are read. What leaves has a route, but is nobody's copy.
    """
    candidates = index.where(~F.col("rejected")).select(ROUTE, "received_at", F.lit(1).alias("stays"))
    if state.withdrawal.batch_ids:
        candidates = candidates.unionByName(_leaving_routes(state))
    counts = hold(candidates.groupBy(ROUTE).agg(F.sum("stays").alias("n"), F.min("received_at").alias("first")))
    doubled = counts.where(F.col("n") > 1).select(ROUTE)
    if state.is_empty:
        return Suspects(doubled, [], None, None)
    first = counts.agg(F.min("first").alias("at")).head()
    if first is None or first["at"] is None:
        return Suspects(doubled, [], None, None)
    since = first["at"] - timedelta(days=horizon_days)
    known = hold(_known_routes(state, since).join(broadcast_few(counts.select(ROUTE)), ROUTE, "left_semi"))
    if state.withdrawal.batch_ids:  # a day exported again has nearly all its events in common with what leaves
        standing = hold(known.where("stays").select(ROUTE).distinct())
        known = known.join(broadcast_few(standing), ROUTE, "left_semi")
    days = [row["event_date"] for row in known.select("event_date").distinct().collect()]  # a row per day
    if not days:
        return Suspects(doubled, [], None, None)
    return Suspects(
        routes=hold(doubled.unionByName(known.select(ROUTE)).distinct()),
        known_days=sorted(day for day in days if day is not None),
        received_since=since,
        complete_from=first["at"],
    )


def _leaving_routes(state: State) -> DataFrame:
    """Routes of what leaves with superseded units, laid out beside the slice's."""
    leaves, columns = state.withdrawal.leaves(), ("received_at", F.lit(0).alias("stays"))
    accepted = state.events.where(leaves & F.col("event_date").isin(*state.withdrawal.event_dates))
    held = state.quarantine.where(leaves & F.col("reason").isin(*VERDICTS))
    copies = state.duplicates.where(leaves).select(identity_hash(), *columns)
    parts = (accepted.select(ROUTE, *columns), held.select(identity_hash(), *columns), copies)
    return union_all(parts)


def _known_routes(state: State, since: datetime) -> DataFrame:
    """Routes of all that was judged and received since; with the day of accepted events, and whether it stays."""
    recent = F.col("received_at") >= F.lit(since)
    stays = ~state.withdrawal.leaves() if state.withdrawal.batch_ids else F.lit(True)
    accepted = state.events.where(recent).select(ROUTE, "event_date", stays.alias("stays"))
    others = (identity_hash(), F.lit(None).cast("date").alias("event_date"), stays.alias("stays"))
    held = state.quarantine.where(recent & F.col("reason").isin(*VERDICTS)).select(*others)
    return union_all([accepted, held, state.duplicates.where(recent).select(*others)])
