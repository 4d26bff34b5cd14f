"""The cap on a user's day: what a bot sends beyond it is quarantined, the same rows whatever the batching."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pyspark.sql import Window
from pyspark.sql import functions as F

from segmentation.checkpoints import checkpoint
from segmentation.events.payload import restored_events
from segmentation.ingest.state import RECORD_KEY, USER_DAY
from segmentation.quality.reasons import Reason
from segmentation.tables import ASSIGNED, EVENTS

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from segmentation.ingest.state import State

EVENT = tuple(name for name in EVENTS.names if name not in ASSIGNED)
RANKED = (*EVENT, "origin")
SLICE, STORED, HELD = "slice", "stored", "held"
"""Where an event comes from: this slice, `events`, or `quarantine` as over_cap."""


class Capped(NamedTuple):
    """What the cap lets in, and what it moved; None where no user's day reaches it."""

    kept: DataFrame
    """New events, and quarantined ones that came below the cap again (EVENT columns)."""
    over: DataFrame | None = None
    """New and stored events beyond the cap (RANKED columns)."""
    restored: DataFrame | None = None
    """The quarantined ones among `kept` (RANKED columns)."""


def heavy_user_days(heads: DataFrame, retracted: DataFrame | None, state: State, cap: int) -> DataFrame:
    """Find the days of users that reach the cap, by what they have and what arrives.

    Args:
        heads: events of the slice.
        retracted: with user_id and event_date, stored or held events that became copies: those below may come back.
        state: earlier tables.
        cap: greatest number of events of a user's day.
    """
    arrived = heads.groupBy(*USER_DAY).agg(F.count(F.lit(1)).alias("n"))
    if retracted is not None:
        left = retracted.groupBy(*USER_DAY).agg(F.lit(1).cast("bigint").alias("n"))
        arrived = arrived.unionByName(left).groupBy(*USER_DAY).agg(F.sum("n").alias("n"))
    if state.is_empty:
        return checkpoint(arrived.where(F.col("n") > cap).select(*USER_DAY))
    stored = state.user_days.select(*USER_DAY, "events")
    total = F.col("n") + F.coalesce("events", F.lit(0))
    return checkpoint(arrived.join(stored, list(USER_DAY), "left").where(total > cap).select(*USER_DAY))


def apply_cap(
    heads: DataFrame, retracted: DataFrame | None, heavy: DataFrame, state: State, *, cap: int, time_zone: str
) -> Capped:
    """Keep the first `cap` events of a user's day by (received_at, event_id), over all that was ever received.

    Args:
        heads: events of the slice that passed all other verdicts.
        retracted: RECORD keys with user_id and event_date of stored or held events that became copies.
        heavy: the days of users to look at (:func:`heavy_user_days`).
        state: earlier tables.
        cap: greatest number of events of a user's day.
        time_zone: reporting zone, to date restored payloads.
    """
    heavy = F.broadcast(heavy)  # no more than one for every `cap` events
    contenders = _contenders(heads, retracted, state, heavy, time_zone)
    order = Window.partitionBy(*USER_DAY).orderBy("received_at", "event_id", "source")
    ranked = checkpoint(contenders.select("*", F.row_number().over(order).alias("rank")))
    over, below = F.col("rank") > cap, F.col("rank") <= cap
    light = heads.join(heavy, list(USER_DAY), "left_anti").select(*EVENT)
    return Capped(
        kept=light.unionByName(ranked.where(below & (F.col("origin") != STORED)).select(*EVENT)),
        over=ranked.where(over & (F.col("origin") != HELD)).select(*RANKED),
        restored=ranked.where(below & (F.col("origin") == HELD)).select(*RANKED),
    )


def _contenders(
    heads: DataFrame, retracted: DataFrame | None, state: State, heavy: DataFrame, time_zone: str
) -> DataFrame:
    new = heads.select("*", F.lit(SLICE).alias("origin")).select(*RANKED)
    if state.is_empty:
        return new.join(heavy, list(USER_DAY), "left_semi")
    days = [row["event_date"] for row in heavy.select("event_date").distinct().collect()]  # a row per day
    on_days = F.col("event_date").isin(*days)
    stored = state.events.where(on_days).select("*", F.lit(STORED).alias("origin")).select(*RANKED)
    held = state.quarantine.where(on_days & (F.col("reason") == Reason.OVER_CAP.value))
    held = restored_events(held, "raw", time_zone).select("*", F.lit(HELD).alias("origin")).select(*RANKED)
    before = stored.unionByName(held)
    if retracted is not None:
        before = before.join(retracted, list(RECORD_KEY), "left_anti")
    return new.unionByName(before).join(heavy, list(USER_DAY), "left_semi")
