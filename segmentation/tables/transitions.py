"""Transition counts between states, with START and EXIT."""

from segmentation.tables.table import COUNT, DAY, STRING, Column, Table

START = "START"
EXIT = "EXIT"

TRANSITIONS = Table(
    name="transitions",
    grain="day x platform x from x to",
    key=("session_date", "platform", "from_state", "to_state"),
    columns=(
        Column("session_date", DAY, "day of the session's start in the reporting zone"),
        Column("platform", STRING, "platform of the session's first event"),
        Column("from_state", STRING, f"state, or {START}"),
        Column("to_state", STRING, f"next state, or {EXIT}"),
        Column("transitions", COUNT, "how often"),
        Column("users", COUNT, "distinct users of this cell; never to be summed over cells"),
    ),
    clustered_by=("session_date",),
    written_by="ingest_events, build_sequences",
)
