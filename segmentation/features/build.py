"""Builds the features of all users at some cuts: one aggregation per input, then one join."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, NamedTuple

from pyspark.sql import functions as F

from segmentation.features import catalogue, feature_set_version, user_features_contract
from segmentation.features.inputs import (
    AS_OF,
    ATTEMPTS,
    LOOPS,
    PROPERTY_DAYS,
    TRAITS,
    USER_AT_CUT,
    view_attempts,
    view_days,
    view_items,
    view_loops,
    view_properties,
    view_sessions,
    view_traits,
)
from segmentation.frames import conform
from segmentation.tables import SESSIONS, USER_DAYS
from segmentation.tables.items import ITEM_COUNTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    from pyspark.sql import DataFrame

    from segmentation.features.feature import Feature
    from segmentation.features.inputs import Cuts
    from segmentation.features.params import FeatureParams


OPTIONAL = {ATTEMPTS: view_attempts, LOOPS: view_loops, PROPERTY_DAYS: view_properties, TRAITS: view_traits}
"""Field of FeatureInputs that only some parameters need, and the source of features of this name -> what makes it."""


class FeatureInputs(NamedTuple):
    """The tables that features are made of, as known at a cut."""

    user_days: DataFrame
    item_counts: DataFrame
    sessions: DataFrame
    attempts: DataFrame | None = None
    """Attempts at funnels; None if `features.funnels` is empty."""
    loops: DataFrame | None = None
    """Loops in sessions; None if `features.loops` is off."""
    property_days: DataFrame | None = None
    """Numeric properties of users' days; None if `features.numeric_properties` is empty."""
    traits: DataFrame | None = None
    """Values of traits; None if `features.traits` is empty."""


def build_user_features(
    inputs: Mapping[Cuts, FeatureInputs], *, params: FeatureParams, basis: str | None = None
) -> DataFrame:
    """Compute every feature of the catalogue at every given cut, all in one pass.

    Grain: a user's day, day x item, session, by cut (`as_of`, exclusive) -> a cut's user with at least one day before
    it. Windows of n days are [as_of - n days, as_of) in days of the reporting zone. A feature is null where it is
    undefined, as the catalogue says; counts and sums over nothing are 0. No result depends on the order of rows.

    Args:
        inputs: cut -> rows of the tables as known at it; or several cuts -> those of each, named in `as_of`.
        params: windows, product features and platforms.
        basis: fingerprint of the funnels, states and traits that inputs rest on; part of the version.

    Returns:
        Rows of `user_features` (see :func:`segmentation.features.user_features_contract`).
    """
    features = catalogue(params)
    views = {
        USER_DAYS.name: view_days({cut: of.user_days for cut, of in inputs.items()}),
        ITEM_COUNTS: view_items({cut: of.item_counts for cut, of in inputs.items()}, params=params),
        SESSIONS.name: view_sessions({cut: of.sessions for cut, of in inputs.items()}),
    }
    asked = {feature.source for feature in features}
    for name, view in OPTIONAL.items():
        if name in asked:
            given = {cut: getattr(of, name) for cut, of in inputs.items()}
            views[name] = view({cut: table for cut, table in given.items() if table is not None})
    parts = [_aggregate(view, (f for f in features if f.source == name)) for name, view in views.items()]
    joined = reduce(lambda left, right: left.join(right, list(USER_AT_CUT), "left"), parts)
    filled = joined.selectExpr(
        *USER_AT_CUT,
        f"'{feature_set_version(params, basis)}' AS feature_set_version",
        *(_filled(feature) for feature in features),
    )
    return conform(filled, user_features_contract(params))


def item_counts_at(inputs: Mapping[Cuts, FeatureInputs], as_of: date) -> DataFrame:
    """Return the item counts as known at a cut, which is a key of its own or one of several in a key."""
    if as_of in inputs:
        return inputs[as_of].item_counts
    of_several = next(of for cuts, of in inputs.items() if isinstance(cuts, tuple) and as_of in cuts)
    return of_several.item_counts.where(F.col(AS_OF) == F.lit(as_of))


def _aggregate(view: DataFrame, features: Iterable[Feature]) -> DataFrame:
    return view.groupBy(*USER_AT_CUT).agg(*(F.expr(f"{_typed(f.expression, f)} AS {f.name}") for f in features))


def _filled(feature: Feature) -> str:
    """Select a feature; one that never is null is 0 for a user without a row in its input."""
    value = feature.name if feature.null_means else _typed(f"coalesce({feature.name}, 0)", feature)
    return f"{value} AS {feature.name}"


def _typed(expression: str, feature: Feature) -> str:
    return f"cast({expression} AS {feature.type.simpleString()})"
