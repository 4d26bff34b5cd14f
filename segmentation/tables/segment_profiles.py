"""Contract of `segment_profiles`: a description of each segment at a cut, in original units."""

from pyspark.sql.types import ArrayType, MapType, StructField, StructType

from segmentation.tables.table import COUNT, DAY, REAL, STRING, Column, Table

DISTINCTION = StructType(
    [
        StructField("feature", STRING),
        StructField("segment_mean", REAL),
        StructField("overall_mean", REAL),
        StructField("effect_size", REAL),
        StructField("rest_mean", REAL),
        StructField("cohens_d", REAL),
    ]
)
PORTRAIT = StructType(
    [
        StructField("rule", STRING),
        StructField("precision", REAL),
        StructField("coverage", REAL),
    ]
)

SEGMENT_PROFILES = Table(
    name="segment_profiles",
    grain="a segment at a cut",
    key=("segment_id", "as_of"),
    columns=(
        Column("segment_id", STRING, "stable id of the segment"),
        Column("as_of", DAY, "cut, exclusive"),
        Column("segment_name", STRING, "name of the segment"),
        Column("cluster_model_version", STRING, "registered version of the cluster model"),
        Column("users", COUNT, "users in the segment"),
        Column("share", REAL, "users / all scored users"),
        Column("centroid", MapType(STRING, REAL), "feature -> mean over the segment's users, nulls left out"),
        Column(
            "distinctions",
            ArrayType(DISTINCTION),
            "what sets it apart: standardised mean difference to all users, greatest first; beside it the mean of all "
            "other users and Cohen's d against them (null: no other users, or no spread)",
        ),
        Column("propensities", MapType(STRING, REAL), "target -> mean calibrated probability"),
        Column(
            "portrait",
            PORTRAIT,
            "a rule of thumb, the share of those who fulfil it that are in the segment, and the share of the segment "
            "that fulfils it, over a sample of the users; null: one segment",
            nullable=True,
        ),
    ),
    clustered_by=("as_of",),
    written_by="score_segments",
)
