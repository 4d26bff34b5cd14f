"""Recency, frequency and monetary value as the `lifetimes` package defines them, in days.

Fader, Hardie, Lee (2005), "Counting Your Customers" the Easy Way;
lifetimes.utils.summary_data_from_transaction_data: purchases of one day are one, the first one is no repeat,
and time is measured to the last observed day, which is the day before the (exclusive) cut. So `rfm_age_days`
is one less than the days from the first purchase to the cut.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from segmentation.features.feature import Feature, ratio
from segmentation.features.spending import PURCHASED, PURCHASED_AGO, VALUED
from segmentation.tables.table import COUNT

if TYPE_CHECKING:
    from segmentation.features.params import FeatureParams

NEVER = "never purchased"
PURCHASE_DAYS = f"count_if({PURCHASED})"
KNOWN_VALUE = f"if({VALUED}, purchase_value, null)"
FIRST_VALUE = f"max_by({KNOWN_VALUE}, {PURCHASED_AGO})"
"""Value of the first day with a purchase; null: unknown."""
REPEAT_VALUE = f"sum({KNOWN_VALUE}) - coalesce({FIRST_VALUE}, 0)"
"""All purchase days' known value less that of the first, exactly."""
REPEAT_DAYS = f"count_if({VALUED}) - if({FIRST_VALUE} IS NULL, 0, 1)"
"""Purchase days of a known value after the first purchase day."""


def features(params: FeatureParams) -> tuple[Feature, ...]:  # noqa: ARG001  every family has this signature
    """Return the family's features."""
    return (
        Feature(
            "rfm_frequency_count",
            "days",
            "days with a purchase after the first such day",
            f"greatest({PURCHASE_DAYS} - 1, 0)",
            type=COUNT,
        ),
        Feature(
            "rfm_recency_days",
            "days",
            "from the first to the last day with a purchase",
            f"max({PURCHASED_AGO}) - min({PURCHASED_AGO})",
            null_means=NEVER,
            type=COUNT,
        ),
        Feature(
            "rfm_age_days",
            "days",
            "from the first day with a purchase to the last day before the cut (T of the literature)",
            f"max({PURCHASED_AGO}) - 1",
            null_means=NEVER,
            type=COUNT,
        ),
        Feature(
            "rfm_monetary_value",
            "reporting currency",
            "mean purchase value of the days with a purchase after the first such day; days of unknown value left out",
            ratio(REPEAT_VALUE, REPEAT_DAYS),
            null_means="no repeat purchase of a known value",
        ),
    )
