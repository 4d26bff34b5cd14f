"""Sum the numeric properties of users' days."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from segmentation.event_order import order_key
from segmentation.event_properties import read_property

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import DataFrame

NUMBER = "decimal(18,4)"


def sum_properties(events: DataFrame, *, names: Sequence[str]) -> DataFrame:
    """Sum the values of numeric properties by user and day.

    Grain: an event -> a user's day x property of which any event has a value.

    Args:
        events: stored events, of which user_id, event_date, properties and the columns of the order are read.
        names: properties, as the mappings name them. Text that is not a number is no value.

    Returns:
        user_id, event_date, property, `n` (events with a value), `value_sum` (exact), `value_last` (of the last such
        event of the day, by the order of events).
    """
    values = [
        F.struct(F.lit(name).alias("property"), read_property(name).try_cast(NUMBER).alias("value")) for name in names
    ]
    listed = events.select(
        "user_id", "event_date", order_key().alias("_order"), F.explode(F.array(*values)).alias("_of")
    )
    known = listed.where(F.col("_of.value").isNotNull())
    return known.groupBy("user_id", "event_date", F.col("_of.property").alias("property")).agg(
        F.count(F.lit(1)).alias("n"),
        F.sum("_of.value").alias("value_sum"),
        F.max_by("_of.value", "_order").alias("value_last"),
    )
