"""Sessions by the typical journey that they are most like, at the cut of user_sequences."""

from segmentation.tables.table import DAY, REAL, STRING, STRINGS, WHOLE, Column, Table

JOURNEY_CLUSTERS = Table(
    name="journey_clusters",
    grain="a session with at least one step",
    key=("session_id",),
    columns=(
        Column("session_id", STRING, "the session"),
        Column("user_id", STRING, "the person"),
        Column("as_of", DAY, "cut, exclusive; the table holds one"),
        Column("cluster", WHOLE, "1, 2, ... by size in the sample; means nothing outside its version"),
        Column("typical", STRINGS, "the medoid: a real session's states"),
        Column("distance", REAL, "optimal matching distance to it, normalised (0 the same, 1 nothing in common)"),
        Column("version", STRING, "fingerprint of the typical journeys and the costs"),
    ),
    clustered_by=("cluster",),
    written_by="cluster_journeys",
)
