"""Contract of `propensity_reasons`: contributions of features to a user's propensity, compared with usual values."""

from segmentation.tables.table import COUNT, DAY, REAL, STRING, Column, Table

PROPENSITY_REASONS = Table(
    name="propensity_reasons",
    grain="a reason for a user's score at a cut",
    key=("user_id", "as_of", "target", "rank"),
    columns=(
        Column("user_id", STRING, "the person"),
        Column("as_of", DAY, "cut, exclusive"),
        Column("target", STRING, "what is predicted"),
        Column("rank", COUNT, "1: moves the score most"),
        Column("feature", STRING, "column of user_features"),
        Column("value", REAL, "the user's; null: unknown", nullable=True),
        Column("reference", REAL, "median over all users scored at the cut; null: unknown for all", nullable=True),
        Column(
            "contribution",
            REAL,
            "log-odds of the raw score less the log-odds with the feature at its reference; above 0: makes it likelier",
        ),
        Column("model_version", STRING, "registered version of the propensity model that scored"),
    ),
    clustered_by=("as_of", "target"),
    written_by="explain_propensity",
)
