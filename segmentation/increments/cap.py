"""The cap on a user's day: what a bot sends beyond it is quarantined, the same rows whatever the batching."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pyspark.sql import Window
from pyspark.sql import functions as F

from segmentation.events.payload import restore_payload
from segmentation.increments.state import hold
from segmentation.quality.reasons import Reason
from segmentation.tables.events import EVENTS
from segmentation.tables.records import ASSIGNED

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from segmentation.increments.state import State

USER_DAY = ("user_id", "event_date")
RANKED = (*(name for name in EVENTS.names if name not in ASSIGNED), "origin")
NEW, STORED, HELD = "new", "stored", "held"
"""Where a contender comes from: this slice, `events`, or `quarantine` as over_cap."""


class Capped(NamedTuple):
    """The slice's events after the cap, and what it moved; the latter None where no user's day reaches it."""

    kept: DataFrame
    over: DataFrame | None
    """New and stored events beyond the cap (RANKED columns)."""
    restored: DataFrame | None
    """Quarantined ones that came below it again."""


def apply_cap(heads: DataFrame, retracted: DataFrame | None, state: State, *, cap: int, time_zone: str) -> Capped:
    """Keep the first `cap` events of a user's day by (received_at, event_id), over all that was ever received.

    Args:
        heads: events of the slice that passed all other verdicts.
        retracted: RECORD keys with user_id and event_date of stored or held events that became copies.
        state: earlier tables.
        cap: greatest number of events of a user's day.
        time_zone: reporting zone, to date restored payloads.
    """
    heavy = hold(_heavy_user_days(heads, retracted, state, cap))
    if heavy.isEmpty():
        return Capped(heads, None, None)
    contenders = _contenders(heads, retracted, state, heavy, time_zone)
    order = Window.partitionBy(*USER_DAY).orderBy("received_at", "event_id", "source")
    ranked = hold(contenders.select("*", F.row_number().over(order).alias("rank")))
    over, below = F.col("rank") > cap, F.col("rank") <= cap
    light = heads.join(heavy, list(USER_DAY), "left_anti")
    columns = [name for name in RANKED if name != "origin"]
    kept = light.select(*columns).unionByName(ranked.where(below & (F.col("origin") == NEW)).select(*columns))
    return Capped(
        kept=kept,
        over=ranked.where(over & (F.col("origin") != HELD)).select(*RANKED),
        restored=ranked.where(below & (F.col("origin") == HELD)).select(*columns),
    )


def _heavy_user_days(heads: DataFrame, retracted: DataFrame | None, state: State, cap: int) -> DataFrame:
    arrived = heads.groupBy(*USER_DAY).agg(F.count(F.lit(1)).alias("n"))
    if retracted is not None:
        left = retracted.groupBy(*USER_DAY).agg(F.lit(1).cast("bigint").alias("n"))
        arrived = arrived.unionByName(left).groupBy(*USER_DAY).agg(F.sum("n").alias("n"))
    if state.is_empty:
        return arrived.where(F.col("n") > cap).select(*USER_DAY)
    stored = state.user_days.select(*USER_DAY, "events")
    total = F.col("n") + F.coalesce("events", F.lit(0))
    return arrived.join(stored, list(USER_DAY), "left").where(total > cap).select(*USER_DAY)


def _contenders(
    heads: DataFrame, retracted: DataFrame | None, state: State, heavy: DataFrame, time_zone: str
) -> DataFrame:
    new = heads.select("*", F.lit(NEW).alias("origin")).select(*RANKED)
    if state.is_empty:
        return new.join(heavy, list(USER_DAY), "left_semi")
    stored = state.events.select("*", F.lit(STORED).alias("origin")).select(*RANKED)
    held = restored_events(state.quarantine.where(F.col("reason") == Reason.OVER_CAP.value), "raw", time_zone)
    before = stored.unionByName(held.select("*", F.lit(HELD).alias("origin")).select(*RANKED))
    if retracted is not None:
        before = before.join(retracted, ["batch_id", "record_no"], "left_anti")
    return new.unionByName(before).join(heavy, list(USER_DAY), "left_semi")


def restored_events(held: DataFrame, payload: str, time_zone: str) -> DataFrame:
    """Read events back from the payload JSON in a column; the person is the identifier."""
    read = held.select("batch_id", "record_no", "received_at", *restore_payload(payload))
    day = F.to_date(F.from_utc_timestamp("event_at", time_zone))
    return read.select("*", F.col("identifier").alias("user_id"), day.alias("event_date"))
