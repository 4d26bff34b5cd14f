"""Compare the memberships of segments at two consecutive cuts, and list entries and exits."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from pyspark.sql import functions as F

from segmentation.frames import conform
from segmentation.segments.assignment import select_memberships
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
    an entry or exit. A user in `current` only has entered, a user in `previous` only has exited, whether
    still scored or absent; a move is an exit and an entry. With an empty `previous` all users enter. The
    cause is `definition` where the version of the segmentation differs between the cuts, else `behaviour`.
    Evidence is what decided the membership that was entered or left.

    Args:
        previous: memberships at the earlier cut, perhaps none. One version per segmentation.
        current: memberships at the later cut. One version per segmentation.
        changed_at: the later cut.
        versions: segmentation -> version in force at the later cut, of all that exist: shows a new definition
            even if it left no user in the segmentation. Without it such an exit counts as behaviour.

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


class ChangesAround(NamedTuple):
    """The changes into a newly scored cut and out of it."""

    rows: DataFrame
    """Rows of `segment_changes`."""
    cuts: tuple[date, ...]
    """The cuts at which they are dated: the scored one and, if there is a later one, the next."""


def build_changes_around(stored: DataFrame, assignments: DataFrame, *, as_of: date) -> ChangesAround:
    """Compare a newly scored cut with the scored cuts before and after it.

    A backfilled cut lies between two scored ones: it changes not only who enters and exits at itself, but also at the
    next cut, whose changes were computed against an earlier one.

    Args:
        stored: rows of `segment_assignments` of any cuts; those of this cut are not read.
        assignments: rows of `segment_assignments` of this cut.
        as_of: the cut.
    """
    cut = F.col("as_of")
    row = stored.agg(F.max(F.when(cut < F.lit(as_of), cut)), F.min(F.when(cut > F.lit(as_of), cut))).head()
    before, after = (row[0], row[1]) if row else (None, None)
    members = select_memberships(assignments)
    previous = select_memberships(stored.where(cut == F.lit(before)))
    changes = build_segment_changes(previous, members, changed_at=as_of)
    if after is None:
        return ChangesAround(changes, (as_of,))
    following = select_memberships(stored.where(cut == F.lit(after)))
    next_changes = build_segment_changes(members, following, changed_at=after)
    return ChangesAround(changes.unionByName(next_changes), (as_of, after))


def _version_of(memberships: DataFrame, name: str) -> DataFrame:
    return memberships.groupBy("segmentation").agg(F.max("version").alias(name))


def _given(versions: Mapping[str, str] | None) -> Column:
    """Look up the version in force; a segmentation that is not among them was removed."""
    if not versions:
        return F.lit(None if versions is None else REMOVED).cast("string")
    known = F.create_map(*(F.lit(text) for text in chain.from_iterable(sorted(versions.items()))))
    return F.coalesce(known[F.col("segmentation")], F.lit(REMOVED))
