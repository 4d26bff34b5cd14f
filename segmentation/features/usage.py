"""Features of the use of product features."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segmentation.features.feature import (
    ALWAYS,
    Feature,
    Window,
    is_one_of,
    items_distinct,
    items_total,
    literal,
    windows_of,
)
from segmentation.features.params import name_column
from segmentation.tables.items import EVENT_NAME, ITEM_COUNTS
from segmentation.tables.table import COUNT

if TYPE_CHECKING:
    from segmentation.features.params import FeatureParams


def features(params: FeatureParams) -> tuple[Feature, ...]:
    """Return the family's features."""
    return tuple(
        feature
        for window in windows_of(params)
        for feature in (*_breadth(window, params), *(_uses(name, window) for name in params.used_features))
    )


def _breadth(w: Window, params: FeatureParams) -> tuple[Feature, ...]:
    used = is_one_of("item", params.used_features) if params.used_features else ALWAYS
    return (
        Feature(
            f"event_names_distinct_count_{w}",
            "event names",
            f"distinct event names {w.text}",
            items_distinct(EVENT_NAME, w),
            w,
            source=ITEM_COUNTS,
            type=COUNT,
        ),
        Feature(
            f"used_features_distinct_count_{w}",
            "product features",
            f"distinct product features used {w.text} (all event names where `used_features` is empty)",
            items_distinct(EVENT_NAME, w, used),
            w,
            source=ITEM_COUNTS,
            type=COUNT,
        ),
    )


def _uses(name: str, w: Window) -> Feature:
    return Feature(
        f"used_{name_column(name)}_count_{w}",
        "events",
        f"events '{name}' {w.text}",
        items_total(EVENT_NAME, w, f"item = {literal(name)}"),
        w,
        source=ITEM_COUNTS,
        type=COUNT,
    )
