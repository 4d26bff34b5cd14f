"""Compare two definitions of segments: the users who move, sizes and values of segments, and stability."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from pyspark.sql import functions as F
from scipy.optimize import linear_sum_assignment

from segmentation.evaluation import agreement

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray
    from pyspark.sql import DataFrame

    Table = Mapping[tuple[str, str], int]

LIVE, CANDIDATE = "live", "candidate"
IN, OUT = "in", "out"
"""The two segments of a rule: its members, and all other users."""
_EXACT = "decimal(30,6)"


class Group(NamedTuple):
    """A segment under one of the definitions."""

    definition: str
    segment: str
    users: int
    share: float
    means: Mapping[str, float | None]
    """Measure -> mean over the segment's users for whom it is known; None: it is known for no user."""


class Cross(NamedTuple):
    """All users of a cut under both definitions."""

    moves: Table
    """(live segment, candidate segment) -> users."""
    groups: tuple[Group, ...]


def cross_definitions(placed: DataFrame, *, measures: Sequence[str]) -> Cross:
    """Count users by the segments of both definitions, and average what they are worth.

    Grain: a user with `live` and `candidate` (never null) and measures as doubles -> counts, and a group per definition
    and segment, by name. One aggregation; sums are exact to six decimals, so the same in any order. Nulls are left out.
    """
    sums = [F.sum(F.col(name).cast(_EXACT)).alias(f"_sum_{name}") for name in measures]
    known = [F.count(F.col(name).cast(_EXACT)).alias(f"_known_{name}") for name in measures]
    counted = placed.groupBy(LIVE, CANDIDATE).agg(F.count(F.lit(1)).alias("users"), *sums, *known)
    rows = counted.orderBy(LIVE, CANDIDATE).collect()  # a row per pair of segments
    total = sum(row["users"] for row in rows)
    groups = [
        _group(definition, segment, [row for row in rows if row[definition] == segment], measures, total)
        for definition in (LIVE, CANDIDATE)
        for segment in sorted({row[definition] for row in rows})
    ]
    return Cross({(row[LIVE], row[CANDIDATE]): row["users"] for row in rows}, tuple(groups))


def match_segments(moves: Table) -> dict[str, str]:
    """Say which candidate segment takes the place of which live one: those that share most users, each once.

    Source: H. W. Kuhn (1955), The Hungarian method for the assignment problem; ties by name.
    """
    live, candidate, shared = _as_matrix(moves)
    rows, columns = linear_sum_assignment(shared, maximize=True)
    return {live[i]: candidate[j] for i, j in zip(rows, columns, strict=True) if shared[i, j]}


def count_movers(moves: Table, kept: Mapping[str, str]) -> int:
    """Count users whose candidate segment is not the one that takes the place of their live one."""
    return sum(users for (live, candidate), users in moves.items() if kept.get(live) != candidate)


def adjusted_rand(moves: Table) -> float | None:
    """Return the adjusted Rand index of two partitions from their cross table; None with fewer than two users."""
    if sum(moves.values()) < 2:  # noqa: PLR2004  a pair
        return None
    return agreement.adjusted_rand_index(_as_matrix(moves)[2])


def _as_matrix(moves: Table) -> tuple[list[str], list[str], NDArray[np.int_]]:
    """Lay a cross table out: names of both sides, sorted, and the users of each pair."""
    live, candidate = (sorted({pair[side] for pair in moves}) for side in (0, 1))
    return live, candidate, np.array([[moves.get((a, b), 0) for b in candidate] for a in live])


def jaccard(moves: Table, segment: str) -> float | None:
    """Return the share of users in a segment at both ends of those in it at either; None if there is no such user."""
    both = moves.get((segment, segment), 0)
    either = sum(users for pair, users in moves.items() if segment in pair)
    return both / either if either else None


def cross_cuts(before: DataFrame, now: DataFrame) -> dict[str, Table]:
    """Count, for each definition, the users of both cuts by where they were and where they are.

    Grain: a user with `live` and `candidate` at each cut -> definition -> (segment before, segment now) -> users.
    """
    earlier = before.select("user_id", F.col(LIVE).alias("_live"), F.col(CANDIDATE).alias("_candidate"))
    counted = earlier.join(now, "user_id").groupBy("_live", LIVE, "_candidate", CANDIDATE).count().collect()
    tables: dict[str, dict[tuple[str, str], int]] = {LIVE: {}, CANDIDATE: {}}
    for row in counted:  # a row per combination of segments
        for definition, table in tables.items():
            pair = (row[f"_{definition}"], row[definition])
            table[pair] = table.get(pair, 0) + row["count"]
    return dict(tables)


def describe_moves(cross: Cross, *, is_rule: bool) -> dict[str, Any]:
    """Describe the users who move and the groups that result, for a report.

    Args:
        cross: all users of a cut under both definitions.
        is_rule: whether the segments are those of a rule, which keep their names; else those that share most users
            take each other's place (:func:`match_segments`).
    """
    kept = {IN: IN, OUT: OUT} if is_rule else match_segments(cross.moves)
    moves = [
        {LIVE: live, CANDIDATE: candidate, "users": users, "stays": kept.get(live) == candidate}
        for (live, candidate), users in sorted(cross.moves.items(), key=lambda item: (-item[1], item[0]))
    ]
    return {
        "users": sum(cross.moves.values()),
        "movers": count_movers(cross.moves, kept),
        "moves": moves,
        "groups": [group._asdict() for group in cross.groups],
    }


def measure_stability(before: DataFrame, now: DataFrame, *, is_rule: bool) -> dict[str, Any]:
    """Compare each definition with itself at an earlier cut, over the users of both cuts.

    Args:
        before: users of the earlier cut with `live` and `candidate`.
        now: users of the later cut with the same.
        is_rule: whether the segments are those of a rule, whose members are compared; else whole partitions are.
    """
    tables = cross_cuts(before, now)
    if is_rule:
        return {
            "measure": "members in common (Jaccard)",
            **{side: jaccard(table, IN) for side, table in tables.items()},
        }
    return {"measure": "adjusted Rand index", **{side: adjusted_rand(table) for side, table in tables.items()}}


def _group(definition: str, segment: str, rows: Sequence[Any], measures: Sequence[str], total: int) -> Group:
    users = sum(row["users"] for row in rows)
    means: dict[str, float | None] = {}
    for name in measures:
        known = sum(row[f"_known_{name}"] for row in rows)
        means[name] = float(sum(row[f"_sum_{name}"] or 0 for row in rows)) / known if known else None
    return Group(definition, segment, users, users / total, means)
