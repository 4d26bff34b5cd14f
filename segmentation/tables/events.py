"""Accepted events: what everything else is derived from."""

from segmentation.tables.table import COUNT, DAY, FLAG, INSTANT, MONEY, STRING, Column, Table

ORDER = ("event_at", "sequence_no", "position", "event_id", "received_at", "source")
"""Order of a user's events, nulls last: never the order of arrival. The source, last, separates ids that two sources
share."""
PURCHASE, LATEST_PURCHASE, PURCHASE_LINE, REFUND = "purchase", "latest_purchase", "purchase_line", "refund"
"""Kinds of transactions. Of an order's purchases the first counts, of its latest purchases the last; each of its lines
has revenue, and the first of them counts as the purchase."""
DEVICE_TYPES = ("desktop", "handset", "tablet", "tv", "watch", "other")
"""Values of `device_type`."""
JUDGED = ("is_conversion", "repeated_order", "revenue", "revenue_currency")
"""Columns that depend on the other events of an order."""
EVENTS = Table(
    name="events",
    grain="an accepted event",
    key=("source", "event_id"),
    columns=(
        Column("source", STRING, "name of the mapping in conf/sources that read the record"),
        Column("event_id", STRING, "the source's id, or the SHA-256 of its configured key columns"),
        Column("user_id", STRING, "the person as known at the cut"),
        Column(
            "identifier",
            STRING,
            "the user identifier as the source sent it: known_id, else anonymous_id, unless the mapping names another",
        ),
        Column(
            "anonymous_id",
            STRING,
            "id of a cookie, device or installation; null: not told",
            nullable=True,
        ),
        Column("known_id", STRING, "id of a user who is logged in; null: not told", nullable=True),
        Column("event_name", STRING, "what happened, in the source's words"),
        Column("state", STRING, "the step this event is in sequences; event_name unless mapped"),
        Column("event_at", INSTANT, "when it happened (UTC)"),
        Column("received_at", INSTANT, "when it was received (UTC); event_at where the source maps none"),
        Column("event_date", DAY, "day of event_at in the reporting zone"),
        Column("sequence_no", COUNT, "the source's own order of a user's events; null: none mapped", nullable=True),
        Column(
            "position",
            STRING,
            "file name and number of the record, or partition and offset, of exact copies the least; null: ties of the "
            "source are broken by event_id",
            nullable=True,
        ),
        Column("platform", STRING, "web, ios, android, pos, ...; 'unknown' where the source tells none"),
        Column(
            "device_type",
            STRING,
            f"{', '.join(DEVICE_TYPES)}; null: not told, or no device of the user",
            nullable=True,
        ),
        Column("channel", STRING, "marketing or sales channel; null: not told", nullable=True),
        Column("session_hint", STRING, "session id supplied by the source; null: sessions by gap", nullable=True),
        Column("value", MONEY, "money in `currency` as sent, whatever it means; null: carries none", nullable=True),
        Column("currency", STRING, "ISO 4217 code of `value`, as sent; null: no value or not told", nullable=True),
        Column(
            "transaction_kind",
            STRING,
            "what the mapping says the event is: purchase, latest_purchase, purchase_line or refund; null: neither",
            nullable=True,
        ),
        Column("order_id", STRING, "order of a purchase or refund, as sent; null: none or not told", nullable=True),
        Column("refund_id", STRING, "the source's id of a refund; null: none or not told", nullable=True),
        Column("is_conversion", FLAG, "whether the event is a purchase that counts: once for an order"),
        Column(
            "repeated_order", FLAG, "whether another event of its order counts instead, or its refund was told before"
        ),
        Column(
            "revenue",
            MONEY,
            "signed money of a purchase or refund that counts; null: neither, repeated, or its amount is unknown",
            nullable=True,
        ),
        Column(
            "revenue_currency",
            STRING,
            "ISO 4217 code of `revenue`: `currency`, or that of the order that a refund without an amount cancels; "
            "null: no revenue or not told",
            nullable=True,
        ),
        Column("activity", FLAG, "whether a user did it; null: not filled yet", nullable=True),
        Column("duration_ms", COUNT, "how long the event itself lasted (ms); null: not supplied", nullable=True),
        Column("properties", STRING, "all other mapped fields as canonical JSON, keys sorted"),
        Column("session_id", STRING, "the session the event belongs to"),
        Column("session_started_at", INSTANT, "start of that session (UTC)"),
        Column("session_date", DAY, "day of that start in the reporting zone"),
        Column("session_platform", STRING, "platform of the first event of the session"),
        Column("entry_state", STRING, "state of the first event of the session"),
        Column(
            "previous_state",
            STRING,
            "state of the previous event of the session; null: this is the first",
            nullable=True,
        ),
        Column(
            "gap_s",
            COUNT,
            "whole seconds since the previous event of the session; null: this is the first",
            nullable=True,
        ),
        Column("ends_session", FLAG, "whether it is the last event of the session"),
        Column("identity_hash", COUNT, "xxhash64(source, event_id), by which duplicate candidates are found"),
        Column("unit_id", STRING, "input unit the surviving record came in"),
        Column("record_no", COUNT, "position of that record in its unit, from 0"),
    ),
    clustered_by=("event_date", "received_at", "session_date"),
    deletion_vectors=True,
    written_by="ingest_events",
)
