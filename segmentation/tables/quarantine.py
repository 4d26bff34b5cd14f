"""Rejected records, each with every reason and the text it came as."""

from segmentation.tables.table import COUNT, DAY, INSTANT, STRING, STRINGS, Column, Table

QUARANTINE = Table(
    name="quarantine",
    grain="a rejected record",
    key=("unit_id", "record_no"),
    columns=(
        Column("unit_id", STRING, "input unit the record came in"),
        Column("record_no", COUNT, "position of the record in its unit, from 0"),
        Column("source", STRING, "name of the mapping that read it"),
        Column("reason", STRING, "the first reason, under which the ledger counts the record"),
        Column("reasons", STRINGS, "all reasons in order of the checks"),
        Column(
            "raw",
            STRING,
            "the record as received; for conflict, too_late and over_cap the mapped event as canonical JSON, "
            "from which it can be restored; sealed where the source has pseudonyms; null: a message "
            "without a value, or dropped after its days",
            nullable=True,
        ),
        Column("location", STRING, "file and line, file and row, or topic, partition and offset"),
        Column("event_id", STRING, "identity of the event; null: could not be formed", nullable=True),
        Column("event_name", STRING, "event name; null: could not be read", nullable=True),
        Column("event_date", DAY, "day of the event; null: could not be read", nullable=True),
        Column("received_at", INSTANT, "when it was received (UTC); null: could not be read", nullable=True),
        Column("survivor_hash", STRING, "conflict: payload hash of the surviving record; else null", nullable=True),
    ),
    clustered_by=("event_date", "received_at"),
    written_by="ingest_events",
)
