"""Contract of `lifecycle`: new, returning, resurrecting and dormant users in every period."""

from segmentation.tables.table import COUNT, DAY, FLAG, STRING, Column, Table

GRANULARITY = Column("granularity", STRING, "day, week (from Monday) or month, of the reporting zone")

LIFECYCLE = Table(
    name="lifecycle",
    grain="a period x granularity at a cut, of those in which a user was active or had been the period before",
    key=("granularity", "period", "as_of"),
    columns=(
        GRANULARITY,
        Column("period", DAY, "first day of the period"),
        Column("as_of", DAY, "cut, exclusive"),
        Column("new", COUNT, "users whose first event ever lies in the period"),
        Column("returning", COUNT, "users who were active in the period and in the one before"),
        Column("resurrecting", COUNT, "users who were active in the period and earlier, but not in the one before"),
        Column("dormant", COUNT, "users who were active in the period before and not in this one"),
        Column("complete", FLAG, "whether the period had ended at the cut; until then its dormant users may yet come"),
    ),
    clustered_by=("as_of",),
    written_by="build_lifecycle",
)
