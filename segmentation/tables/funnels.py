"""Contract of `funnels`: progress through the steps of each funnel in conf/funnels, per group."""

from segmentation.tables.table import COUNT, DAY, REAL, STRING, STRINGS, WHOLE, Column, Table

FUNNELS = Table(
    name="funnels",
    grain="a step of a funnel in a group at a cut",
    key=("funnel", "as_of", "dimension", "item", "step"),
    columns=(
        Column("funnel", STRING, "name of the funnel in conf/funnels"),
        Column("as_of", DAY, "cut, exclusive"),
        Column(
            "dimension",
            STRING,
            "what groups are told apart by: all, platform, device_type, channel, month, segment or rule",
        ),
        Column(
            "item", STRING, "the group; platform, device type, channel and month are those of the attempt's first step"
        ),
        Column("step", WHOLE, "1, 2, ..."),
        Column("states", STRINGS, "the states of which any one is the step"),
        Column("version", STRING, "fingerprint of the funnel and the states"),
        Column("reached", COUNT, "users or sessions that got to this step; never to be summed over rules"),
        Column("still_open", COUNT, "of those that did not, how many had not used up their window at the cut"),
        Column("share_of_first", REAL, "reached / reached of step 1"),
        Column("share_of_first_lower", REAL, "95 % Wilson"),
        Column("share_of_first_upper", REAL, "95 % Wilson"),
        Column(
            "share_of_previous",
            REAL,
            "reached / reached of the step before; null: step 1, or no unit got there",
            nullable=True,
        ),
        Column("share_of_previous_lower", REAL, "95 % Wilson; null as the share", nullable=True),
        Column("share_of_previous_upper", REAL, "95 % Wilson; null as the share", nullable=True),
        Column(
            "from_previous_median_s",
            REAL,
            "median time since the step before (s); null: step 1, or no unit got there",
            nullable=True,
        ),
        Column(
            "from_first_median_s",
            REAL,
            "median time since step 1 (s); null: step 1, or no unit got there",
            nullable=True,
        ),
    ),
    clustered_by=("as_of", "funnel"),
    written_by="build_journeys",
)
