"""What changed in the membership of segments from one cut to the next."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from segmentation.frames import conform
from segmentation.tables import SEGMENT_CHANGES
from segmentation.tables.segment_changes import BEHAVIOUR, DEFINITION, ENTERED, EXITED

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from pyspark.sql import Column, DataFrame

MEMBERSHIP = ("segmentation", "user_id", "segment_id")
REMOVED = ""
"""Version of a segmentation that no longer exists."""


def build_segment_changes(
    previous: DataFrame,
    current: DataFrame,
    *,
    changed_at: date,
    versions: Mapping[str, str] | None = None,
) -> DataFrame:
    """Compare the members of segments at two consecutive cuts.

    Grain: a membership (segmentation, user_id, segment_id, version, evidence), unique in its first three ->
    an entry or exit. Who is in `current` only has entered, who is in `previous` only has exited, whether
    still scored or absent; a move is an exit and an entry. With an empty `previous` everyone enters. The
    cause is `definition` where the version of the segmentation differs between the cuts, else `behaviour`.
    Evidence is what decided the membership that was entered or left.

    Args:
        previous: memberships at the earlier cut, perhaps none. One version per segmentation.
        current: memberships at the later cut. One version per segmentation.
        changed_at: the later cut.
        versions: segmentation -> version in force at the later cut, of all that exist: tells a new definition
            even where it left nobody in the segmentation. Without it such an exit counts as behaviour.

    Returns:
        Rows of `segment_changes`.
    """
    both = previous.alias("p").join(current.alias("c"), list(MEMBERSHIP), "full_outer")
    changed = both.where(F.col("p.version").isNull() | F.col("c.version").isNull()).select(
        *MEMBERSHIP,
        F.when(F.col("p.version").isNull(), F.lit(ENTERED)).otherwise(F.lit(EXITED)).alias("direction"),
        F.coalesce("c.evidence", "p.evidence").alias("evidence"),
    )
    before, after = _version_of(previous, "before"), _version_of(current, "after")
    in_force = F.coalesce(F.col("after"), _given(versions))
    cause = F.when(F.col("before") != in_force, F.lit(DEFINITION)).otherwise(F.lit(BEHAVIOUR))
    caused = (
        changed.join(F.broadcast(before), "segmentation", "left")
        .join(F.broadcast(after), "segmentation", "left")
        .select(*MEMBERSHIP, "direction", "evidence", cause.alias("cause"), F.lit(changed_at).alias("changed_at"))
    )
    return conform(caused, SEGMENT_CHANGES)


def _version_of(memberships: DataFrame, name: str) -> DataFrame:
    return memberships.groupBy("segmentation").agg(F.max("version").alias(name))


def _given(versions: Mapping[str, str] | None) -> Column:
    """Look up the version in force; a segmentation that is not among them was removed."""
    if not versions:
        return F.lit(None if versions is None else REMOVED).cast("string")
    known = F.create_map(*(F.lit(text) for text in chain.from_iterable(sorted(versions.items()))))
    return F.coalesce(known[F.col("segmentation")], F.lit(REMOVED))
