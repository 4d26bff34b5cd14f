"""Features of the amount, size and frequency of purchases."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segmentation.features.feature import DAYS_AGO, Feature, Window, both, ratio, sum_windows_of, total
from segmentation.tables.table import COUNT, MONEY_SUM

if TYPE_CHECKING:
    from segmentation.features.params import FeatureParams

PURCHASED = "purchases > 0"
VALUED = "purchases > purchases_without_value"
"""Of a day: some of its purchases has a known value."""
PURCHASED_AGO = f"if({PURCHASED}, {DAYS_AGO}, null)"
NO_PURCHASE = "no purchase of a known value in the window"


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
    value, valued = total("purchase_value", w), total("purchases - purchases_without_value", w)
    return (
        Feature(
            f"purchase_value_sum_{w}",
            "reporting currency",
            f"gross revenue {w.text}: value of the purchases; unknown values and those without exchange rate left out",
            value,
            w,
            type=MONEY_SUM,
        ),
        Feature(
            f"purchase_value_mean_{w}",
            "reporting currency",
            f"value per purchase of a known value {w.text}",
            ratio(value, valued),
            w,
            NO_PURCHASE,
        ),
        Feature(
            f"purchase_day_value_max_{w}",
            "reporting currency",
            f"value of the purchases of the day on which it was largest, {w.text}",
            f"max(if({both(w.holds(), VALUED)}, purchase_value, null))",
            w,
            NO_PURCHASE,
            type=MONEY_SUM,
        ),
        Feature(
            f"purchases_without_value_count_{w}",
            "purchases",
            f"purchases {w.text} whose value is unknown or has no exchange rate: they are in no sum and no mean",
            total("purchases_without_value", w),
            w,
            type=COUNT,
        ),
    )
