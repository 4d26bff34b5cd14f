"""Features of the platforms, devices and channels that a user uses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segmentation.features.feature import (
    Feature,
    Window,
    is_one_of,
    items_distinct,
    items_total,
    literal,
    ratio,
    windows_of,
)
from segmentation.features.params import name_column
from segmentation.tables.events import DEVICE_TYPES
from segmentation.tables.items import CHANNEL, DEVICE_TYPE, ITEM_COUNTS, PLATFORM
from segmentation.tables.table import COUNT

if TYPE_CHECKING:
    from segmentation.features.params import FeatureParams


def features(params: FeatureParams) -> tuple[Feature, ...]:
    """Return the family's features."""
    windows = windows_of(params)
    return tuple(feature for w in windows for feature in (*_shares(w, params), *_devices(w), _channels(w)))


def _shares(w: Window, params: FeatureParams) -> tuple[Feature, ...]:
    other = _share("other", "on any platform not listed", f"NOT {is_one_of('item', params.platforms)}", w)
    return (*(_share_of(platform, w) for platform in params.platforms), other)


def _share_of(platform: str, w: Window) -> Feature:
    return _share(name_column(platform), f"on platform '{platform}'", f"item = {literal(platform)}", w)


def _share(name: str, where: str, condition: str, w: Window) -> Feature:
    return Feature(
        f"platform_{name}_share_{w}",
        "share",
        f"share of the events {w.text} that happened {where}; the shares of all platforms add up to 1",
        ratio(items_total(PLATFORM, w, condition), items_total(PLATFORM, w)),
        w,
        "no event in the window",
        source=ITEM_COUNTS,
    )


def _devices(w: Window) -> tuple[Feature, ...]:
    return tuple(
        Feature(
            f"device_{kind}_share_{w}",
            "share",
            f"share of the events {w.text} that happened on a device of type '{kind}', of those that tell it; the "
            "shares of all types add up to 1",
            ratio(items_total(DEVICE_TYPE, w, f"item = {literal(kind)}"), items_total(DEVICE_TYPE, w)),
            w,
            "no event in the window tells its device type",
            source=ITEM_COUNTS,
        )
        for kind in DEVICE_TYPES
    )


def _channels(w: Window) -> Feature:
    return Feature(
        f"channels_distinct_count_{w}",
        "channels",
        f"distinct channels {w.text}; events that tell none are left out",
        items_distinct(CHANNEL, w),
        w,
        source=ITEM_COUNTS,
        type=COUNT,
    )
