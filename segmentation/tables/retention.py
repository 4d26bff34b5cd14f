"""Of those who came for the first time in a period, how many were active so many periods later."""

from segmentation.tables.lifecycle import GRANULARITY
from segmentation.tables.table import COUNT, DAY, FLAG, REAL, Column, Table

RETENTION = Table(
    name="retention",
    grain="a cohort x periods later x granularity at a cut",
    key=("granularity", "cohort", "periods_later", "as_of"),
    columns=(
        GRANULARITY,
        Column("cohort", DAY, "first day of the period in which its users had their first event ever"),
        Column("periods_later", COUNT, "periods after that one; 0 is that one"),
        Column("as_of", DAY, "cut, exclusive"),
        Column("users", COUNT, "users of the cohort"),
        Column("active", COUNT, "users of the cohort with an event so many periods later"),
        Column("share", REAL, "active / users"),
        Column("share_lower", REAL, "lower end of Wilson's 95 % interval"),
        Column("share_upper", REAL, "upper end of it"),
        Column("complete", FLAG, "whether the later period had ended at the cut"),
    ),
    clustered_by=("as_of",),
    written_by="build_lifecycle",
)
