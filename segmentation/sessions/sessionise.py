"""Cut each user's events into sessions and lay out the sequence, in one sort."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import Window
from pyspark.sql import functions as F

from segmentation.sessions.params import SessionParams
from segmentation.tables.events import ORDER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import Column, DataFrame, WindowSpec

SEPARATOR = "\u001f"
SIGN = "sign"
"""+1 for an event that comes or stays, -1 for one as it was: what is summed with it is what changes."""
LOOKED_AT = ("user_id", "session_hint", *ORDER, "event_name", "state", "platform")
"""What deciding on sessions takes."""
SAME = {"identifier": "user_id"}
"""Columns, never null, that mostly repeat another."""
LAID_OUT = (
    "starts",
    "ends",
    "entry_state",
    "previous_state",
    "gap_s",
    "session_platform",
    "session_date",
    "heartbeat_bucket_starts",
)
"""What :func:`sessionise` adds beside session_id and session_started_at."""


def sessionise(events: DataFrame, *, params: SessionParams, time_zone: str) -> DataFrame:
    """Assign every event its session and its place in it.

    A gap strictly greater than the timeout starts a new session; events with a `session_hint` belong to the session
    of that hint within (source, user) instead. Users are independent, and so are sessions further apart than the
    timeout: any set of complete sessions gives the same answer as the whole history. Where events carry a SIGN, those
    of either sign are cut into sessions of their own, in the same pass.

    Grain: an event in, the same event out. One exchange (by user) and one sort; everything is carried out of the
    same window. Added columns: session_id, session_started_at (UTC), starts / ends (first / last event of its
    session), entry_state (where it ends: the state in which it started), previous_state (null where it starts),
    gap_s (whole seconds since the previous event of the session, null where it starts), session_platform (of the
    first event), session_date (day of the start in `time_zone`), heartbeat_bucket_starts (first heartbeat of its
    bucket of `heartbeat_s` seconds; 0 or 1), sign (+1 where none was given).
    """
    signed = SIGN in events.columns
    looked_at = (*LOOKED_AT, SIGN) if signed else LOOKED_AT
    scope = F.when(F.col("session_hint").isNotNull(), F.concat_ws(SEPARATOR, "source", "session_hint"))
    packed = _packed(events, looked_at).select("*", scope.alias("_scope"), F.unix_micros("event_at").alias("_micros"))
    order = Window.partitionBy("user_id", "_scope", *([SIGN] if signed else [])).orderBy(*ORDER)
    laid = _lay_out(packed.repartition("user_id"), order, params)
    gap = F.floor((F.col("_micros") - F.col("_previous")) / 1_000_000)
    new_beat = F.coalesce(F.col("_beat") != F.col("_last_beat"), F.col("_beat").isNotNull())
    return laid.select(
        *_unpacked(events, looked_at),
        *([] if signed else [F.lit(1).alias(SIGN)]),
        "starts",
        "ends",
        F.when(F.col("ends"), F.col("_first.state")).alias("entry_state"),
        F.when(~F.col("starts"), F.col("_previous_state")).alias("previous_state"),
        F.when(~F.col("starts"), gap).alias("gap_s"),
        F.col("_first.platform").alias("session_platform"),
        F.to_date(F.from_utc_timestamp("_first.event_at", time_zone)).alias("session_date"),
        new_beat.cast("bigint").alias("heartbeat_bucket_starts"),
        F.col("_first.event_at").alias("session_started_at"),
        F.col("_first.id").alias("session_id"),
    )


def _lay_out(packed: DataFrame, order: WindowSpec, params: SessionParams) -> DataFrame:
    """Find where sessions start and end, and carry the first event of each along; every window has the one order."""
    so_far = order.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    timeout = params.timeout_s * 1_000_000
    by_gap = F.col("_scope").isNull()

    def apart(earlier: Column, later: Column) -> Column:
        return F.coalesce(by_gap & (later - earlier > timeout), F.lit(False))

    def carried(value: Column) -> Column:
        return F.last(F.when(F.col("starts"), value), ignorenulls=True).over(so_far)

    previous, following = F.lag("_micros").over(order), F.lead("_micros").over(order)
    flagged = packed.select(
        "*",
        (previous.isNull() | apart(previous, F.col("_micros"))).alias("starts"),
        (following.isNull() | apart(F.col("_micros"), following)).alias("ends"),
        _beat(params).alias("_beat"),
        previous.alias("_previous"),
        F.lag("state").over(order).alias("_previous_state"),
    )
    return flagged.select(
        "*",
        # Hashing and carrying are dear: one hash a session, one struct carried on.
        carried(F.struct("event_at", _session_id().alias("id"), "platform", "state")).alias("_first"),
        F.last("_beat", ignorenulls=True).over(order.rowsBetween(Window.unboundedPreceding, -1)).alias("_last_beat"),
    )


def _beat(params: SessionParams) -> Column:
    bucket = F.floor(F.col("_micros") / (params.heartbeat_s * 1_000_000))
    return F.when(F.col("event_name").isin(*params.heartbeat_events), bucket)


def _packed(events: DataFrame, looked_at: Sequence[str]) -> DataFrame:
    """Put all that the windows do not look at into one column, which every step copies at once.

    What a row says twice is left out: bytes and columns per row are the cost of the exchange and the sort.
    """
    rest = (
        F.when(~F.col(name).eqNullSafe(F.col(SAME[name])), F.col(name)).alias(name) if name in SAME else F.col(name)
        for name in events.columns
        if name not in looked_at
    )
    return events.select(*looked_at, F.struct(*rest).alias("_rest"))


def _unpacked(events: DataFrame, looked_at: Sequence[str]) -> list[Column]:
    def unpack(name: str) -> Column:
        if name in looked_at:
            return F.col(name)
        column = F.col(f"_rest.{name}")
        return (F.coalesce(column, SAME[name]) if name in SAME else column).alias(name)

    return [unpack(name) for name in events.columns]


def hint_session_id() -> Column:
    """Return the id of the supplied session of the columns source, user_id and session_hint at hand."""
    return _short_hash(F.concat_ws(SEPARATOR, "source", "user_id", "session_hint"))


def _session_id() -> Column:
    """Hash the session that the event at hand starts."""
    micros = F.col("_micros").cast("string")
    by_start = _short_hash(F.concat_ws(SEPARATOR, F.col("user_id"), micros))
    return F.when(F.col("_scope").isNotNull(), hint_session_id()).otherwise(by_start)


def _short_hash(text: Column) -> Column:
    return F.substring(F.sha2(text, 256), 1, 32)
