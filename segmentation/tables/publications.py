"""The pointer that moves several tables together for readers."""

from segmentation.tables.table import INSTANT, STRING, VERSIONS, Column, Table

PUBLICATIONS = Table(
    name="publications",
    grain="a publish",
    key=("publication_id",),
    columns=(
        Column("publication_id", STRING, "running number with leading zeros: the greatest is current"),
        Column("run_id", STRING, "run that published"),
        Column("published_at", INSTANT, "when (UTC)"),
        Column("tables", VERSIONS, "Delta version of every published table"),
        Column("contents", VERSIONS, "version at which a table's rows last changed: compaction only moves files"),
        Column("bases", VERSIONS, "contents of `events` that each derived table reflects"),
    ),
    written_by="every job that writes",
)
