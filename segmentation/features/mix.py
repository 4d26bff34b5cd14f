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
    return tuple(
        feature
        for w in windows_of(params)
        for feature in (*_shares(w, params), *(_device(kind, w) for kind in DEVICE_TYPES), _channels(w))
    )


def _shares(w: Window, params: FeatureParams) -> tuple[Feature, ...]:
    other = _platform("other", "on any platform not listed", f"NOT {is_one_of('item', params.platforms)}", w)
    return (*(_share_of(platform, w) for platform in params.platforms), other)


def _share_of(platform: str, w: Window) -> Feature:
    return _platform(name_column(platform), f"on platform '{platform}'", f"item = {literal(platform)}", w)


def _platform(name: str, where: str, condition: str, w: Window) -> Feature:
    text = f"{where}; the shares of all platforms add up to 1"
    return _share(f"platform_{name}", text, (PLATFORM, condition), w, "no event in the window")


def _device(kind: str, w: Window) -> Feature:
    text = f"on a device of type '{kind}', of those that tell it; the shares of all types add up to 1"
    condition = f"item = {literal(kind)}"
    return _share(f"device_{kind}", text, (DEVICE_TYPE, condition), w, "no event in the window tells its device type")


def _share(name: str, text: str, items: tuple[str, str], w: Window, undefined: str) -> Feature:
    """Return the share of events whose item of a dimension fulfils a condition; `items` is both."""
    dimension, condition = items
    return Feature(
        f"{name}_share_{w}",
        "share",
        f"share of the events {w.text} that happened {text}",
        ratio(items_total(dimension, w, condition), items_total(dimension, w)),
        w,
        undefined,
        source=ITEM_COUNTS,
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
