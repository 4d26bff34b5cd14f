"""The reconciliation ledger: read = parsed + unparsable, parsed = accepted + duplicate + quarantined + excluded."""

from segmentation.tables.table import COUNT, DAY, STRING, Column, Table

READ = "read"
UNPARSABLE = "unparsable"
PARSED = "parsed"
ACCEPTED = "accepted"
DUPLICATE = "duplicate"
QUARANTINED = "quarantined"
EXCLUDED = "excluded"
"""Left out on purpose, by a rule or bot list of the mapping that says so, or because its month is not kept: counted
here and stored nowhere."""
STAGES = (READ, UNPARSABLE, PARSED, ACCEPTED, DUPLICATE, QUARANTINED, EXCLUDED)

INGEST_LEDGER = Table(
    name="ingest_ledger",
    grain="batch x source x day x event name x stage x reason",
    key=("unit_id", "source", "event_date", "event_name", "stage", "reason"),
    columns=(
        Column("unit_id", STRING, "input unit"),
        Column("source", STRING, "name of the mapping"),
        Column("event_date", DAY, "day of the event; null: could not be read", nullable=True),
        Column("event_name", STRING, "event name; null: could not be read", nullable=True),
        Column("stage", STRING, "one of " + ", ".join(STAGES)),
        Column(
            "reason",
            STRING,
            "first reason of unparsable, quarantined and excluded; null in other stages",
            nullable=True,
        ),
        Column("records", COUNT, "number of records"),
    ),
    clustered_by=("event_date",),
    written_by="ingest_events",
)
