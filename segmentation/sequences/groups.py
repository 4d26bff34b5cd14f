"""Groups that journeys are told apart by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pyspark.sql import functions as F

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from pyspark.sql import Column, DataFrame

ALL = "all"
SEGMENT = "segment"
RULE = "rule"
NOT_TOLD = "(not told)"
Dimension = Literal["platform", "device_type", "channel", "month", "segment", "rule"]
OF_USER = (SEGMENT, RULE)


def list_memberships(segment_assignments: DataFrame, cohorts: DataFrame) -> DataFrame:
    """List what groups a user is in.

    Grain: rows of one cut each -> user x group (user_id, dimension, item): the scored segment by name, and every rule
    segment that the user is in, of which there may be several.
    """
    scored = segment_assignments.select(
        "user_id", F.lit(SEGMENT).alias("dimension"), F.col("segment_name").alias("item")
    )
    ruled = cohorts.select("user_id", F.lit(RULE).alias("dimension"), F.col("rule").alias("item"))
    return scored.unionByName(ruled)


def newest_memberships(segment_assignments: DataFrame, cohorts: DataFrame, as_of: date) -> DataFrame:
    """List the groups of users at the newest cut of each table that is not after a cut; see :func:`list_memberships`.

    Args:
        segment_assignments: rows of any cuts.
        cohorts: rows of any cuts.
        as_of: the cut.
    """
    return list_memberships(_newest(segment_assignments, as_of), _newest(cohorts, as_of))


def split_groups(df: DataFrame, *, dimensions: Sequence[str], at: Column, memberships: DataFrame) -> DataFrame:
    """Put a row into each of its groups.

    Grain: anything with user_id and the columns of `dimensions` -> the same once per group it is in, with dimension and
    item: the group of all, and one for each of `dimensions` (months in the zone of `at`, which is a day); those of
    `memberships` only where the user is in one. One exchange more where groups are of users.

    Args:
        df: what to split.
        dimensions: of :data:`Dimension`.
        at: day of the row.
        memberships: rows of :func:`list_memberships`.
    """
    own = {
        "platform": F.col("platform"),
        "device_type": F.coalesce("device_type", F.lit(NOT_TOLD)),
        "channel": F.coalesce("channel", F.lit(NOT_TOLD)),
        "month": F.date_format(at, "yyyy-MM"),
    }
    named = [(ALL, F.lit(ALL)), *((name, own[name]) for name in dimensions if name in own)]
    groups = F.array(*(F.struct(F.lit(name).alias("dimension"), item.alias("item")) for name, item in named))
    split = df.select("*", F.explode(groups).alias("_group")).select("*", "_group.dimension", "_group.item")
    of_user = [name for name in dimensions if name in OF_USER]
    if not of_user:
        return split.drop("_group")
    members = memberships.where(F.col("dimension").isin(of_user))
    return split.drop("_group").unionByName(df.join(members, "user_id"))


def _newest(table: DataFrame, as_of: date) -> DataFrame:
    known = table.where(F.col("as_of") <= F.lit(as_of))
    row = known.agg(F.max("as_of").alias("as_of")).head()
    return known.where(F.col("as_of") == F.lit(row["as_of"] if row else None))
