"""Input units that were taken in: what makes the same file given twice change nothing, and what a rebuild reads."""

from segmentation.tables.table import COUNT, INSTANT, STRING, Column, Table

INPUT_UNITS = Table(
    name="input_units",
    grain="an input unit taken in",
    key=("batch_id",),
    columns=(
        Column("batch_id", STRING, "identity of the unit: hash of source, path, size and modification time"),
        Column("source", STRING, "name of the mapping that read it"),
        Column("path", STRING, "where the unit stands; inputs stay in place, they are the raw layer"),
        Column("format", STRING, "csv, json or parquet: how positions in it are told"),
        Column("bytes", COUNT, "size"),
        Column("modified_at", INSTANT, "modification time (UTC)"),
        Column("run_id", STRING, "run that took it in"),
    ),
    written_by="ingest_events",
)
