"""Find the raw columns that the fields of a mapping come from."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pyspark.sql import functions as F

from segmentation.sources.columns import column_of, compile_expression, named_column, select_named
from segmentation.sources.fields import Origin
from segmentation.sources.identifiers import (
    EXACT_BELOW,
    alternatives,
    compose_identifier,
    identifier_text,
    trim_identifier,
)

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

    from segmentation.sources.field_mappings import FieldMapping
    from segmentation.sources.mapping import SourceMapping

TEXT_FIELDS = ("platform", "device_type", "channel", "session_hint", "currency")
NUMBER_FIELDS = {"value": "decimal(18,4)", "sequence_no": "bigint", "duration_ms": "bigint"}
FIELDS = ("event_name", "state", "event_at", "received_at", *TEXT_FIELDS, *NUMBER_FIELDS)


class Origins(NamedTuple):
    """Origins of the fields of a mapping."""

    fields: dict[str, Origin]
    users: dict[str, tuple[Origin, ...]]
    """Field of a user's identifier -> the columns that may hold it, best first: the first that is given counts."""

    @property
    def has_inexact_user(self) -> bool:
        """Return whether any of these columns is of a type that does not tell all whole numbers apart."""
        return any(origin.type in EXACT_BELOW for origins in self.users.values() for origin in origins)


def find_origins(raw: DataFrame, mapping: SourceMapping) -> Origins:
    """Find every field's origin; typed columns (Parquet) need not be read back from their text."""
    specs = {name: getattr(mapping.fields, name) for name in FIELDS} | mapping.order_fields
    columns = {name: column_of(raw, name, spec) for name, spec in specs.items()}
    columns["event_id"] = _event_id(raw, mapping)
    places = [(name, column) for name, spec in mapping.user_fields.items() for column in _alternatives(raw, name, spec)]
    all_columns = [*columns.values(), *(column for _, column in places)]
    types = select_named(raw, mapping, *(column.alias(str(place)) for place, column in enumerate(all_columns))).schema
    found = [
        Origin(column, field.dataType.simpleString()) for column, field in zip(all_columns, types.fields, strict=True)
    ]
    of_users = list(zip((name for name, _ in places), found[len(columns) :], strict=True))
    users = {name: tuple(origin for of, origin in of_users if of == name) for name in mapping.user_fields}
    return Origins(dict(zip(columns, found, strict=False)), users)


def _alternatives(raw: DataFrame, name: str, spec: FieldMapping) -> list[Column]:
    """Return the arguments of an expression that is one call of coalesce: a placeholder gives way to the next one."""
    if spec.expr is None:
        return [column_of(raw, name, spec)]
    return [compile_expression(raw, name, sql) for sql in alternatives(spec.expr)]


def spell_identifier(origin: Origin, mapping: SourceMapping) -> Column:
    """Spell an id in one way; blank is null."""
    trimmed = trim_identifier(identifier_text(origin.column, origin.type))
    return compose_identifier(trimmed) if mapping.id_form == "nfc" else trimmed


def _event_id(raw: DataFrame, mapping: SourceMapping) -> Column:
    identity = mapping.fields.event_id
    if identity.column is not None:
        return named_column(identity.column)
    if identity.expr is not None:
        return compile_expression(raw, "event_id", identity.expr)
    # A JSON array keeps null, blank and every separator apart.
    parts = F.array(*(F.coalesce(named_column(name).cast("string"), F.lit("\u0000")) for name in identity.key))
    return F.sha2(F.to_json(parts), 256)
