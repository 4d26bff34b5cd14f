"""Redeliveries: remembered narrowly, so that a later copy still finds its predecessor."""

from segmentation.tables.table import COUNT, DAY, INSTANT, STRING, Column, Table

DUPLICATES = Table(
    name="duplicates",
    grain="a copy of an accepted record, with the same payload",
    key=("unit_id", "record_no"),
    columns=(
        Column("unit_id", STRING, "input unit the copy came in"),
        Column("record_no", COUNT, "position of the copy in its unit, from 0"),
        Column("source", STRING, "source of the event"),
        Column("event_id", STRING, "identity of the event"),
        Column("event_name", STRING, "event name"),
        Column("event_date", DAY, "day of the event"),
        Column("event_at", INSTANT, "when it happened (UTC)"),
        Column("received_at", INSTANT, "when this copy was received (UTC)"),
        Column("payload_hash", STRING, "SHA-256 of all mapped fields but times of receipt"),
    ),
    clustered_by=("event_date", "received_at"),
    written_by="ingest_events",
)
