"""Which record of an identity survives: the earliest received, within the horizon."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import Window
from pyspark.sql import functions as F

if TYPE_CHECKING:
    from datetime import datetime

    from pyspark.sql import DataFrame

HEAD = "head"
DUPLICATE = "duplicate"
CONFLICT = "conflict"

IDENTITY = ("source", "event_id")
ARRIVAL = ("received_at", "event_at", "payload_hash", "unit_id", "record_no")
"""Total order of an identity's records; batch and position only break ties between equal records."""


def judge_copies(records: DataFrame, *, dedup_window_days: int, complete_from: datetime | None = None) -> DataFrame:
    """Judge every record of the given identities: head, duplicate or conflict.

    A record is a copy if any record of its identity was received at most `dedup_window_days` before it, so a run of
    deliveries without a longer pause has one head: the least by (received_at, event_at, payload_hash). A copy with
    the head's payload is a duplicate, any other a conflict.

    Grain: one narrow row per record in and out. Input columns: IDENTITY, ARRIVAL, and of records judged before
    `known_verdict` and `known_head_hash` (null for new ones): where earlier records of the identity were pruned
    away, the earliest loaded one keeps what was known of it.

    Args:
        records: the records.
        dedup_window_days: the horizon.
        complete_from: records received from here on have all earlier ones of their horizon at hand: what was known of
            them counts no more, for their head may have left. None: nothing leaves.

    Returns:
        The input with `verdict` and `head_hash` (payload of the head, the record's own for a head).
    """
    order = Window.partitionBy(*IDENTITY).orderBy(*ARRIVAL)
    since = F.unix_micros("received_at") - F.lag(F.unix_micros("received_at")).over(order)
    first_loaded = since.isNull()
    known_copy = F.coalesce(F.col("known_verdict").isin(DUPLICATE, CONFLICT), F.lit(False))
    if complete_from is not None:
        known_copy &= F.col("received_at") < F.lit(complete_from)
    is_copy = F.when(first_loaded, known_copy).otherwise(since <= dedup_window_days * 86_400_000_000)
    leads = F.when(first_loaded & known_copy, F.col("known_head_hash")).when(~is_copy, F.col("payload_hash"))
    running = order.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    judged = records.select(
        "*", is_copy.alias("_is_copy"), F.last(leads, ignorenulls=True).over(running).alias("head_hash")
    )
    same = F.col("payload_hash") == F.col("head_hash")
    verdict = F.when(~F.col("_is_copy"), HEAD).when(same, DUPLICATE).otherwise(CONFLICT)
    return judged.select(*records.columns, verdict.alias("verdict"), "head_hash")
