"""Contract of `journey_states`: the expected way to the goal from each state."""

from segmentation.tables.table import COUNT, DAY, REAL, STRING, Column, Table
from segmentation.tables.transitions import EXIT, START

JOURNEY_STATES = Table(
    name="journey_states",
    grain="a group at a cut x state",
    key=("as_of", "dimension", "item", "state"),
    columns=(
        Column("as_of", DAY, "cut, exclusive"),
        Column(
            "dimension",
            STRING,
            "what groups are told apart by: all, platform, device_type, channel, month, segment or rule",
        ),
        Column("item", STRING, "the group"),
        Column("state", STRING, f"state, or {START}"),
        Column("visits", COUNT, f"how often it was left, for a state or {EXIT}; of {START}: sessions"),
        Column("exits", COUNT, "how often the session ended there"),
        Column("goal_probability", REAL, "probability of reaching a goal from here, in the chain of the group's flows"),
        Column(
            "expected_steps", REAL, "mean transitions to a goal or the end; null: some ways have neither", nullable=True
        ),
        Column("steps_to_goal", REAL, "the same of those who reach a goal; null: no path does", nullable=True),
    ),
    clustered_by=("as_of", "dimension"),
    written_by="build_journeys",
)
