"""Entries into and exits from segments between consecutive cuts of one segmentation."""

from segmentation.tables.table import DAY, STRING, Column, Table

ENTERED = "entered"
EXITED = "exited"
BEHAVIOUR = "behaviour"
DEFINITION = "definition"

SEGMENT_CHANGES = Table(
    name="segment_changes",
    grain="an entry or exit",
    key=("segmentation", "user_id", "segment_id", "changed_at"),
    columns=(
        Column("segmentation", STRING, "'model', or 'rule:<name>'"),
        Column("user_id", STRING, "the person"),
        Column("segment_id", STRING, "segment entered or left"),
        Column("changed_at", DAY, "the later of the two cuts"),
        Column("direction", STRING, f"{ENTERED} or {EXITED}"),
        Column(
            "cause", STRING, f"{BEHAVIOUR}, or {DEFINITION} where the model or rule version differs between the cuts"
        ),
        Column("evidence", STRING, "canonical JSON: what decided"),
    ),
    clustered_by=("changed_at", "segmentation"),
    written_by="score_segments, build_cohorts",
)
