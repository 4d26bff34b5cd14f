"""The most common beginnings of sessions."""

from segmentation.tables.table import COUNT, DAY, FLAG, REAL, STRINGS, Column, Table

PATHS = Table(
    name="paths",
    grain="a path at a cut",
    key=("as_of", "path", "ended"),
    columns=(
        Column("as_of", DAY, "cut, exclusive"),
        Column("path", STRINGS, "the first states, repeats in a row as one; ['(all other paths)']: the rarer ones"),
        Column("ended", FLAG, "whether the session ended with the path's last state; null: rarer paths", nullable=True),
        Column("sessions", COUNT, "sessions that went this way"),
        Column("converted", COUNT, "of these, sessions that reached a goal, on the path or after it"),
        Column("share", REAL, "sessions / all sessions"),
    ),
    clustered_by=("as_of",),
    written_by="build_journeys",
)
