"""Members of the rule segments in conf/segments, with the values that decided."""

from pyspark.sql.types import MapType

from segmentation.tables.table import DAY, REAL, STRING, Column, Table

COHORTS = Table(
    name="cohorts",
    grain="a user in a rule segment at a cut",
    key=("user_id", "rule", "as_of"),
    columns=(
        Column("user_id", STRING, "the person"),
        Column("rule", STRING, "name of the rule in conf/segments"),
        Column("as_of", DAY, "cut, exclusive"),
        Column("rule_version", STRING, "fingerprint of the rule's definition"),
        Column(
            "evidence",
            MapType(STRING, REAL),
            "feature or behaviour -> the user's value that the rule looked at (absent: null)",
        ),
        Column("thresholds", MapType(STRING, REAL), "condition -> threshold in force, percentiles resolved"),
    ),
    clustered_by=("as_of", "rule"),
    written_by="build_cohorts",
)
