"""Contract of `feature_statistics`: the distribution of every feature at a cut, and its change since the one before."""

from pyspark.sql.types import ArrayType

from segmentation.tables.table import COUNT, DAY, REAL, STRING, Column, Table

UNKNOWN = "no user has a known value"

FEATURE_STATISTICS = Table(
    name="feature_statistics",
    grain="a feature at a cut",
    key=("feature", "as_of"),
    columns=(
        Column("feature", STRING, "column of `user_features`"),
        Column("as_of", DAY, "cut, exclusive"),
        Column("users", COUNT, "users at the cut"),
        Column("nulls", COUNT, "users whose feature is null: undefined"),
        Column("zeros", COUNT, "users whose feature is 0"),
        Column("minimum", REAL, f"least value; null: {UNKNOWN}", nullable=True),
        Column("maximum", REAL, f"greatest value; null: {UNKNOWN}", nullable=True),
        Column("sampled", COUNT, "users that the columns from here on rest on; all of them where there are few"),
        Column("mean", REAL, f"mean; null: {UNKNOWN}", nullable=True),
        Column("std", REAL, "sample standard deviation; null: fewer than two are known", nullable=True),
        *(
            Column(f"p{share:02d}", REAL, f"{share}th percentile; null: {UNKNOWN}", nullable=True)
            for share in (5, 25, 50, 75, 95)
        ),
        Column("bin_edges", ArrayType(REAL), "edges of equally wide bins from p1 to p99; what lies outside is in none"),
        Column("bin_counts", ArrayType(COUNT), "sampled users per bin, upper edges excluded but the last"),
        Column("previous_as_of", DAY, "the cut compared with; null: there is none before", nullable=True),
        Column("psi", REAL, "population stability index against that cut; null: no cut before", nullable=True),
        Column("psi_noise", REAL, "value that chance alone exceeds 1 time in 20; null: no cut before", nullable=True),
        Column(
            "status", STRING, "stable, moved (beyond the first threshold and chance), shifted (beyond the second), info"
        ),
    ),
    clustered_by=("as_of",),
    written_by="describe_features",
)
