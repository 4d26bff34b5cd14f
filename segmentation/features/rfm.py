"""Recency, frequency and monetary value as the `lifetimes` package defines them, in days.

Fader, Hardie, Lee (2005), "Counting Your Customers" the Easy Way;
lifetimes.utils.summary_data_from_transaction_data: purchases of one day are one, the first one is no repeat,
and time is measured to the last observed day, which is the day before the (exclusive) cut. So `rfm_age_days`
is one less than the days from the first purchase to the cut.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from segmentation.features.feature import DAYS_AGO, Feature, ratio
from segmentation.tables.table import COUNT

if TYPE_CHECKING:
    from pyspark.sql import Column

    from segmentation.features.params import FeatureParams

NEVER = "never purchased"


def features(params: FeatureParams) -> tuple[Feature, ...]:  # noqa: ARG001  every family has this signature
    """Return the family's features."""
    return (
        Feature(
            "rfm_frequency_count",
            "days",
            "days with a purchase after the first such day",
            lambda: F.greatest(_purchase_days() - 1, F.lit(0)),
            type=COUNT,
        ),
        Feature(
            "rfm_recency_days",
            "days",
            "from the first to the last day with a purchase",
            lambda: F.max(_on_purchase_days(DAYS_AGO)) - F.min(_on_purchase_days(DAYS_AGO)),
            null_means=NEVER,
            type=COUNT,
        ),
        Feature(
            "rfm_age_days",
            "days",
            "from the first day with a purchase to the last day before the cut (T of the literature)",
            lambda: F.max(_on_purchase_days(DAYS_AGO)) - 1,
            null_means=NEVER,
            type=COUNT,
        ),
        Feature(
            "rfm_monetary_value",
            "reporting currency",
            "mean purchase value of the days with a purchase after the first such day",
            lambda: ratio(_repeat_value(), _purchase_days() - 1),
            null_means="no repeat purchase",
        ),
    )


def _on_purchase_days(column: str) -> Column:
    return F.when(F.col("purchases") > 0, F.col(column))


def _purchase_days() -> Column:
    return F.count_if(F.col("purchases") > 0)


def _repeat_value() -> Column:
    """Sum the value of all purchase days less that of the first one, exactly."""
    value = _on_purchase_days("purchase_value")
    return F.sum(value) - F.max_by(value, _on_purchase_days(DAYS_AGO))
