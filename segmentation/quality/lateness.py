"""Find records that were received too late to count."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F


def is_late(received_at: str, event_at: str, bound_days: int | None) -> Column:
    """Tell whether a record was received more than `bound_days` days after the event; never where there is no bound.

    A time that is null is not late: other checks reject it.
    """
    if bound_days is None:
        return F.lit(False)
    late = F.col(received_at) > F.col(event_at) + F.expr(f"INTERVAL {bound_days} DAYS")
    return F.coalesce(late, F.lit(False))
