"""Schemas of self-describing events for Snowplow's registry (Iglu)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from segmentation.instrumentation.calls import ITEMS

if TYPE_CHECKING:
    from segmentation.instrumentation.calls import Call, Kind

SELF = "http://iglucentral.com/schemas/com.snowplowanalytics.self-desc/schema/jsonschema/1-0-0#"
TYPES: dict[Kind, dict[str, Any]] = {
    "string": {"type": "string", "minLength": 1, "maxLength": 4096},
    "integer": {"type": "integer", "minimum": -(2**53) + 1, "maximum": 2**53 - 1},
    "number": {"type": "number"},
    "boolean": {"type": "boolean"},
    "timestamp": {"type": "string", "format": "date-time"},
}


def build_event_schema(call: Call, vendor: str) -> dict[str, Any]:
    """Return the JSON schema of an event, version 1-0-0. Snowplow rejects events that do not fit it."""
    properties = {
        argument.sent_as: TYPES[argument.kind] | ({"description": argument.description} if argument.description else {})
        for argument in call.arguments
    }
    if call.items:
        properties[ITEMS] = {"type": "array", "items": {"type": "object"}, "description": "the products"}
    return {
        "$schema": SELF,
        "description": call.description or f"Event {call.event} of the tracking plan.",
        "self": {"vendor": vendor, "name": call.sent_as, "format": "jsonschema", "version": "1-0-0"},
        "type": "object",
        "properties": properties,
        "required": [argument.sent_as for argument in call.arguments if argument.required],
        "additionalProperties": False,
    }
