"""Two definitions of segments beside each other, against scikit-learn."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score, jaccard_score

from segmentation.segments.comparison import (
    Cross,
    adjusted_rand,
    count_movers,
    describe_moves,
    jaccard,
    match_segments,
)


def moves_of(live: list[str], candidate: list[str]) -> Counter[tuple[str, str]]:
    return Counter(zip(live, candidate, strict=True))


@pytest.mark.parametrize("agreement", [0.0, 0.4, 0.9, 1.0])
def test_the_rand_index_and_jaccard_are_scikit_learns(agreement: float) -> None:
    rng = np.random.default_rng(5)
    live = rng.choice(["a", "b", "c"], 400, p=[0.6, 0.3, 0.1])
    candidate = np.where(rng.random(400) < agreement, live, rng.choice(["a", "b", "d"], 400))
    moves = moves_of(list(live), list(candidate))
    assert adjusted_rand(moves) == pytest.approx(adjusted_rand_score(live, candidate), abs=1e-12)
    assert jaccard(moves, "a") == pytest.approx(jaccard_score(live == "a", candidate == "a"), abs=1e-12)


def test_edges() -> None:
    assert adjusted_rand({("a", "a"): 1}) is None
    assert adjusted_rand({("a", "x"): 9}) == 1.0
    assert jaccard({("out", "out"): 9}, "in") is None


def test_segments_that_share_most_users_take_each_others_place() -> None:
    moves = {("old", "x"): 50, ("old", "y"): 45, ("new", "x"): 48, ("new", "y"): 3, ("small", "z"): 2}
    kept = match_segments(moves)
    assert kept == {"old": "y", "new": "x", "small": "z"}  # 45 + 48 beats 50 + 3
    assert count_movers(moves, kept) == 53
    assert match_segments({("a", "x"): 5, ("b", "x"): 9}) == {"b": "x"}


def test_moves__of_a_rule_stay_by_name_and_of_models_by_most_users() -> None:
    of_rule = describe_moves(Cross({("in", "out"): 7, ("in", "in"): 2, ("out", "out"): 2}, ()), is_rule=True)
    assert [(m["live"], m["candidate"], m["users"], m["stays"]) for m in of_rule["moves"]] == [
        ("in", "out", 7, False), ("in", "in", 2, True), ("out", "out", 2, True),
    ]  # fmt: skip
    assert (of_rule["users"], of_rule["movers"]) == (11, 7)
    of_models = describe_moves(Cross({("in", "out"): 7, ("in", "in"): 2, ("out", "in"): 2}, ()), is_rule=False)
    assert of_models["movers"] == 2, "most of the users of 'in' are in 'out' now, which takes its place"
