"""The frame between a source and the engine: every record read, mapped, judged by itself and not stored."""

from segmentation.tables.events import EVENTS
from segmentation.tables.table import COUNT, FLAG, STRING, STRINGS, Column, Table

RECORD_KEY = ("unit_id", "record_no")
ASSIGNED = (
    "session_id",
    "session_started_at",
    "session_date",
    "session_platform",
    "entry_state",
    "previous_state",
    "gap_s",
    "ends_session",
    "identity_hash",
)
"""Columns of `events` that the engine adds to a record."""
EVENT = tuple(name for name in EVENTS.names if name not in ASSIGNED)
"""Columns of `events` that a record brings."""

PARSED_RECORDS = Table(
    name="parsed_records",
    grain="a record of an input unit",
    key=("unit_id", "record_no"),
    columns=(
        Column("unit_id", STRING, "input unit"),
        Column("record_no", COUNT, "position in it, from 0"),
        Column("row_key", COUNT, "unit's place in the batch x 2^40 + record_no: tells the batch's records apart"),
        Column("location", STRING, "file and line, file and row, or topic, partition and offset"),
        Column(
            "raw",
            STRING,
            "text of a rejected record; null: not rejected, excluded, or a message without a value",
            nullable=True,
        ),
        Column("rejected", FLAG, "whether there is any reason against the record itself"),
        Column("excluded", FLAG, "rejected, and all its reasons exclude: counted in the ledger and stored nowhere"),
        Column("reasons", STRINGS, "why the record itself is rejected; empty: it is not"),
        Column("unparsable", FLAG, "not a record of the declared format at all"),
        Column("late", FLAG, "received later after the event than the source's bound"),
        *(
            Column(c.name, c.type, c.description, nullable=True)
            for c in EVENTS.columns
            if c.name not in (*ASSIGNED, "unit_id", "record_no")
        ),
    ),
    written_by="nobody",
)
