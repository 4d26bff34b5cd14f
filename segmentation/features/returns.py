"""Features of returns, cancellations and refunds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segmentation.features.feature import Feature, Window, is_one_of, items_total, ratio, total, windows_of
from segmentation.tables.items import EVENT_NAME, ITEM_COUNTS
from segmentation.tables.table import COUNT, MONEY_SUM

if TYPE_CHECKING:
    from segmentation.features.params import FeatureParams

REFUNDED = "purchase_value - value"
"""Of a day: the value of its refunds, since its value is that of its purchases less its refunds."""


def features(params: FeatureParams) -> tuple[Feature, ...]:
    """Return the family's features."""
    return tuple(feature for w in windows_of(params) for feature in (_count(w, params), *_values(w)))


def _count(w: Window, params: FeatureParams) -> Feature:
    if not params.return_events:
        return Feature(
            f"returns_count_{w}", "events", f"refunds {w.text}, each once", total("refunds", w), w, type=COUNT
        )
    return Feature(
        f"returns_count_{w}",
        "events",
        f"events {w.text} that are returns (features.return_events: {', '.join(params.return_events)})",
        items_total(EVENT_NAME, w, is_one_of("item", params.return_events)),
        w,
        source=ITEM_COUNTS,
        type=COUNT,
    )


def _values(w: Window) -> tuple[Feature, ...]:
    refunded = total(REFUNDED, w)
    return (
        Feature(
            f"returned_value_sum_{w}",
            "reporting currency",
            f"value of the refunds {w.text}; unknown amounts left out",
            refunded,
            w,
            type=MONEY_SUM,
        ),
        Feature(
            f"returned_value_share_{w}",
            "share",
            f"value of the refunds {w.text}, by the value of the purchases then; above 1 if older ones were refunded",
            ratio(refunded, total("purchase_value", w)),
            w,
            "no purchase of a value in the window",
        ),
    )
