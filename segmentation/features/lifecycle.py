"""Features of a user's stage in the lifecycle: new, returning, resurrecting, dormant or gone.

The stage depends on activity in the last n days and in the n days before.

As in the table `lifecycle`, which counts users by calendar periods; here the periods end at the cut. Exactly one of the
five flags of a window is 1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from segmentation.features.feature import DAYS_AGO, Feature, Window, windows_of
from segmentation.tables.table import COUNT

if TYPE_CHECKING:
    from segmentation.features.params import FeatureParams


def features(params: FeatureParams) -> tuple[Feature, ...]:
    """Return the family's features; of life there is no before."""
    return tuple(feature for w in windows_of(params) if w.days is not None for feature in _flags(w, w.days))


def _flags(w: Window, days: int) -> tuple[Feature, ...]:
    now, before = f"min({DAYS_AGO}) <= {days}", f"count_if({DAYS_AGO} > {days} AND {DAYS_AGO} <= {2 * days}) > 0"
    is_new = f"max({DAYS_AGO}) <= {days}"
    kinds = {
        "new": (is_new, f"the first event was {w.text}"),
        "returning": (f"{now} AND {before}", f"active {w.text} and in as many days before them"),
        "resurrecting": (
            f"{now} AND NOT ({is_new}) AND NOT ({before})",
            f"active {w.text} and earlier, but not in as many days before them",
        ),
        "dormant": (f"NOT ({now}) AND {before}", f"not active {w.text}, but in as many days before them"),
        "gone": (f"NOT ({now}) AND NOT ({before})", f"not active {w.text}, nor in as many days before them"),
    }
    return tuple(
        Feature(f"lifecycle_{kind}_flag_{w}", "1 or 0", f"1 where {meaning}", f"int({holds})", w, type=COUNT)
        for kind, (holds, meaning) in kinds.items()
    )
