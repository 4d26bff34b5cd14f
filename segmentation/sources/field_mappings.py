"""Keys of a mapping that say where the fields of an event come from."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from segmentation.parameters import Parameters, Texts
from segmentation.privacy.params import PROPERTY
from segmentation.sources.expressions import Expression
from segmentation.sources.time_patterns import check_pattern
from segmentation.sources.unit_receipt import UnitReceipt, is_unit_receipt
from segmentation.time_zones import check_zone


class FieldMapping(Parameters):
    """Origin of a field: a column, a constant, or a Spark SQL expression over the raw columns.

    In YAML a bare string is a column. An expression that fails on a row gives null.
    """

    column: str | None = None
    constant: str | int | float | None = None
    expr: Expression | None = None
    default: str | int | float | None = None
    """Used where the field is empty."""
    case: Literal["lower", "upper"] | None = None
    """Turns a text into one case, where the source mixes them."""
    required: bool = False
    """An empty field rejects the record as `missing_value`."""
    min: float | None = None
    max: float | None = None
    """Values outside [min, max] reject the record as `out_of_range`."""

    @model_validator(mode="before")
    @classmethod
    def _bare_column(cls, value: Any) -> Any:
        return {"column": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _one_origin(self) -> FieldMapping:
        if sum(origin is not None for origin in (self.column, self.constant, self.expr)) != 1:
            raise ValueError("give exactly one of column, constant and expr")
        return self


class PropertyMapping(FieldMapping):
    """A property: a text, or a number of a declared type."""

    type: Literal["integer", "decimal"] | None = None
    """Numeric: up to 14 digits before the point and, for decimal, 4 behind it. Text that is not such a number is null,
    and counted as `not_numeric`."""
    unit: str | None = None
    """Unit of a numeric property, for people: pages, minutes, kg."""

    @model_validator(mode="after")
    def _unit_of_numbers(self) -> PropertyMapping:
        if self.unit is not None and self.type is None:
            raise ValueError("unit is for numeric properties: give type, too (integer or decimal)")
        return self


class TimeMapping(FieldMapping):
    """A time: epoch numbers with their unit, or text with its pattern and zone."""

    unit: Literal["s", "ms", "us", "auto"] | None = None
    """Unit of an epoch number; auto tells it from the number's size, and finds numbers below 10^8 unreadable."""
    format: tuple[str, ...] = ()
    """Spark datetime patterns of a text, the first that fits counts; without unit and format ISO 8601 is expected."""
    zone: str = "UTC"
    """Zone of texts that carry none."""

    @field_validator("format", mode="before")
    @classmethod
    def _one_pattern(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value or ()

    @field_validator("format")
    @classmethod
    def _known_patterns(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(check_pattern(pattern) for pattern in value)

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        return check_zone(value)

    @model_validator(mode="after")
    def _unit_or_format(self) -> TimeMapping:
        if self.unit and self.format:
            raise ValueError("give unit (epoch number) or format (text), not both")
        return self


class EventIdMapping(Parameters):
    """The source's event id, or the columns whose SHA-256 is the identity of an event."""

    column: str | None = None
    expr: Expression | None = None
    key: tuple[str, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _bare_column(cls, value: Any) -> Any:
        return {"column": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _one_origin(self) -> EventIdMapping:
        if (self.column is not None) + (self.expr is not None) + bool(self.key) != 1:
            raise ValueError("give exactly one of column, expr and key (a list of columns)")
        return self


class EventFields(Parameters):
    """The fields of an event."""

    event_id: EventIdMapping
    user_id: FieldMapping | None = None
    """The event's identifier. Not given: `known_id`, else `anonymous_id`."""
    known_id: FieldMapping | None = None
    """The id of a user who is logged in."""
    anonymous_id: FieldMapping | None = None
    """The id of a cookie, device or installation."""
    event_name: FieldMapping
    event_at: TimeMapping
    received_at: TimeMapping | None = None
    unit_receipt: UnitReceipt | None = None
    """A `received_at` of the input unit: `{unit: modified}` or `{unit: name, pattern: ...}`."""
    state: FieldMapping | None = None
    sequence_no: FieldMapping | None = None
    platform: FieldMapping | None = None
    device_type: FieldMapping | None = None
    channel: FieldMapping | None = None
    session_hint: FieldMapping | None = None
    """Mapped: sessions are the supplied ones. Not mapped: sessions by inactivity gap."""
    value: FieldMapping | None = None
    currency: FieldMapping | None = None
    duration_ms: FieldMapping | None = None

    @model_validator(mode="before")
    @classmethod
    def _received_with_unit(cls, values: Any) -> Any:
        if isinstance(values, dict) and is_unit_receipt(values.get("received_at")):
            return {**values, "received_at": None, "unit_receipt": values["received_at"]}
        return values

    @model_validator(mode="after")
    def _some_user(self) -> EventFields:
        if self.user_id is None and self.known_id is None and self.anonymous_id is None:
            raise ValueError("give user_id, or known_id (of a login) and anonymous_id (of a cookie or device)")
        return self


class OrderMapping(Parameters):
    """Ids that several purchases of an order share, and several deliveries of a refund."""

    id: FieldMapping
    """The order's id. A purchase without one is an order of its own."""
    refund_id: FieldMapping | None = None
    """The id of a refund within its order, which counts once. Not given: every refund of an order counts."""
    lines: bool = False
    """Every purchase of the order is a line of it: all add revenue, and the order is one purchase."""
    stands: Literal["first", "last"] = "first"
    """The purchase of an order that counts: the first (a page of thanks is loaded again), or the last (a deal is
    won again). Lines all stand."""

    @model_validator(mode="after")
    def _one_rule(self) -> OrderMapping:
        if self.lines and self.stands == "last":
            raise ValueError("lines all stand: leave stands out")
        return self


class TraitMapping(Parameters):
    """Property of stored events that tells a trait of the person. In YAML a bare `properties.<name>` is `from`.

    A blank value ends the trait; a property that an event does not have tells nothing.
    """

    place: str = Field(alias="from")
    """`properties.<name>`."""
    events: Texts = ()
    """Names of the events that tell it; not given: all events that have the property."""

    @model_validator(mode="before")
    @classmethod
    def _bare_place(cls, value: Any) -> Any:
        return {"from": value} if isinstance(value, str) else value

    @field_validator("place")
    @classmethod
    def _known_place(cls, value: str) -> str:
        bare = value.removeprefix(PROPERTY)
        if value == bare or not bare or "'" in bare:
            raise ValueError(f"'{value}' names no property: give properties.<name>")
        return value

    @property
    def property_name(self) -> str:
        """Return the name of the property."""
        return self.place.removeprefix(PROPERTY)
