"""Features of recent and total activity."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segmentation.features.feature import DAYS_AGO, Feature, Window, both, ratio, sum_windows_of, total
from segmentation.tables.table import COUNT, MONEY_SUM

if TYPE_CHECKING:
    from segmentation.features.params import FeatureParams


def features(params: FeatureParams) -> tuple[Feature, ...]:
    """Return the family's features."""
    return (*_recency(), *(feature for window in sum_windows_of(params) for feature in _amounts(window)))


def _recency() -> tuple[Feature, ...]:
    return (
        Feature(
            "days_since_last_event",
            "days",
            "from the day of the last event to the cut: 1 is the last day before it, n the first of n days",
            f"min({DAYS_AGO})",
            type=COUNT,
        ),
        Feature(
            "days_since_first_event",
            "days",
            "from the day of the first event to the cut, counted alike",
            f"max({DAYS_AGO})",
            type=COUNT,
        ),
    )


def _amounts(w: Window) -> tuple[Feature, ...]:
    return (
        Feature(f"events_count_{w}", "events", f"events {w.text}", total("events", w), w, type=COUNT),
        Feature(
            f"sessions_count_{w}",
            "sessions",
            f"sessions begun {w.text}",
            total("sessions", w),
            w,
            type=COUNT,
        ),
        Feature(
            f"active_days_count_{w}",
            "days",
            f"days with an event {w.text}",
            f"count_if({both(w.holds(), 'events > 0')})",
            w,
            type=COUNT,
        ),
        Feature(
            f"purchases_count_{w}",
            "purchases",
            f"purchases {w.text}, an order once",
            total("purchases", w),
            w,
            type=COUNT,
        ),
        Feature(
            f"value_sum_{w}",
            "reporting currency",
            f"net revenue {w.text}: purchases less refunds; unknown values and those without exchange rate left out",
            total("value", w),
            w,
            type=MONEY_SUM,
        ),
        Feature(
            f"events_per_session_mean_{w}",
            "events",
            f"events per session {w.text}",
            ratio(total("events", w), total("sessions", w)),
            w,
            "no session began in the window",
        ),
    )
