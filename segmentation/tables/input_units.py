"""Input units that were received: what makes the same file given twice change nothing, and what a rebuild reads."""

from segmentation.tables.table import COUNT, INSTANT, STRING, Column, Table

INPUT_UNITS = Table(
    name="input_units",
    grain="an input unit received",
    key=("unit_id",),
    columns=(
        Column(
            "unit_id",
            STRING,
            "identity of the unit: hash of source, path, size and modification time; of messages: of source, topic, "
            "partition and offsets",
        ),
        Column("source", STRING, "name of the mapping that read it"),
        Column("path", STRING, "where the unit stands; inputs stay in place, they are the raw layer"),
        Column("format", STRING, "csv, csv_records, json, parquet, text or kafka: how positions in it are told"),
        Column("bytes", COUNT, "size"),
        Column("modified_at", INSTANT, "modification time (UTC)"),
        Column(
            "arrived_at",
            INSTANT,
            "when its records were received (UTC), told at first receipt by the modification time or the name, and "
            "kept by every rebuild; null: the mapping does not take receipt from the unit",
            nullable=True,
        ),
        Column("run_id", STRING, "run that took it in, or that found it superseded"),
        Column(
            "superseded_by",
            STRING,
            "unit in whose place none of its records stand any more (conf/sources: supersede); null: they stand",
            nullable=True,
        ),
    ),
    written_by="ingest_events",
)
