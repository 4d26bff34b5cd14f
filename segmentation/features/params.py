"""Parameters of features."""

from __future__ import annotations

import re
from collections import Counter
from typing import Literal

from pydantic import Field, field_validator

from segmentation.parameters import Parameters


class FeatureParams(Parameters):
    """Windows, product features and platforms for which features are computed."""

    windows_days: tuple[int, ...] = Field(default=(7, 30, 90), min_length=1)
    """Windows of n days before the cut, [as_of - n days, as_of); `life` is always computed beside them."""
    sum_windows_days: tuple[int, ...] = (1, 365)
    """Further windows, for the counts and sums of the families `engagement` and `spending` alone."""
    used_features: tuple[str, ...] = ()
    """Event names that count as product features; each gets counts of its own. Empty: all event names."""
    platforms: tuple[str, ...] = ("web", "ios", "android", "desktop", "mobile", "tablet", "pos", "phone")
    """Platforms that get a share of their own; all others, unknown ones too, are in the share `other`."""

    return_events: tuple[str, ...] = ()
    """Event names that count as returns, say of goods that are sent back; empty: the refunds that the mappings name."""
    discounted_states: tuple[str, ...] = ("on promotion", "with coupon")
    """States that say that there was a discount (`state` of a mapping); empty: no feature of discounts."""

    numeric_properties: tuple[str, ...] = ()
    """Properties of events with numbers (`type` in a mapping), each with features of count, sum, mean and last value; a
    pass over all events per cut."""
    funnels: tuple[str, ...] = ()
    """Funnels of conf/funnels, each with a feature of the furthest step; a sort of all events per funnel and cut."""
    loops: bool = False
    """Whether there is a feature of steps that go back (a, b, a); a sort of all events per cut."""

    traits: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Traits of conf/profiles.yaml that are features: of a text the values that get a feature of 1 or 0 each; of a
    number, and of true or false, an empty list."""

    @property
    def needs_steps(self) -> bool:
        """Return whether any feature depends on the order of events."""
        return bool(self.funnels) or self.loops

    @field_validator("windows_days", "sum_windows_days")
    @classmethod
    def _ascending(cls, days: tuple[int, ...]) -> tuple[int, ...]:
        if min(days, default=1) < 1:
            raise ValueError("a window has at least 1 day")
        return tuple(sorted(set(days)))

    @field_validator("used_features", "platforms", "funnels", "numeric_properties")
    @classmethod
    def _distinct_names(cls, items: tuple[str, ...]) -> tuple[str, ...]:
        twice = sorted(name for name, n in Counter(map(name_column, items)).items() if n > 1 or not name)
        if twice:
            raise ValueError(
                f"these would share a column name: {', '.join(i for i in items if name_column(i) in twice)}"
            )
        return items

    @field_validator("traits")
    @classmethod
    def _distinct_values(cls, traits: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        for trait, values in traits.items():
            names = Counter(map(name_column, values))
            twice = [value for value in values if names[name_column(value)] > 1 or not name_column(value)]
            if twice:
                raise ValueError(f"{trait}: these would share a column name: {', '.join(twice)}")
        return traits

    @field_validator("platforms")
    @classmethod
    def _other_is_reserved(cls, platforms: tuple[str, ...]) -> tuple[str, ...]:
        if "other" in map(name_column, platforms):
            raise ValueError("'other' is the share of all platforms that are not listed: leave it out")
        return platforms


class BotParams(Parameters):
    """Treatment of users who act faster than people can, whatever their user agent is."""

    hourly_events_max: int = Field(default=3600, ge=1)
    """More events than this within one hour of a day, once ever, is no person's pace."""
    policy: Literal["flag", "exclude"] = "flag"
    """`flag`: `build_features` counts them; `exclude`: they get no features, and with that no segments,
    scores or part in models."""


def name_column(text: str) -> str:
    """Return a text as part of a column name: lower case letters, digits and single underscores."""
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")
