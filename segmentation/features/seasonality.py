"""Features of the hours and weekdays on which a user is active."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segmentation.features.feature import Feature, Window, exact, is_one_of, items_total, ratio, total, windows_of
from segmentation.tables.items import HOUR, ITEM_COUNTS

if TYPE_CHECKING:
    from segmentation.features.params import FeatureParams

DAY_PARTS = {"night": range(6), "morning": range(6, 12), "afternoon": range(12, 18), "evening": range(18, 24)}
"""Hours of the day, in the reporting zone."""
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
NO_EVENT = "no event in the window"


def features(params: FeatureParams) -> tuple[Feature, ...]:
    """Return the family's features; those of single weekdays are of life only, as short windows hold few of each."""
    of_windows = (feature for w in windows_of(params) for feature in (*_day_parts(w), _concentration(w)))
    return (*of_windows, *(_weekday(number, name) for number, name in enumerate(WEEKDAYS)))


def _day_parts(w: Window) -> tuple[Feature, ...]:
    return tuple(
        Feature(
            f"{part}_events_share_{w}",
            "share",
            f"share of the events {w.text} that fell into the hours from {hours[0]:02d}:00 to {hours[-1]:02d}:59 of "
            "the reporting zone",
            ratio(
                items_total(HOUR, w, is_one_of("item", tuple(f"{hour:02d}" for hour in hours))), items_total(HOUR, w)
            ),
            w,
            NO_EVENT,
            source=ITEM_COUNTS,
        )
        for part, hours in DAY_PARTS.items()
    )


def _concentration(w: Window) -> Feature:
    sums = [exact(total("events", w, _is(number))) for number in range(7)]
    squares, whole = " + ".join(f"{one} * {one}" for one in sums), exact(total("events", w))
    return Feature(
        f"weekday_concentration_index_{w}",
        "index",
        f"Herfindahl index of the events {w.text} over the days of the week (sum of squared shares): 1 = always the "
        "same, 1/7 = evenly spread",
        ratio(f"({squares})", f"({whole} * {whole})"),
        w,
        NO_EVENT,
    )


def _weekday(number: int, name: str) -> Feature:
    life = Window()
    return Feature(
        f"{name}_events_share_{life}",
        "share",
        f"share of the events that fell on a {name.capitalize()} of the reporting zone",
        ratio(total("events", life, _is(number)), total("events", life)),
        life,
        "no event",
    )


def _is(number: int) -> str:
    """Tell whether a row's day is a weekday: 0 is Monday."""
    return f"weekday(event_date) = {number}"
