"""Accepted events: what everything else is derived from."""

from segmentation.tables.table import COUNT, DAY, INSTANT, MONEY, STRING, Column, Table

ORDER = ("event_at", "sequence_no", "event_id", "received_at", "source")
"""Order of a user's events. Never arrival; the source, last, parts ids that two sources share."""
EVENTS = Table(
    name="events",
    grain="an accepted event",
    key=("source", "event_id"),
    columns=(
        Column("source", STRING, "name of the mapping in conf/sources that read the record"),
        Column("event_id", STRING, "the source's id, or the SHA-256 of its configured key columns"),
        Column("user_id", STRING, "the person as known at the cut"),
        Column("identifier", STRING, "the user identifier as the source sent it"),
        Column("event_name", STRING, "what happened, in the source's words"),
        Column("state", STRING, "the step this event is in sequences; event_name unless mapped"),
        Column("event_at", INSTANT, "when it happened (UTC)"),
        Column("received_at", INSTANT, "when it was received (UTC); event_at where the source maps none"),
        Column("event_date", DAY, "day of event_at in the reporting zone"),
        Column("sequence_no", COUNT, "the source's own order of a user's events; null: none mapped", nullable=True),
        Column("platform", STRING, "web, ios, android, pos, ...; 'unknown' where the source tells none"),
        Column("device_type", STRING, "kind of device; null: not told", nullable=True),
        Column("channel", STRING, "marketing or sales channel; null: not told", nullable=True),
        Column("session_hint", STRING, "session id supplied by the source; null: sessions by gap", nullable=True),
        Column("value", MONEY, "money in `currency`, negative for a return; null: carries no value", nullable=True),
        Column("currency", STRING, "ISO 4217 code of `value`; null: no value or not told", nullable=True),
        Column("duration_ms", COUNT, "how long the event itself lasted (ms); null: not supplied", nullable=True),
        Column("properties", STRING, "all other mapped fields as canonical JSON, keys sorted"),
        Column("session_id", STRING, "the session the event belongs to"),
        Column("session_started_at", INSTANT, "start of that session (UTC)"),
        Column("identity_hash", COUNT, "xxhash64(source, event_id): routes look-ups, decides nothing"),
        Column("unit_id", STRING, "input unit the surviving record came in"),
        Column("record_no", COUNT, "position of that record in its unit, from 0"),
    ),
    clustered_by=("event_date", "received_at", "session_started_at"),
    deletion_vectors=True,
    written_by="ingest_events",
)
