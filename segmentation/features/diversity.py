"""Features of the variety of a user's actions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segmentation.features.feature import Feature, Window, items_total, ratio, windows_of
from segmentation.tables.items import EVENT_NAME, ITEM_COUNTS, TRANSITION

if TYPE_CHECKING:
    from segmentation.features.params import FeatureParams

DETAIL = {
    EVENT_NAME: "event names",
    TRANSITION: "transitions between states within sessions, START and EXIT included, platforms together",
}


def features(params: FeatureParams) -> tuple[Feature, ...]:
    """Return the family's features."""
    return tuple(_entropy_of(dimension, w) for w in windows_of(params) for dimension in DETAIL)


def _entropy_of(dimension: str, w: Window) -> Feature:
    return Feature(
        f"{dimension}_entropy_bits_{w}",
        "bits",
        f"Shannon entropy of the {DETAIL[dimension]}, {w.text}: 0 = always the same",
        entropy(dimension, w),
        w,
        "none in the window",
        source=ITEM_COUNTS,
    )


def entropy(dimension: str, w: Window) -> str:
    """Return the Shannon entropy of a dimension's items: log2 N - (1/N) sum(n log2 n) (Shannon, 1948).

    The terms are summed as decimals of 12 places, so that the result depends on no order and a single item
    gives an exact 0; the error is below 1e-12 bits.
    """
    whole = items_total(dimension, w)
    parts = f"sum(if(dimension = '{dimension}', {_n_log_n(f'n_{w}')}, null))"
    return ratio(f"{_n_log_n(whole)} - {parts}", whole)


def _n_log_n(n: str) -> str:
    """Return n log2 n, null for 0."""
    return f"cast({n} * log2({n}) AS decimal(28,12))"
