"""Sessions as sequences of states, at the newest cut."""

from segmentation.tables.table import COUNT, DAY, FLAG, STRING, STRINGS, Column, Table

USER_SEQUENCES = Table(
    name="user_sequences",
    grain="a session with at least one step",
    key=("session_id",),
    columns=(
        Column("session_id", STRING, "the session"),
        Column("user_id", STRING, "the person"),
        Column("as_of", DAY, "cut, exclusive; the table holds one"),
        Column("session_date", DAY, "day of the session's start in the reporting zone"),
        Column("platform", STRING, "platform of the first step"),
        Column("channel", STRING, "channel of the first step; null: not told", nullable=True),
        Column("states", STRINGS, "the first steps (sequences.max_steps) as mapped in conf/states.yaml"),
        Column("steps", COUNT, "all steps of the session"),
        Column("reached_goal", FLAG, "whether any step is a goal"),
    ),
    clustered_by=("session_date",),
    written_by="build_journeys",
)
