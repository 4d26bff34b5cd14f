"""Contract of `journey_flows`: transitions between states in the sessions of each group, with rates."""

from segmentation.tables.table import COUNT, DAY, REAL, STRING, Column, Table
from segmentation.tables.transitions import EXIT, START

JOURNEY_FLOWS = Table(
    name="journey_flows",
    grain="a group at a cut x from x to",
    key=("as_of", "dimension", "item", "from_state", "to_state"),
    columns=(
        Column("as_of", DAY, "cut, exclusive"),
        Column(
            "dimension",
            STRING,
            "what groups are told apart by: all, platform, device_type, channel, month, segment or rule",
        ),
        Column("item", STRING, "the group; month is that of the session's start"),
        Column("from_state", STRING, f"state as mapped in conf/states.yaml, or {START}"),
        Column("to_state", STRING, f"next state, or {EXIT}"),
        Column("transitions", COUNT, "how often; as much flows into a state as out"),
        Column("departures", COUNT, f"all transitions of the group out of from_state; of {START}: its sessions"),
        Column("rate", REAL, "transitions / departures"),
        Column("rate_lower", REAL, "95 % Wilson, moves counted as independent"),
        Column("rate_upper", REAL, "95 % Wilson, moves counted as independent"),
    ),
    clustered_by=("as_of", "dimension"),
    written_by="build_journeys",
)
