"""Features of the platforms and channels that a user uses."""

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
from segmentation.tables.items import CHANNEL, ITEM_COUNTS, PLATFORM
from segmentation.tables.table import COUNT

if TYPE_CHECKING:
    from segmentation.features.params import FeatureParams


def features(params: FeatureParams) -> tuple[Feature, ...]:
    """Return the family's features."""
    return tuple(feature for w in windows_of(params) for feature in (*_shares(w, params), _channels(w)))


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
