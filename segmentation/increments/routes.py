"""Which identities may have copies: 64-bit hashes find the few, and decide nothing.

All but a few records are the only ones of their identity. Their hashes alone are compared, within the slice and with
what was judged before; only what shares a hash is looked at in full.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from pyspark.sql import functions as F

from segmentation.events.deduplicate import IDENTITY
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


def identity_hash() -> Column:
    """Hash the identity at hand to 64 bits."""
    return F.xxhash64(*IDENTITY).alias(ROUTE)


def index_records(parsed: DataFrame) -> DataFrame:
    """Hold the narrow index of a slice: row_key, identity_hash, received_at, rejected, late."""
    return hold(parsed.select("row_key", identity_hash(), "received_at", "rejected", "late"))


def find_suspects(index: DataFrame, state: State, *, horizon_days: int) -> Suspects:
    """Find the routes of a slice that are not theirs alone. One exchange, of hashes only.

    Earlier records matter if received at most `horizon_days` before the slice's first; those files are read.
    """
    candidates = index.where(~F.col("rejected"))
    counts = hold(candidates.groupBy(ROUTE).agg(F.count(F.lit(1)).alias("n"), F.min("received_at").alias("first")))
    doubled = counts.where(F.col("n") > 1).select(ROUTE)
    if state.is_empty:
        return Suspects(doubled, [], None)
    first = counts.agg(F.min("first").alias("at")).head()
    if first is None or first["at"] is None:
        return Suspects(doubled, [], None)
    since = first["at"] - timedelta(days=horizon_days)
    known = hold(_known_routes(state, since).join(broadcast_few(counts.select(ROUTE)), ROUTE, "left_semi"))
    days = [row["event_date"] for row in known.select("event_date").distinct().collect()]  # a row per day
    if not days:
        return Suspects(doubled, [], None)
    return Suspects(
        routes=hold(doubled.unionByName(known.select(ROUTE)).distinct()),
        known_days=sorted(day for day in days if day is not None),
        received_since=since,
    )


def _known_routes(state: State, since: datetime) -> DataFrame:
    """Routes of all that was judged and received since; with the day of accepted events."""
    recent = F.col("received_at") >= F.lit(since)
    accepted = state.events.where(recent).select(ROUTE, "event_date")
    no_day = F.lit(None).cast("date").alias("event_date")
    held = state.quarantine.where(recent & F.col("reason").isin(*VERDICTS)).select(identity_hash(), no_day)
    return accepted.unionByName(held).unionByName(state.duplicates.where(recent).select(identity_hash(), no_day))
