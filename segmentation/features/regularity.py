"""Features of the regularity of a user's active days.

K.-I. Goh, A.-L. Barabási (2008), Burstiness and memory in complex systems, EPL 81, 48002: B = (s - m) / (s + m) with
mean m and standard deviation s of the intervals between active days.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from segmentation.features.feature import DAYS_AGO, Feature, Window, both, deviation, ratio, windows_of

if TYPE_CHECKING:
    from segmentation.features.params import FeatureParams


def features(params: FeatureParams) -> tuple[Feature, ...]:
    """Return the family's features."""
    return tuple(feature for w in windows_of(params) for feature in (_active_share(w), _burstiness(w)))


def _active_share(w: Window) -> Feature:
    known = f"max({DAYS_AGO})"
    days = known if w.days is None else f"least({known}, {w.days})"
    return Feature(
        f"active_days_share_{w}",
        "share",
        f"share of active days among the days {w.text} since the day of the user's first event, itself included",
        ratio(f"count_if({both(w.holds(), 'events > 0')})", days),
        w,
    )


def _burstiness(w: Window) -> Feature:
    interval = f"if({w.holds('previous_days_ago')}, previous_days_ago - {DAYS_AGO}, null)"
    count, sum_ = f"count({interval})", f"sum({interval})"
    spread, mean = deviation(count, sum_, f"sum({interval} * {interval})"), ratio(sum_, count)
    return Feature(
        f"active_interval_burstiness_index_{w}",
        "index",
        f"burstiness of the intervals between consecutive active days, both {w.text}, from their standard deviation "
        "and mean: -1 = a clock, 0 = at random, towards 1 = in bursts",
        ratio(f"({spread} - {mean})", f"({spread} + {mean})"),
        w,
        "fewer than three active days in the window",
    )
