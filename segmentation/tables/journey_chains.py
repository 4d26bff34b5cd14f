"""The chain of each group as a whole: how long its memory is, and what it promises against what happened."""

from segmentation.tables.table import COUNT, DAY, REAL, STRING, Column, Table

JOURNEY_CHAINS = Table(
    name="journey_chains",
    grain="a group at a cut",
    key=("as_of", "dimension", "item"),
    columns=(
        Column("as_of", DAY, "cut, exclusive"),
        Column(
            "dimension",
            STRING,
            "what groups are told apart by: all, platform, device_type, channel, month, segment or rule",
        ),
        Column("item", STRING, "the group"),
        Column("sessions", COUNT, "sessions of the group"),
        Column("steps", COUNT, "steps of these sessions"),
        Column("order_statistic", REAL, "likelihood ratio G squared of second against first order"),
        Column("order_degrees_of_freedom", COUNT, "of that test, on the observed support"),
        Column("order_p_value", REAL, "of that test; null: nothing to test", nullable=True),
        Column("order_bic_gain", REAL, "above 0: the state before the present one is worth knowing (BIC)"),
        Column("order_sparse_share", REAL, "share of cells with fewer than 5 expected: p is rough where it is large"),
    ),
    clustered_by=("as_of", "dimension"),
    written_by="build_journeys",
)
