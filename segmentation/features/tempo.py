"""The rhythm of a user's activity: pauses within sessions and between days, week-ends, hours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from segmentation.features.feature import (
    DAYS_AGO,
    Feature,
    Window,
    deviation,
    items_total,
    ratio,
    total,
    windows_of,
)
from segmentation.tables.user_day_counts import HOUR, USER_DAY_COUNTS

if TYPE_CHECKING:
    from pyspark.sql import Column

    from segmentation.features.params import FeatureParams

SATURDAY, SUNDAY = 7, 1
NO_EVENT = "no event in the window"


def features(params: FeatureParams) -> tuple[Feature, ...]:
    """Return the family's features."""
    return (*_gaps(), *(feature for w in windows_of(params) for feature in (*_intervals(w), *_calendar(w))))


def _gaps() -> tuple[Feature, ...]:
    """Gaps are of life only: a window may begin within a session, whose gaps it cannot count."""
    life = Window()
    return (
        Feature(
            "gap_mean_s_life",
            "seconds",
            "mean time between consecutive events of one session, each in whole seconds",
            lambda: ratio(total("gap_s_sum", life), _gap_count()),
            life,
            "no session with two events",
        ),
        Feature(
            "gap_std_s_life",
            "seconds",
            "sample standard deviation of that time",
            lambda: deviation(_gap_count(), total("gap_s_sum", life), total("gap_s2_sum", life)),
            life,
            "fewer than two such gaps",
        ),
    )


def _intervals(w: Window) -> tuple[Feature, ...]:
    return (
        Feature(
            f"active_interval_mean_days_{w}",
            "days",
            f"mean time between consecutive active days, both {w.text}",
            lambda: ratio(F.sum(_interval(w)), F.count(_interval(w))),
            w,
            "fewer than two active days in the window",
        ),
        Feature(
            f"active_interval_std_days_{w}",
            "days",
            "sample standard deviation of that time",
            lambda: deviation(F.count(_interval(w)), F.sum(_interval(w)), F.sum(_interval(w) * _interval(w))),
            w,
            "fewer than three active days in the window",
        ),
    )


def _calendar(w: Window) -> tuple[Feature, ...]:
    return (
        Feature(
            f"weekend_events_share_{w}",
            "share",
            f"share of the events {w.text} that fell on a Saturday or Sunday of the reporting zone",
            lambda: ratio(
                F.sum(F.when(w.holds() & _is_weekend(), F.col("events")).otherwise(0)), total("events", w)
            ),
            w,
            NO_EVENT,
        ),
        Feature(
            f"hour_concentration_index_{w}",
            "index",
            f"Herfindahl index of the events {w.text} over the hours of the day (sum of squared shares): "
            "1 = always the same hour, 1/24 = evenly spread",
            lambda: ratio(F.sum(_hour_square(w)), _square(items_total(HOUR, w))),
            w,
            NO_EVENT,
            source=USER_DAY_COUNTS.name,
        ),
    )


def _gap_count() -> Column:
    return total("events", Window()) - total("sessions", Window())


def _interval(w: Window) -> Column:
    """Days since the user's active day before, where that one is in the window too."""
    return F.when(w.holds("previous_days_ago"), F.col("previous_days_ago") - F.col(DAYS_AGO))


def _is_weekend() -> Column:
    return F.dayofweek("event_date").isin(SATURDAY, SUNDAY)


def _hour_square(w: Window) -> Column:
    return F.when(F.col("dimension") == HOUR, _square(F.col(f"n_{w}"))).otherwise(0)


def _square(count: Column) -> Column:
    exact = count.cast("decimal(19,0)")
    return exact * exact
