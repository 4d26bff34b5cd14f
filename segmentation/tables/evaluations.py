"""Every figure that judges a model or a run, with its method and interval."""

from segmentation.tables.table import DAY, REAL, STRING, Column, Table

EVALUATIONS = Table(
    name="evaluations",
    grain="metric x scope x cut",
    key=("metric", "scope", "as_of"),
    columns=(
        Column("metric", STRING, "e.g. silhouette_squared_euclidean, davies_bouldin, auc_pr"),
        Column(
            "scope", STRING, "what it is about: 'clusters', 'segment:<id>', 'propensity:<target>', 'ingest:<source>'"
        ),
        Column("as_of", DAY, "cut, exclusive"),
        Column("value", REAL, "the figure; null: could not be computed", nullable=True),
        Column("lower", REAL, "lower end of the interval; null: none computed", nullable=True),
        Column("upper", REAL, "upper end of the interval; null: none computed", nullable=True),
        Column("method", STRING, "how it was computed, with its distance or interval method"),
        Column("threshold", REAL, "limit in force; null: none", nullable=True),
        Column("status", STRING, "ok, breach or info (no threshold)"),
    ),
    clustered_by=("as_of",),
    written_by="evaluate_segments",
)
