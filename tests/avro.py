"""Encode Avro records without a library, in the wire format of schema registries."""

from __future__ import annotations

import json
import struct
from typing import Any

FIELDS = [
    {"name": "id", "type": "string"},
    {"name": "user", "type": "string"},
    {"name": "name", "type": {"type": "enum", "name": "Name", "symbols": ["view", "purchase"]}},
    {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
]
AMOUNT = {"name": "amount", "type": ["null", "double"], "default": None}
FIRST = json.dumps({"type": "record", "name": "Click", "fields": FIELDS})
SECOND = json.dumps({"type": "record", "name": "Click", "fields": [*FIELDS, AMOUNT]})
"""The schema of a later version of the producer, with a field more."""


def long_of(number: int) -> bytes:
    """Encode a whole number: the low seven bits first, signs folded in."""
    rest = (number << 1) ^ (number >> 63)
    out = bytearray()
    while rest > 0x7F:
        out.append((rest & 0x7F) | 0x80)
        rest >>= 7
    return bytes([*out, rest])


def _text(text: str) -> bytes:
    return long_of(len(text.encode())) + text.encode()


def message(schema_id: int, *values: Any) -> bytes:
    """Return a message of FIRST (id, user, place of the name, milliseconds) or of SECOND (the same and an amount)."""
    event, user, name, at, *amount = values
    record = _text(event) + _text(user) + long_of(name) + long_of(at)
    if amount:
        record += long_of(0) if amount[0] is None else long_of(1) + struct.pack("<d", amount[0])
    return framed(schema_id, record)


def framed(schema_id: int, record: bytes) -> bytes:
    """Return a record in the wire format of schema registries."""
    return b"\x00" + schema_id.to_bytes(4, "big") + record
