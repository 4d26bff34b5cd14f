"""Contract of `consents`: the current consents of each person."""

from segmentation.tables.table import FLAG, INSTANT, STRING, Column, Table

CONSENTS = Table(
    name="consents",
    grain="a person and a purpose that they said something of",
    key=("user_id", "purpose"),
    columns=(
        Column("user_id", STRING, "the person"),
        Column("purpose", STRING, "what data are used for, in the words of the events"),
        Column("granted", FLAG, "whether it is allowed, by the newest event that says so"),
        Column("decided_at", INSTANT, "when that event happened (UTC)"),
    ),
    clustered_by=("purpose",),
    written_by="build_features",
)
