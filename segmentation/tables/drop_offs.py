"""States at which sessions end without a goal, and what that costs."""

from segmentation.tables.table import COUNT, DAY, REAL, STRING, Column, Table

DROP_OFFS = Table(
    name="drop_offs",
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
        Column("state", STRING, "state, no goal itself"),
        Column("reached", COUNT, "sessions that were there before any goal"),
        Column("left", COUNT, "of these, sessions that ended there without a goal"),
        Column("converted", COUNT, "of these, sessions that reached a goal later"),
        Column("drop_off", REAL, "left / reached"),
        Column("drop_off_lower", REAL, "95 % Wilson"),
        Column("drop_off_upper", REAL, "95 % Wilson"),
        Column(
            "lost_conversions",
            REAL,
            "left x converted / (reached - left): goals, had those who left gone on as the others; null: all left",
            nullable=True,
        ),
        Column("lost_conversions_lower", REAL, "left x 95 % Wilson of that share; null as above", nullable=True),
        Column("lost_conversions_upper", REAL, "left x 95 % Wilson of that share; null as above", nullable=True),
    ),
    clustered_by=("as_of", "dimension"),
    written_by="build_journeys",
)
