"""The values of traits, and the number of users who have each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import Window
from pyspark.sql import functions as F

from segmentation.review.frames.records import Records, fetch_records

if TYPE_CHECKING:
    from datetime import date

    from pyspark.sql import DataFrame

OTHERS = "(others)"


def count_trait_values(profiles: DataFrame, as_of: date | None, limit: int) -> Records:
    """Count the users who have each value of each trait.

    Grain: a row of `profiles` -> trait x value: `trait`, `value`, `users`, and `known`: the users whose trait has a
    value. The `limit` most frequent values are listed by name, ties by value; the others are one row.

    Args:
        profiles: the table.
        as_of: the cut, as a day in UTC; None: today's values.
        limit: values of a trait at most.
    """
    holds = F.col("valid_to_at").isNull()
    if as_of is not None:
        begun = F.to_date("valid_from_at") < F.lit(as_of)
        holds = begun & (holds | (F.to_date("valid_to_at") >= F.lit(as_of)))
    users = profiles.where(holds).groupBy("trait", "value").agg(F.count(F.lit(1)).alias("users"))
    of_trait = Window.partitionBy("trait")
    place = F.row_number().over(of_trait.orderBy(F.col("users").desc(), "value"))
    ranked = users.select("trait", "value", "users", place.alias("place"))
    named = F.when(F.col("place") <= limit, F.col("value")).otherwise(F.lit(OTHERS)).alias("value")
    counted = ranked.groupBy("trait", named, F.least("place", F.lit(limit + 1)).alias("place")).agg(
        F.sum("users").alias("users")
    )
    known = F.sum("users").over(of_trait).alias("known")
    return fetch_records(counted.select("trait", "value", "users", known, "place").orderBy("trait", "place"))
