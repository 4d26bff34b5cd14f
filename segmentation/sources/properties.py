"""Write the properties of events as canonical JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from segmentation.privacy.expressions import pseudonym
from segmentation.privacy.params import PROPERTY
from segmentation.sources.columns import column_of, compile_expression
from segmentation.sources.fields import is_quantity_given, read_quantity

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pyspark.sql import Column, DataFrame

    from segmentation.sources.field_mappings import PropertyMapping
    from segmentation.sources.mapping import SourceMapping


NOT_NUMERIC = "not_numeric"
"""Column beside parsed records: names of numeric properties whose text is not a number."""


def list_not_numeric(raw: DataFrame, mapping: SourceMapping) -> Column:
    """Return the names of numeric properties of a record whose text is not a number."""
    names = []
    for name, spec in sorted(mapping.numeric_properties.items()):
        sent = column_of(raw, f"property {name}", spec)
        is_wrong = is_quantity_given(sent) & read_quantity(sent, spec.type or "").isNull()
        names.append(F.when(is_wrong, F.lit(name)))
    return F.array_compact(F.array(*names))


def count_not_numeric(parsed: DataFrame) -> dict[str, int]:
    """Count the values that are not numbers, by property, in records that are not rejected; a small pass of its own."""
    if NOT_NUMERIC not in parsed.columns:
        return {}
    names = parsed.where(~F.col("rejected")).select(F.explode(NOT_NUMERIC).alias("name"))
    rows = names.groupBy("name").agg(F.count(F.lit(1)).alias("n")).orderBy("name").collect()  # a row per property
    return {row["name"]: row["n"] for row in rows}


def describe_not_numeric(counts: Mapping[str, int], source: str) -> list[str]:
    """Say how many values of numeric properties are not numbers; nothing if all are."""
    if not counts:
        return []
    named = ", ".join(f"{name} ({n})" for name, n in counts.items())
    values = f"{sum(counts.values())} values of numeric properties of source '{source}'"
    advice = "a decimal comma or a unit needs an expr in the mapping"
    return [f"not_numeric: {values} are not numbers and were left out: {named}; {advice}"]


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


def _property(raw: DataFrame, name: str, spec: PropertyMapping) -> Column:
    sent = column_of(raw, f"property {name}", spec)
    return sent if spec.type is None else read_quantity(sent, spec.type)


def _property_columns(raw: DataFrame, mapping: SourceMapping) -> tuple[dict[str, Column], Column | None]:
    """Return the named properties, and the map of all others without them."""
    named = {name: _property(raw, name, spec) for name, spec in sorted(mapping.properties.items())}
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
