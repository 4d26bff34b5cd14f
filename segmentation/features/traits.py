"""Features of a user's traits, such as the plan: those that `features.traits` names.

The value is that of the trait at the cut, as known then (docs/profiles.md).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from segmentation.features.feature import Feature, literal
from segmentation.features.inputs import TRAITS
from segmentation.features.params import name_column

if TYPE_CHECKING:
    from segmentation.features.params import FeatureParams

AS_NUMBER = "CASE value WHEN 'true' THEN 1 WHEN 'false' THEN 0 ELSE try_cast(value AS double) END"


def features(params: FeatureParams) -> tuple[Feature, ...]:
    """Return the family's features."""
    return tuple(
        feature
        for trait, values in sorted(params.traits.items())
        for feature in (map(_is_value, [trait] * len(values), values) if values else (_number(trait),))
    )


def _is_value(trait: str, value: str) -> Feature:
    name = f"trait_{trait}_{name_column(value)}"
    what = f"whether the trait '{trait}' is '{value}': 1 or 0"
    return _feature(trait, name, "yes or no", what, f"if(value = {literal(value)}, 1, 0)")


def _number(trait: str) -> Feature:
    what = f"value of the trait '{trait}'; true is 1, false 0"
    return _feature(trait, f"trait_{trait}", "as the source tells it", what, AS_NUMBER)


def _feature(trait: str, name: str, unit: str, what: str, value: str) -> Feature:
    of_trait = f"max(if(trait = {literal(trait)}, {value}, null))"
    return Feature(name, unit, what, of_trait, null_means="the trait has no value", source=TRAITS)
