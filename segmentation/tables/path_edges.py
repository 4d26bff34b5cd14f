"""Contract of `path_edges`: moves from step to step of the paths of sessions."""

from segmentation.tables.table import COUNT, DAY, STRING, WHOLE, Column, Table

PATH_EDGES = Table(
    name="path_edges",
    grain="a step of paths x from x to at a cut",
    key=("as_of", "step", "from_state", "to_state"),
    columns=(
        Column("as_of", DAY, "cut, exclusive"),
        Column("step", WHOLE, "1: from the first state on"),
        Column(
            "from_state", STRING, "state; '(all other states)': edges beyond sequences.max_edges, together per step"
        ),
        Column("to_state", STRING, "next state; null: the session ended", nullable=True),
        Column("sessions", COUNT, "sessions; per step their sum is that of all sessions that got there"),
    ),
    clustered_by=("as_of",),
    written_by="build_journeys",
)
