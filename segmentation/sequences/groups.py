"""Groups that journeys are told apart by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import StringConstraints
from pyspark.sql import functions as F

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from pyspark.sql import Column, DataFrame

ALL = "all"
SEGMENT = "segment"
RULE = "rule"
NOT_TOLD = "(not told)"
TRAIT = "trait:"
"""Prefix of a trait's name in the dimension of its values."""
Dimension = (
    Literal["platform", "device_type", "channel", "month", "segment", "rule"]
    | Annotated[str, StringConstraints(pattern=r"^trait:[a-z][a-z0-9_]*$")]
)


def is_of_users(dimension: str) -> bool:
    """Return whether groups of a dimension consist of users, whatever they do."""
    return dimension in (SEGMENT, RULE) or dimension.startswith(TRAIT)


def list_memberships(segment_assignments: DataFrame, cohorts: DataFrame, traits: DataFrame | None = None) -> DataFrame:
    """List what groups a user is in.

    Grain: rows of one cut each -> user x group (user_id, dimension, item): the scored segment by name, every rule
    segment that the user is in, of which there may be several, and the value of every trait that has one.
    """
    scored = segment_assignments.select(
        "user_id", F.lit(SEGMENT).alias("dimension"), F.col("segment_name").alias("item")
    )
    ruled = cohorts.select("user_id", F.lit(RULE).alias("dimension"), F.col("rule").alias("item"))
    groups = scored.unionByName(ruled)
    if traits is None:
        return groups
    valued = traits.select("user_id", F.concat(F.lit(TRAIT), "trait").alias("dimension"), F.col("value").alias("item"))
    return groups.unionByName(valued)


def newest_memberships(
    segment_assignments: DataFrame, cohorts: DataFrame, as_of: date, traits: DataFrame | None = None
) -> DataFrame:
    """List the groups of users at the newest cut of each table that is not after a cut; see :func:`list_memberships`.

    Args:
        segment_assignments: rows of any cuts.
        cohorts: rows of any cuts.
        as_of: the cut.
        traits: values of traits at the cut (`user_id`, `trait`, `value`); None: no group asks for any.
    """
    return list_memberships(_newest(segment_assignments, as_of), _newest(cohorts, as_of), traits)


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
    of_user = [name for name in dimensions if is_of_users(name)]
    if not of_user:
        return split.drop("_group")
    members = memberships.where(F.col("dimension").isin(of_user))
    return split.drop("_group").unionByName(df.join(members, "user_id"))


def _newest(table: DataFrame, as_of: date) -> DataFrame:
    known = table.where(F.col("as_of") <= F.lit(as_of))
    row = known.agg(F.max("as_of").alias("as_of")).head()
    return known.where(F.col("as_of") == F.lit(row["as_of"] if row else None))
