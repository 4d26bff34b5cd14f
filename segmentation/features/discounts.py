"""Features of purchases at a discount."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segmentation.features.feature import Feature, Window, is_one_of, items_total, literal, ratio, windows_of
from segmentation.tables import EXIT, STEP_SEPARATOR
from segmentation.tables.items import ITEM_COUNTS, TRANSITION

if TYPE_CHECKING:
    from segmentation.features.params import FeatureParams

REACHED = f"split_part(item, {literal(STEP_SEPARATOR)}, 2)"
"""The state that a transition leads to: every event is reached by one."""


def features(params: FeatureParams) -> tuple[Feature, ...]:
    """Return the family's features; none where no state says that something was discounted."""
    return tuple(_share(w, params.discounted_states) for w in windows_of(params)) if params.discounted_states else ()


def _share(w: Window, states: tuple[str, ...]) -> Feature:
    discounted = items_total(TRANSITION, w, is_one_of(REACHED, states))
    return Feature(
        f"discounted_events_share_{w}",
        "share",
        f"share of the events of sessions begun {w.text} whose state says that there was a discount "
        f"(features.discounted_states: {', '.join(states)})",
        ratio(discounted, items_total(TRANSITION, w, f"{REACHED} != '{EXIT}'")),
        w,
        "no session began in the window",
        source=ITEM_COUNTS,
    )
