"""Features of a user at a cut: one file per family, listed here; each feature documents itself."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from segmentation.errors import ConfigurationError
from segmentation.features import (
    discounts,
    diversity,
    durations,
    engagement,
    lifecycle,
    mix,
    outcomes,
    pace,
    properties,
    regularity,
    returns,
    rfm,
    seasonality,
    sequence,
    spending,
    tempo,
    traits,
    usage,
)
from segmentation.parameters import fingerprint_of
from segmentation.tables import account_features_table, user_features_table

if TYPE_CHECKING:
    from segmentation.features.feature import Feature
    from segmentation.features.params import FeatureParams
    from segmentation.tables import Table

FAMILIES = (
    discounts,
    diversity,
    durations,
    engagement,
    lifecycle,
    mix,
    outcomes,
    pace,
    properties,
    regularity,
    returns,
    rfm,
    seasonality,
    sequence,
    spending,
    tempo,
    traits,
    usage,
)


def catalogue(params: FeatureParams) -> tuple[Feature, ...]:
    """Return all features, family by family, in the order of their columns.

    Raises:
        ConfigurationError: two features would have one name.
    """
    features = tuple(feature for family in FAMILIES for feature in family.features(params))
    twice = sorted(name for name, n in Counter(feature.name for feature in features).items() if n > 1)
    if twice:
        raise ConfigurationError(
            f"features.used_features and numeric_properties: rename what is behind {', '.join(twice)}: column taken"
        )
    return features


def user_features_contract(params: FeatureParams) -> Table:
    """Return the contract of `user_features` with the catalogue's columns."""
    return user_features_table(feature.column for feature in catalogue(params))


def account_features_contract(params: FeatureParams) -> Table:
    """Return the contract of `account_features` with the catalogue's columns."""
    return account_features_table(feature.column for feature in catalogue(params))


def feature_set_version(params: FeatureParams, basis: str | None = None) -> str:
    """Fingerprint what the features are: names, types, inputs and expressions, which the parameters shape.

    Args:
        params: the parameters.
        basis: fingerprint of the funnels, states and traits that inputs rest on; None: on none.
    """
    described = [(f.name, f.type.simpleString(), f.source, f.expression) for f in catalogue(params)]
    return fingerprint_of(described if basis is None else [described, basis])
