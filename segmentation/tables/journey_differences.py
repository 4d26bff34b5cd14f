"""Transitions whose rates were compared between two groups: the families of conf/comparisons."""

from segmentation.tables.table import COUNT, DAY, FLAG, REAL, STRING, Column, Table

JOURNEY_DIFFERENCES = Table(
    name="journey_differences",
    grain="a transition of a comparison at a cut",
    key=("comparison", "as_of", "from_state", "to_state"),
    columns=(
        Column("comparison", STRING, "name of the comparison in conf/comparisons"),
        Column("as_of", DAY, "cut, exclusive"),
        Column("from_state", STRING, "state left"),
        Column("to_state", STRING, "state reached"),
        Column("version", STRING, "fingerprint of the comparison and the states"),
        Column("transitions_a", COUNT, "in group a"),
        Column("departures_a", COUNT, "out of from_state in group a"),
        Column("transitions_b", COUNT, "in group b, the reference"),
        Column("departures_b", COUNT, "out of from_state in group b"),
        Column("difference", REAL, "rate of a less rate of b; null: a group never left the state", nullable=True),
        Column("difference_lower", REAL, "95 % Newcombe, of this transition alone; null as above", nullable=True),
        Column("difference_upper", REAL, "95 % Newcombe, of this transition alone; null as above", nullable=True),
        Column("p_value", REAL, "Fisher's exact test, two-sided"),
        Column("q_value", REAL, "Benjamini-Hochberg over the comparison's family"),
        Column("found", FLAG, "whether q_value is at most the comparison's rate of false discoveries"),
        Column(
            "detectable",
            REAL,
            "least absolute difference that would have been found with a power of 0.8; null: none would",
            nullable=True,
        ),
    ),
    clustered_by=("as_of", "comparison"),
    written_by="build_journeys",
)
