"""Contract of `quality_results`: one verdict per check on data, source and day."""

from segmentation.tables.table import COUNT, DAY, REAL, STRING, Column, Table

QUALITY_RESULTS = Table(
    name="quality_results",
    grain="check x source x day x cut",
    key=("check", "source", "day", "as_of"),
    columns=(
        Column("check", STRING, "file and name of the check in conf/quality: 'basics.volume'"),
        Column("kind", STRING, "completeness, range, accepted_values, freshness, volume, event_names, share, ..."),
        Column("level", STRING, "error or warning"),
        Column("source", STRING, "source that was looked at"),
        Column("day", DAY, "day that was looked at; null: not a matter of one day", nullable=True),
        Column("as_of", DAY, "cut, exclusive"),
        Column("value", REAL, "what was found: a share, hours or a count; null: not judged", nullable=True),
        Column("part", COUNT, "the share's numerator; null: no share", nullable=True),
        Column("whole", COUNT, "the share's denominator; null: no share", nullable=True),
        Column("at_least", REAL, "least value that passes; null: none", nullable=True),
        Column("at_most", REAL, "greatest value that passes; null: none", nullable=True),
        Column("status", STRING, "passed, warned (a warning's limit broken), failed (an error's), not_judged"),
        Column("evidence", STRING, "what the verdict rests on, in words; names of events and properties, never values"),
    ),
    clustered_by=("as_of",),
    written_by="check_quality",
)
