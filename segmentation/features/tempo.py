"""The rhythm of a user's activity: pauses within sessions and between days, week-ends, hours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segmentation.features.feature import (
    DAYS_AGO,
    Feature,
    Window,
    deviation,
    exact,
    items_total,
    ratio,
    total,
    windows_of,
)
from segmentation.tables.items import HOUR, ITEM_COUNTS

if TYPE_CHECKING:
    from segmentation.features.params import FeatureParams

WEEKEND = "dayofweek(event_date) IN (1, 7)"
"""Sunday and Saturday."""
NO_EVENT = "no event in the window"


def features(params: FeatureParams) -> tuple[Feature, ...]:
    """Return the family's features."""
    return (*_gaps(), *(feature for w in windows_of(params) for feature in (*_intervals(w), *_calendar(w), *_trend(w))))


def _gaps() -> tuple[Feature, ...]:
    """Gaps are of life only: a window may begin within a session, whose gaps it cannot count."""
    life = Window()
    gaps = f"({total('events', life)} - {total('sessions', life)})"
    return (
        Feature(
            "gap_mean_s_life",
            "seconds",
            "mean time between consecutive events of one session, each in whole seconds",
            ratio(total("gap_s_sum", life), gaps),
            life,
            "no session with two events",
        ),
        Feature(
            "gap_std_s_life",
            "seconds",
            "sample standard deviation of that time",
            deviation(gaps, total("gap_s_sum", life), total("gap_s2_sum", life)),
            life,
            "fewer than two such gaps",
        ),
    )


def _intervals(w: Window) -> tuple[Feature, ...]:
    """Days since the user's active day before, where that one is in the window too."""
    interval = f"if({w.holds('previous_days_ago')}, previous_days_ago - {DAYS_AGO}, null)"
    count, sum_, squares = f"count({interval})", f"sum({interval})", f"sum({interval} * {interval})"
    return (
        Feature(
            f"active_interval_mean_days_{w}",
            "days",
            f"mean time between consecutive active days, both {w.text}",
            ratio(sum_, count),
            w,
            "fewer than two active days in the window",
        ),
        Feature(
            f"active_interval_std_days_{w}",
            "days",
            "sample standard deviation of that time",
            deviation(count, sum_, squares),
            w,
            "fewer than three active days in the window",
        ),
    )


def _calendar(w: Window) -> tuple[Feature, ...]:
    count, whole = exact(f"n_{w}"), exact(items_total(HOUR, w))
    squares = f"sum(if(dimension = '{HOUR}', {count} * {count}, 0))"
    return (
        Feature(
            f"weekend_events_share_{w}",
            "share",
            f"share of the events {w.text} that fell on a Saturday or Sunday of the reporting zone",
            ratio(total("events", w, WEEKEND), total("events", w)),
            w,
            NO_EVENT,
        ),
        Feature(
            f"hour_concentration_index_{w}",
            "index",
            f"Herfindahl index of the events {w.text} over the hours of the day (sum of squared shares): "
            "1 = always the same hour, 1/24 = evenly spread",
            ratio(squares, f"{whole} * {whole}"),
            w,
            NO_EVENT,
            source=ITEM_COUNTS,
        ),
    )


def _trend(w: Window) -> tuple[Feature, ...]:
    """Two spans of equally many days, so that a steady user is at 0; a window of one day has none."""
    if w.days is None or w.days < 2:  # noqa: PLR2004  no two halves
        return ()
    half, both_halves = Window(w.days // 2), Window(w.days // 2 * 2)
    recent, whole = total("events", half), total("events", both_halves)
    return (
        Feature(
            f"events_trend_index_{w}",
            "index",
            f"of the events {w.text}, those of the later half of its days less those of the earlier half, by their sum "
            "(of an odd number of days the oldest is left out): 1 = all lately, 0 = steady, -1 = none lately",
            ratio(f"2 * {recent} - {whole}", whole),
            w,
            "no event in these days",
        ),
    )
