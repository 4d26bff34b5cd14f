"""How often a user's day holds each event name, platform, channel, hour and transition."""

from segmentation.tables.table import COUNT, DAY, STRING, Column, Table

EVENT_NAME = "event_name"
PLATFORM = "platform"
CHANNEL = "channel"
HOUR = "hour"
TRANSITION = "transition"
STEP_SEPARATOR = "\u001f"
"""Stands between the parts of a transition; no platform or state has it (quality.reasons: control_character)."""
DIMENSIONS = (EVENT_NAME, PLATFORM, CHANNEL, HOUR, TRANSITION)

USER_DAY_COUNTS = Table(
    name="user_day_counts",
    grain="a user's day x dimension x item",
    key=("user_id", "event_date", "dimension", "item"),
    columns=(
        Column("user_id", STRING, "the person"),
        Column("event_date", DAY, "day of the event; of the session's start for transitions"),
        Column("dimension", STRING, "one of " + ", ".join(DIMENSIONS)),
        Column(
            "item",
            STRING,
            "event name, platform, channel, hour of the reporting zone (00-23), or platform, state before and state "
            "after of a transition, with U+001F (unit separator) between them",
        ),
        Column("n", COUNT, "how often, always positive"),
    ),
    clustered_by=("event_date", "dimension"),
    deletion_vectors=True,
    written_by="ingest_events, build_sessions",
)
