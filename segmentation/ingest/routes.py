"""Which identities may have copies: 64-bit hashes find the few, and decide nothing.

All but a few records are the only ones of their identity. Their hashes alone are compared, within the slice and with
what was judged before; only what shares a hash is looked at in full.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from pyspark.sql import functions as F

from segmentation.checkpoints import checkpoint, checkpoint_observing, instant
from segmentation.events.deduplicate import IDENTITY
from segmentation.frames import union_all
from segmentation.ingest.state import USER_DAY
from segmentation.quality.reasons import VERDICTS

if TYPE_CHECKING:
    from datetime import date, datetime

    from pyspark.sql import Column, DataFrame

    from segmentation.ingest.state import State

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


class Index(NamedTuple):
    """What finding copies in a slice takes."""

    rows: DataFrame
    """row_key, identity_hash, user_day_hash (null where rejected), rejected, late; held."""
    records: int
    first_received: datetime | None
    """Of the records that are not rejected; None: all are."""


def identity_hash() -> Column:
    """Hash the identity at hand to 64 bits."""
    return F.xxhash64(*IDENTITY).alias(ROUTE)


def index_records(parsed: DataFrame) -> Index:
    """Hold the narrow index of a slice."""
    received = F.when(~F.col("rejected"), F.unix_micros("received_at"))
    user_day = F.when(~F.col("rejected"), F.xxhash64(*USER_DAY)).alias("user_day_hash")
    numbered = parsed.select("row_key", identity_hash(), user_day, "rejected", "late", received.alias("_received"))
    rows, noted = checkpoint_observing(numbered, F.count(F.lit(1)).alias("records"), F.min("_received").alias("first"))
    first = noted["first"]
    return Index(rows.drop("_received"), noted["records"], None if first is None else instant(first))


def may_reach_cap(index: Index, cap: int) -> bool:
    """Tell whether a slice alone, copies among it, has more than `cap` records of one user's day."""
    if index.records <= cap:
        return False
    counts = index.rows.where(F.col("user_day_hash").isNotNull()).groupBy("user_day_hash").count()
    return not counts.where(F.col("count") > cap).isEmpty()


def find_suspects(index: Index, state: State, *, dedup_window_days: int) -> Suspects:
    """Find the routes of a slice that are not theirs alone. One exchange, of hashes only.

    Only records received within `dedup_window_days` before the earliest new or superseded record can match. Superseded
    records have a route, but are never the original of a duplicate.
    """
    candidates, first = (
        index.rows.where(~F.col("rejected")).select(ROUTE, F.lit(1).alias("stays")),
        index.first_received,
    )
    if state.withdrawal.unit_ids:
        leaving = _leaving_routes(state)
        candidates = candidates.unionByName(leaving.select(ROUTE, "stays"))
        first = min(filter(None, (first, _first_received(leaving))), default=None)
    counts = checkpoint(candidates.groupBy(ROUTE).agg(F.sum("stays").alias("n")))
    doubled = counts.where(F.col("n") > 1).select(ROUTE)
    if state.is_empty or first is None:
        return Suspects(doubled, [], None, None)
    since = first - timedelta(days=dedup_window_days)
    known = state.hold_few(_known_routes(state, since).join(state.broadcast(counts.select(ROUTE)), ROUTE, "left_semi"))
    if state.withdrawal.unit_ids:  # a day exported again has nearly all its events in common with what leaves
        standing = state.hold_few(known.where("stays").select(ROUTE).distinct())
        known = known.join(state.broadcast(standing), ROUTE, "left_semi")
    days = [row["event_date"] for row in known.select("event_date").distinct().collect()]  # a row per day
    if not days:
        return Suspects(doubled, [], None, None)
    return Suspects(
        routes=state.hold_few(doubled.unionByName(known.select(ROUTE)).distinct()),
        known_days=sorted(day for day in days if day is not None),
        received_since=since,
        complete_from=first,
    )


def _first_received(rows: DataFrame) -> datetime | None:
    row = rows.agg(F.min(F.unix_micros("received_at")).alias("at")).head()
    return None if row is None or row["at"] is None else instant(row["at"])


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
    stays = ~state.withdrawal.leaves() if state.withdrawal.unit_ids else F.lit(True)
    accepted = state.events.where(recent).select(ROUTE, "event_date", stays.alias("stays"))
    others = (identity_hash(), F.lit(None).cast("date").alias("event_date"), stays.alias("stays"))
    held = state.quarantine.where(recent & F.col("reason").isin(*VERDICTS)).select(*others)
    return union_all([accepted, held, state.duplicates.where(recent).select(*others)])
