"""A map of the segments: a sample of users in the plane in which they differ most."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import rankdata

from segmentation.review import text
from segmentation.review.charts.maps import draw_map
from segmentation.review.exhibits import Exhibit, Grid, GridColumn
from segmentation.review.frames.segments import sample_members
from segmentation.tables import SEGMENT_ASSIGNMENTS, USER_FEATURES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from numpy.typing import NDArray

    from segmentation.review.frames.records import Records
    from segmentation.review.sections.reading import Reading

FEWEST_USERS, FEWEST_FEATURES = 10, 2
NAMED = 2
"""Features that an axis is named by."""


def build_map(reading: Reading, cut: date, profiles: Records, features: Sequence[str]) -> tuple[Exhibit, ...]:
    """Build the map; none where there is one segment, or too little to place people by."""
    table = reading.read(USER_FEATURES)
    known = [name for name in features if name in table.columns]
    if len(profiles) < FEWEST_FEATURES or len(known) < FEWEST_FEATURES:
        return ()
    users = sample_members(table, reading.read(SEGMENT_ASSIGNMENTS), cut, known, reading.params.map_users)
    values = np.array([[np.nan if user[name] is None else user[name] for name in known] for user in users], dtype=float)
    if len(users) < FEWEST_USERS:
        return ()
    places, axes, told = place_users(values, known)
    if told == 0:
        return ()
    names = {profile["segment_id"]: profile["segment_name"] for profile in profiles}
    rows = [
        {"segment": names.get(user["segment_id"]), "segment_id": user["segment_id"], "x": float(x), "y": float(y)}
        for user, (x, y) in zip(users, places.round(3), strict=True)
    ]
    return (
        Exhibit(
            key="segment-map",
            title="Where the segments lie",
            finding=f"{text.plural(len(users), 'user')}, each a mark: who lies close together behaves alike. The plane "
            f"holds {text.share(told, 0)} of the differences; segments that overlap here may lie apart in the rest.",
            figure=draw_map(profiles, rows, axes),
            grid=Grid(
                (
                    GridColumn("segment", "Segment"),
                    GridColumn("x", axes[0], "number"),
                    GridColumn("y", axes[1], "number"),
                ),
                rows,
            ),
            method=f"A fixed sample by hash of user. First two principal components of the ranks of the {len(known)} "
            "features that set segments apart most; an unknown value counts as the middle rank. Axes are named by "
            "the features that weigh most. A picture only: segments are made in the model's own space.",
        ),
    )


def place_users(
    values: NDArray[np.float64], features: Sequence[str]
) -> tuple[NDArray[np.float64], tuple[str, str], float]:
    """Place users in the plane of the first two principal components of ranks.

    Args:
        values: a row per user, a column per feature; nan where unknown.
        features: names of the columns.

    Returns:
        x and y per user; what the axes mean; the share of variance that the plane holds. The sign of each component
        is that of its greatest weight, so that equal data give an equal map.
    """
    ranks = rankdata(values, axis=0, nan_policy="omit")
    counts = np.sum(~np.isnan(values), axis=0)
    centred = np.nan_to_num(ranks - (counts + 1) / 2)
    spread = centred.std(axis=0)
    scaled = centred / np.where(spread > 0, spread, 1)
    left, sizes, weights = np.linalg.svd(scaled, full_matrices=False)
    signs = np.sign(weights[np.arange(len(weights)), np.abs(weights).argmax(axis=1)])
    places = (left * sizes * signs)[:, :2]
    total = float((sizes**2).sum())
    told = float((sizes[:2] ** 2).sum()) / total if total else 0.0
    first, second = (_name(weight * sign, features) for weight, sign in zip(weights[:2], signs[:2], strict=True))
    return places, (first, second), told


def _name(weights: NDArray[np.float64], features: Sequence[str]) -> str:
    order = sorted(range(len(features)), key=lambda n: (-abs(weights[n]), features[n]))[:NAMED]
    return (
        "; ".join(f"{'more' if weights[n] > 0 else 'less'} {_lower(text.feature(features[n]))}" for n in order) + " →"
    )


def _lower(words: str) -> str:
    return words if words.startswith("RFM") else words[0].lower() + words[1:]
