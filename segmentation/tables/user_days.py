"""A user's day in exact sums: what the features at a cut are made of."""

from segmentation.tables.table import COUNT, DAY, MONEY_SUM, STRING, Column, Table

USER_DAYS = Table(
    name="user_days",
    grain="a user's day",
    key=("user_id", "event_date"),
    columns=(
        Column("user_id", STRING, "the person"),
        Column("event_date", DAY, "day in the reporting zone"),
        Column("events", COUNT, "events of the day"),
        Column("sessions", COUNT, "sessions that started this day"),
        Column("purchases", COUNT, "orders of the day: events that are conversions"),
        Column("purchases_without_value", COUNT, "those whose value is unknown or has no exchange rate"),
        Column("refunds", COUNT, "refunds of the day, each once"),
        Column("value", MONEY_SUM, "net revenue: known values of purchases less refunds, in the reporting currency"),
        Column("purchase_value", MONEY_SUM, "gross revenue: known values of purchases, in the reporting currency"),
        Column("no_rate", COUNT, "events whose revenue has no exchange rate and is in no sum"),
        Column("duration_ms", COUNT, "observed duration of the sessions that started this day, capped ones left out"),
        Column("engaged_ms", COUNT, "engaged time of the sessions that started this day, capped ones left out"),
        Column("sessions_without_duration", COUNT, "sessions that started this day whose duration is unknown"),
        Column("gap_s_sum", COUNT, "sum of the whole seconds since the previous event of the same session"),
        Column("gap_s2_sum", COUNT, "sum of their squares; events - sessions is their number over whole sessions"),
    ),
    clustered_by=("event_date",),
    deletion_vectors=True,
    written_by="ingest_events, build_sessions",
)
