"""The scored segments: who is in which segment at a cut, and how likely to do what."""

from pyspark.sql.types import ArrayType, StructField, StructType

from segmentation.tables.table import DAY, FLAG, REAL, STRING, WHOLE, Column, Table

PROPENSITY = StructType(
    [
        StructField("target", STRING),
        StructField("raw", REAL),
        StructField("calibrated", REAL),
        StructField("model_version", STRING),
    ]
)

SEGMENT_ASSIGNMENTS = Table(
    name="segment_assignments",
    grain="a scored user at a cut",
    key=("user_id", "as_of"),
    columns=(
        Column("user_id", STRING, "the person"),
        Column("as_of", DAY, "cut, exclusive"),
        Column("cluster_id", WHOLE, "number of the cluster in its model; means nothing outside it"),
        Column("model_cluster_id", WHOLE, "cluster that the model alone gives now; not `cluster_id`: held back"),
        Column("segment_id", STRING, "stable id of the segment, carried by the model"),
        Column("segment_name", STRING, "name of the segment, carried by the model"),
        Column("distance", REAL, "distance to the own centroid in the model's scaled space"),
        Column(
            "margin", REAL, "distance to the nearest other centroid less `distance`; null: one cluster", nullable=True
        ),
        Column("outlier", FLAG, "lies far out: further from the centroid than the model's limit for the segment"),
        Column("cluster_model_version", STRING, "registered version of the cluster model"),
        Column("assignment_rule", STRING, "how the model's clusters became the user's: `hysteresis`, in words"),
        Column("propensities", ArrayType(PROPENSITY), "one entry per target, sorted by target"),
    ),
    clustered_by=("as_of",),
    written_by="score_segments",
)
