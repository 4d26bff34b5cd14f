"""Sessions: runs of a user's events without a gap longer than the timeout, or as the source supplied them."""

from segmentation.tables.table import COUNT, DAY, FLAG, INSTANT, MONEY_SUM, STRING, Column, Table

SESSIONS = Table(
    name="sessions",
    grain="a session",
    key=("session_id",),
    columns=(
        Column("session_id", STRING, "first 32 hex digits of SHA-256(user, start in micros) or (source, user, hint)"),
        Column("user_id", STRING, "the person"),
        Column("started_at", INSTANT, "first event (UTC)"),
        Column("ended_at", INSTANT, "last event (UTC)"),
        Column("session_date", DAY, "day of started_at in the reporting zone"),
        Column("events", COUNT, "events in the session"),
        Column("duration_ms", COUNT, "observed duration (ms); null: one event and none supplied", nullable=True),
        Column("duration_imputed", FLAG, "true where duration_ms is unknown and reports use the platform's median"),
        Column(
            "engaged_ms", COUNT, "engaged time from heartbeat events (ms); null: the session has none", nullable=True
        ),
        Column("entry_state", STRING, "state of the first event"),
        Column("exit_state", STRING, "state of the last event"),
        Column("platform", STRING, "platform of the first event"),
        Column("converted", FLAG, "whether the session holds a purchase that counts"),
        Column(
            "value", MONEY_SUM, "net revenue: known values of its purchases less refunds, in the reporting currency"
        ),
        Column("capped", FLAG, "longer than the cap: left out of duration statistics, its events stay"),
    ),
    clustered_by=("session_date", "started_at", "ended_at"),
    deletion_vectors=True,
    written_by="ingest_events, build_sessions",
)
