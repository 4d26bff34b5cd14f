"""Write the properties of events as canonical JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from segmentation.privacy.expressions import pseudonym
from segmentation.privacy.params import PROPERTY
from segmentation.sources.columns import column_of, compile_expression

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pyspark.sql import Column, DataFrame

    from segmentation.sources.mapping import SourceMapping


def property_drafts(raw: DataFrame, mapping: SourceMapping) -> dict[str, Column]:
    """Work the properties out one by one where some of them are to be changed or left out."""
    if not mapping.changes_properties:
        return {}
    named, others = _property_columns(raw, mapping)
    drafts = {"named": F.struct(*(column.alias(name) for name, column in named.items()))} if named else {}
    return drafts if others is None else {**drafts, "others": others}


def stored_properties(mapping: SourceMapping, secret: Sequence[str]) -> Column:
    """Canonical JSON of the properties that may be kept, pseudonyms for those of them that are `secret`."""
    if not mapping.changes_properties:
        return F.col("_properties")
    hidden = [name.removeprefix(PROPERTY) for name in secret if name.startswith(PROPERTY)]
    kept = mapping.keep_properties
    named = {n: F.col("_named").getField(n) for n in sorted(mapping.properties) if kept is None or n in kept}
    named = {n: pseudonym(c.cast("string")) if n in hidden else c for n, c in named.items()}
    if mapping.property_map is None:
        return _properties_json(named, None)
    others = F.col("_others")
    if kept is not None:
        others = F.map_filter(others, lambda name, _: name.isin(*kept))
    if hidden:
        others = F.transform_values(
            others, lambda name, value: F.when(name.isin(*hidden), pseudonym(value)).otherwise(value)
        )
    return _properties_json(named, others)


def all_properties(raw: DataFrame, mapping: SourceMapping) -> Column:
    """Canonical JSON of the mapped properties: keys sorted, nulls left out; named ones win over those of the map."""
    return _properties_json(*_property_columns(raw, mapping))


def _property_columns(raw: DataFrame, mapping: SourceMapping) -> tuple[dict[str, Column], Column | None]:
    """Return the named properties, and the map of all others without them."""
    named = {name: column_of(raw, f"property {name}", spec) for name, spec in sorted(mapping.properties.items())}
    if mapping.property_map is None:
        return named, None
    others = compile_expression(raw, "property_map", mapping.property_map)
    return named, F.map_filter(others, lambda key, value: value.isNotNull() & ~key.isin(*named))


def _properties_json(named: Mapping[str, Column], others: Column | None) -> Column:
    if others is None:
        return F.to_json(F.struct(*(column.alias(name) for name, column in named.items()))) if named else F.lit("{}")
    texts = F.create_map(*(part for name, column in named.items() for part in (F.lit(name), column.cast("string"))))
    whole = F.map_concat(others, F.map_filter(texts, lambda _, value: value.isNotNull())) if named else others
    return F.coalesce(F.to_json(F.map_from_entries(F.array_sort(F.map_entries(whole)))), F.lit("{}"))
