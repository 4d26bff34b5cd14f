import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segmentation.models.clustering import Segment
from segmentation.models.identity import Flows, Match, carry_identities, match_successors

NAMES = "abcdef"


def segments(n: int, prefix: str = "old") -> list[Segment]:
    return [Segment(i, f"{prefix}{i}", f"{NAMES[i]} customers", 0, {}) for i in range(n)]


def compare(users: list[list[int]], distances: list[list[float]] | None = None):
    table = np.array(users)
    apart = np.ones(table.shape) if distances is None else np.array(distances, dtype=float)
    return match_successors(segments(len(table)), segments(table.shape[1], "new"), flows=Flows(table, apart))


def told(matches: tuple[Match, ...]) -> set[str]:
    return {f"{m.previous and m.previous.segment_id} {m.current and m.current.segment_id} {m.verdict}" for m in matches}


CASES = {
    "renumbered": ([[0, 90], [95, 5]], {"old0 new1 kept", "old1 new0 kept"}),
    "split in two": ([[50, 50, 0], [0, 0, 80]], {"old0 new0 kept", "old0 new1 split", "old1 new2 kept"}),
    "split in three": ([[30, 35, 35]], {"old0 new0 split", "old0 new1 split", "old0 new2 split"}),
    "merged": (
        [[40, 0], [40, 0], [40, 0], [0, 90]],
        {"old0 new0 merged", "old1 new0 merged", "old2 new0 merged", "old3 new1 kept"},
    ),
    "taken in": ([[80], [20]], {"old0 new0 kept", "old1 new0 merged"}),
    "new and gone": (
        [[90, 0, 0, 30], [0, 90, 0, 30], [0, 0, 90, 30], [9, 9, 9, 0]],
        {"old0 new0 kept", "old1 new1 kept", "old2 new2 kept", "None new3 new", "old3 None gone"},
    ),
    "nobody left": ([[90, 0], [0, 80], [0, 0]], {"old0 new0 kept", "old1 new1 kept", "old2 None gone"}),
}


@pytest.mark.parametrize("case", CASES)
def test_what_became_of_every_segment(case: str):
    users, expected = CASES[case]
    assert told(compare(users).matches) == expected


def test_of_equal_members_centroids_decide():
    assert told(compare([[50, 50]], [[3.0, 0.1]]).matches) == {"old0 new1 kept", "old0 new0 split"}
    assert told(compare([[50, 50]], [[0.1, 3.0]]).matches) == {"old0 new0 kept", "old0 new1 split"}
    apart = compare([[90, 5], [5, 90]], [[3.0, 0.1], [0.2, 2.0]])
    assert [m.same_by_centroids for m in apart.matches] == [False, False]


def test_what_was_kept_keeps_id_and_name_and_no_name_comes_twice():
    matches = compare([[0, 90], [95, 5]]).matches
    carried = carry_identities(segments(2, "new"), matches)
    assert [(s.segment_id, s.segment_name) for s in carried] == [("old1", "b customers"), ("old0", "a customers")]
    split = compare([[60, 40]]).matches
    carried = carry_identities([replace_name(s, "a customers") for s in segments(2, "new")], split)
    assert [(s.segment_id, s.segment_name) for s in carried] == [("old0", "a customers"), ("new1", "a customers (2)")]


def replace_name(segment: Segment, name: str) -> Segment:
    return Segment(segment.cluster_id, segment.segment_id, name, 0, {})


TABLES = st.integers(1, 5).flatmap(
    lambda n: st.lists(st.lists(st.integers(0, 60), min_size=n, max_size=n), min_size=1, max_size=5)
)


@settings(deadline=None)
@given(TABLES)
def test_everyone_is_accounted_for_and_a_segment_is_kept_once(users: list[list[int]]):
    comparison = compare(users)
    matches = comparison.matches
    assert {m.previous.cluster_id for m in matches if m.previous} == set(range(len(users)))
    assert {m.current.cluster_id for m in matches if m.current} == set(range(len(users[0])))
    kept = [m for m in matches if m.verdict == "kept"]
    assert len({m.previous.cluster_id for m in kept}) == len({m.current.cluster_id for m in kept}) == len(kept)
    carried = carry_identities(segments(len(users[0]), "new"), matches)
    assert len({s.segment_id for s in carried}) == len({s.segment_name for s in carried}) == len(carried)
