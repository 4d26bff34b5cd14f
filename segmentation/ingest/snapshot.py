"""Read the published tables that an increment is planned against."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from segmentation.ingest.state import State, Withdrawal
from segmentation.tables import (
    DUPLICATES,
    EVENTS,
    INGEST_LEDGER,
    INPUT_UNITS,
    QUARANTINE,
    SESSIONS,
    USER_DAY_COUNTS,
    USER_DAYS,
)
from segmentation.tables.ingest_ledger import ACCEPTED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import DataFrame

    from segmentation.lake.lake import Lake


def read_state(
    lake: Lake,
    new_units: DataFrame | None = None,
    superseded: Sequence[str] = (),
    *,
    batch_is_small: bool = True,
    few_partitions: int | None = None,
) -> State:
    """Read the tables as this run sees them.

    Args:
        lake: the lake.
        new_units: rows of the units of this batch; the result contains them.
        superseded: unit_ids of the units that this batch supersedes.
        batch_is_small: whether the batch has few records (:func:`segmentation.sources.readers.units.are_few`).
        few_partitions: number of partitions for few rows (:func:`segmentation.ingest.batches.partitions_of`).
    """
    units = lake.read(INPUT_UNITS)
    return State(
        events=lake.read(EVENTS),
        sessions=lake.read(SESSIONS),
        user_days=lake.read(USER_DAYS),
        user_day_counts=lake.read(USER_DAY_COUNTS),
        quarantine=lake.read(QUARANTINE),
        duplicates=lake.read(DUPLICATES),
        input_units=units if new_units is None else units.unionByName(new_units),
        is_empty=units.isEmpty(),
        batch_is_small=batch_is_small,
        few_partitions=few_partitions,
        withdrawal=_withdrawal(lake, superseded),
    )


def _withdrawal(lake: Lake, unit_ids: Sequence[str]) -> Withdrawal:
    if not unit_ids:
        return Withdrawal()
    of_them = lake.read(INGEST_LEDGER).where(F.col("unit_id").isin(*unit_ids) & (F.col("stage") == ACCEPTED))
    days = of_them.select("event_date").distinct().collect()  # a row per day
    return Withdrawal(tuple(sorted(unit_ids)), tuple(sorted(row["event_date"] for row in days)))
