"""Features that say much the same: pairs whose ranks go together."""

from segmentation.tables.table import COUNT, DAY, REAL, STRING, Column, Table

FEATURE_CORRELATIONS = Table(
    name="feature_correlations",
    grain="a pair of features at a cut, of those that go together at least so closely as asked",
    key=("feature", "other", "as_of"),
    columns=(
        Column("feature", STRING, "column of `user_features`; the first of the two by name"),
        Column("other", STRING, "the second"),
        Column("as_of", DAY, "cut, exclusive"),
        Column("spearman", REAL, "rank correlation over sampled users of whom both are known"),
        Column("users", COUNT, "so many users"),
    ),
    clustered_by=("as_of",),
    written_by="describe_features",
)
