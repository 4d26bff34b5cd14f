"""Describe the users of a segment by one rule of thumb: the best leaf of a small decision tree."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from sklearn.tree import DecisionTreeClassifier

from segmentation.evaluation.distributions import sample_users

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pandas as pd
    from numpy.typing import NDArray
    from pyspark.sql import DataFrame
    from sklearn.tree._tree import Tree

    from segmentation.models.params import ClusterParams

DEPTH = 3
"""Conditions in a sentence at most."""
LEAST_SHARE = 0.01
"""Of the users in a leaf."""


class SplitCondition(NamedTuple):
    """A comparison of a feature with a threshold."""

    feature: str
    above: bool
    threshold: float

    def holds(self, users: pd.DataFrame) -> NDArray[np.bool_]:
        """Tell for whom it holds."""
        values = users[self.feature].to_numpy()
        return np.asarray(values > self.threshold if self.above else values <= self.threshold)

    def __str__(self) -> str:
        return f"{self.feature} {'>' if self.above else '<='} {self.threshold:.8g}"


class Portrait(NamedTuple):
    """A rule of thumb for a segment."""

    rule: str
    """Conditions as SQL reads them."""
    precision: float
    """Share of those who fulfil the rule that are in the segment."""
    coverage: float
    """Share of the segment that fulfils the rule."""


def portray_segments(
    users: DataFrame, assignments: DataFrame, *, features: Sequence[str], params: ClusterParams
) -> dict[str, Portrait]:
    """Find a rule of thumb for each segment on a sample of at most `evidence_users` scored users.

    Args:
        users: users of a cut with the features as doubles.
        assignments: rows of `segment_assignments` of the same cut.
        features: columns on which rules may be built.
        params: size of the sample, and seed.
    """
    members = users.join(assignments.select("user_id", "segment_id"), "user_id")
    sample = sample_users(members, params.evidence_users).select("segment_id", *features).toPandas()  # bounded
    return draw_portraits(sample, features=features, seed=params.seed)


def draw_portraits(users: pd.DataFrame, *, features: Sequence[str], seed: int) -> dict[str, Portrait]:
    """Find for each segment the leaf of a decision tree that holds most of it.

    Segments count alike whatever their size (balanced classes), so that small ones get leaves too. Unknown values are
    the feature's median, as in the cluster model. Of leaves with equally many of a segment's users the purer counts,
    then the first. If all users are in one segment, no rule is found.

    Args:
        users: a sample, with features and `segment_id`.
        features: what rules speak of.
        seed: of the tree, which decides between equally good splits.
    """
    if users["segment_id"].nunique() < 2:  # noqa: PLR2004
        return {}
    known = users[list(features)].astype(float)
    known = known.fillna(known.median()).fillna(0.0)
    tree = DecisionTreeClassifier(
        max_depth=DEPTH,
        min_samples_leaf=max(1, round(LEAST_SHARE * len(users))),
        class_weight="balanced",
        random_state=seed,
    ).fit(known.to_numpy(), users["segment_id"])
    leaves = [_condense(path) for path in _paths(tree.tree_, features) if path]
    inside = [np.logical_and.reduce([condition.holds(known) for condition in leaf]) for leaf in leaves]
    portraits = {}
    for segment in sorted(users["segment_id"].unique()):
        own = (users["segment_id"] == segment).to_numpy()
        found = [(int((own & held).sum()), float(own[held].mean()) if held.any() else 0.0) for held in inside]
        if found:
            best = max(range(len(found)), key=lambda i: (found[i], -i))
            rule = " AND ".join(map(str, leaves[best]))
            portraits[segment] = Portrait(rule, found[best][1], found[best][0] / int(own.sum()))
    return portraits


def _paths(
    tree: Tree, features: Sequence[str], node: int = 0, before: tuple[SplitCondition, ...] = ()
) -> Iterator[tuple[SplitCondition, ...]]:
    """Walk from a node to its leaves, left (not above) before right."""
    left, right = tree.children_left[node], tree.children_right[node]
    if left == right:
        yield before
        return
    feature, threshold = features[tree.feature[node]], float(f"{tree.threshold[node]:.8g}")
    for child, above in ((left, False), (right, True)):
        yield from _paths(tree, features, child, (*before, SplitCondition(feature, above, threshold)))


def _condense(path: tuple[SplitCondition, ...]) -> tuple[SplitCondition, ...]:
    """Keep the narrowest of several conditions of one kind on a feature, in the order of their first."""
    narrowest: dict[tuple[str, bool], SplitCondition] = {}
    for condition in path:
        narrowest[condition.feature, condition.above] = condition  # further down is narrower
    return tuple(narrowest.values())
