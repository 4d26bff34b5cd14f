"""Read the results of build_journeys at a cut: funnels, lost conversions and differences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from segmentation.review.frames.records import Records, fetch_records

if TYPE_CHECKING:
    from datetime import date

    from pyspark.sql import DataFrame

ALL = "all"


def list_funnels(funnels: DataFrame, cut: date) -> Records:
    """List the funnels' steps of a cut, all together first, then group by group."""
    known = funnels.where(F.col("as_of") == F.lit(cut))
    return fetch_records(known.orderBy("funnel", F.col("dimension") != ALL, "dimension", "item", "step"))


def rank_lost_conversions(drop_offs: DataFrame, cut: date, limit: int) -> Records:
    """Rank the states of a cut by the goals that those who left there did not reach, most first, ties by name."""
    known = drop_offs.where((F.col("as_of") == F.lit(cut)) & (F.col("dimension") == ALL))
    known = known.where(F.col("lost_conversions") > 0)
    return fetch_records(known.orderBy(F.col("lost_conversions").desc(), "state").limit(limit))


def list_differences(differences: DataFrame, cut: date, limit: int) -> Records:
    """List the transitions of every comparison of a cut, the likeliest findings first, `limit` each."""
    known = differences.where(F.col("as_of") == F.lit(cut)).orderBy("comparison", "p_value", "from_state", "to_state")
    records, taken = [], dict[str, int]()
    for record in fetch_records(known):
        taken[record["comparison"]] = taken.get(record["comparison"], 0) + 1
        if taken[record["comparison"]] <= limit:
            records.append(record)
    return records
