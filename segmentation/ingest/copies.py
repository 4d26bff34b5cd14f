"""Judge the records of one identity: the earliest received survives, the others are duplicates or conflicts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import Window
from pyspark.sql import functions as F

if TYPE_CHECKING:
    from datetime import datetime

    from pyspark.sql import DataFrame

SURVIVOR = "survivor"
DUPLICATE = "duplicate"
CONFLICT = "conflict"

IDENTITY = ("source", "event_id")
ARRIVAL = ("received_at", "event_at", "payload_hash", "unit_id", "record_no")
"""Total order of an identity's records; unit and position only break ties between equal records."""


def judge_copies(records: DataFrame, *, window_days: int, complete_from: datetime | None = None) -> DataFrame:
    """Judge every record of the given identities: survivor, duplicate or conflict.

    A record is a copy if a record of its identity was received at most `window_days` before it. So a run of records
    without a longer pause has one survivor: the least by (received_at, event_at, payload_hash). A copy with the
    survivor's payload is a duplicate, any other copy a conflict.

    Grain: a narrow row per record in and out. Input columns: IDENTITY, ARRIVAL, and of earlier records
    `stored_outcome` and `stored_survivor_hash` (null for new ones). The earliest record that was read keeps its stored
    outcome, since what came before it was not read.

    Args:
        records: the records.
        window_days: the deduplication window.
        complete_from: all earlier records within the window of a record received from here on were read, so its stored
            outcome does not count: its survivor may have left. None: no record leaves.

    Returns:
        The input with `outcome` and `survivor_hash` (payload hash of the survivor; of a survivor, its own). If the
        input has `position`, also `least_position` (of the survivor and its duplicates, among the records given) and
        `survivor_unknown` (whether the run's survivor is not among them).
    """
    order = Window.partitionBy(*IDENTITY).orderBy(*ARRIVAL)
    since = F.unix_micros("received_at") - F.lag(F.unix_micros("received_at")).over(order)
    first_loaded = since.isNull()
    stored_copy = F.coalesce(F.col("stored_outcome").isin(DUPLICATE, CONFLICT), F.lit(False))
    if complete_from is not None:
        stored_copy &= F.col("received_at") < F.lit(complete_from)
    is_copy = F.when(first_loaded, stored_copy).otherwise(since <= window_days * 86_400_000_000)
    leads = F.when(first_loaded & stored_copy, F.col("stored_survivor_hash")).when(~is_copy, F.col("payload_hash"))
    running = order.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    judged = records.select(
        "*",
        is_copy.alias("_is_copy"),
        F.last(leads, ignorenulls=True).over(running).alias("survivor_hash"),
        F.count(leads).over(running).alias("_run"),
    )
    same = F.col("payload_hash") == F.col("survivor_hash")
    outcome = F.when(~F.col("_is_copy"), SURVIVOR).when(same, DUPLICATE).otherwise(CONFLICT)
    found = [outcome.alias("outcome"), F.col("survivor_hash")]
    if "position" not in records.columns:
        return judged.select(*records.columns, *found)
    run = Window.partitionBy(*IDENTITY, "_run")
    least = F.min(F.when(same, F.col("position"))).over(run)
    unknown = F.min("_is_copy").over(run)
    return judged.select(*records.columns, *found, least.alias("least_position"), unknown.alias("survivor_unknown"))
