"""Features of numeric properties of events, such as pages viewed or minutes played; computed only if configured.

`features.numeric_properties` names the properties, as the mappings do. An event counts if its property holds a number.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from segmentation.features.feature import Feature, Window, both, literal, ratio, total, windows_of
from segmentation.features.inputs import PROPERTY_DAYS
from segmentation.features.params import name_column
from segmentation.tables.table import COUNT, MONEY, MONEY_SUM

if TYPE_CHECKING:
    from segmentation.features.params import FeatureParams

NO_VALUE = "no event in the window has a value"


def features(params: FeatureParams) -> tuple[Feature, ...]:
    """Return the family's features; none where no property is configured."""
    return tuple(
        feature for name in params.numeric_properties for w in windows_of(params) for feature in _of_property(name, w)
    )


def _of_property(name: str, w: Window) -> tuple[Feature, ...]:
    column, told = name_column(name), f"property '{name}'"
    is_it = f"property = {literal(name)}"
    inside = both(w.holds(), is_it)
    values, count = total("value_sum", w, is_it), total("n", w, is_it)
    return (
        Feature(
            f"property_{column}_count_{w}", "events", f"events {w.text} with a value of {told}", count, w,
            source=PROPERTY_DAYS, type=COUNT,
        ),
        Feature(
            f"property_{column}_sum_{w}", "unit of the property", f"exact sum of {told} over the events {w.text}",
            values, w, source=PROPERTY_DAYS, type=MONEY_SUM,
        ),
        Feature(
            f"property_{column}_mean_{w}", "unit of the property",
            f"mean of {told} over the events {w.text} with a value",
            ratio(values, count), w, NO_VALUE, PROPERTY_DAYS,
        ),
        Feature(
            f"property_{column}_last_{w}", "unit of the property",
            f"value of {told} of the last event {w.text} with one, by the order of events",
            f"max_by(if({inside}, value_last, NULL), if({inside}, event_date, NULL))",
            w, NO_VALUE, PROPERTY_DAYS, MONEY,
        ),
    )  # fmt: skip
