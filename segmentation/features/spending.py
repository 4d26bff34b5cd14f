"""Features of the amount, size and frequency of purchases."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segmentation.features.feature import DAYS_AGO, Feature, Window, both, ratio, sum_windows_of, total
from segmentation.tables.table import COUNT, MONEY_SUM

if TYPE_CHECKING:
    from segmentation.features.params import FeatureParams

PURCHASED = "purchases > 0"
PURCHASED_AGO = f"if({PURCHASED}, {DAYS_AGO}, null)"
NO_PURCHASE = "no purchase in the window"


def features(params: FeatureParams) -> tuple[Feature, ...]:
    """Return the family's features."""
    return (*_rhythm(), *(feature for window in sum_windows_of(params) for feature in _amounts(window)))


def _rhythm() -> tuple[Feature, ...]:
    between = ratio(f"max({PURCHASED_AGO}) - min({PURCHASED_AGO})", f"count_if({PURCHASED}) - 1")
    return (
        Feature(
            "days_since_last_purchase",
            "days",
            "from the last day with a purchase to the cut: 1 is the last day before it",
            f"min({PURCHASED_AGO})",
            null_means="never purchased",
            type=COUNT,
        ),
        Feature(
            "purchase_interval_mean_days_life",
            "days",
            "mean time between consecutive days with a purchase",
            between,
            Window(),
            "fewer than two days with a purchase",
        ),
    )


def _amounts(w: Window) -> tuple[Feature, ...]:
    value, purchases = total("purchase_value", w), total("purchases", w)
    return (
        Feature(
            f"purchase_value_sum_{w}",
            "reporting currency",
            f"value of the purchases {w.text}; those without exchange rate left out",
            value,
            w,
            type=MONEY_SUM,
        ),
        Feature(
            f"purchase_value_mean_{w}",
            "reporting currency",
            f"value per purchase {w.text}",
            ratio(value, purchases),
            w,
            NO_PURCHASE,
        ),
        Feature(
            f"purchase_day_value_max_{w}",
            "reporting currency",
            f"value of the purchases of the day on which it was largest, {w.text}",
            f"max(if({both(w.holds(), PURCHASED)}, purchase_value, null))",
            w,
            NO_PURCHASE,
            type=MONEY_SUM,
        ),
    )
