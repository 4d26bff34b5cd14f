"""Contract of `identity_evidence`: logins and pairs of identifiers in events, from which `identities` is updated."""

from segmentation.tables.table import COUNT, INSTANT, STRING, Column, Table

IDENTITY_EVIDENCE = Table(
    name="identity_evidence",
    grain="a login on a device, or a pair of identifiers of persons in one event, as one run counted it",
    key=("identifier", "beside", "event_at", "events_version"),
    columns=(
        Column("identifier", STRING, "the device of a login; of a pair the greater identifier, by bytes"),
        Column("beside", STRING, "the identifier that logged in; of a pair the lesser one"),
        Column("event_at", INSTANT, "when the login happened (UTC); null: a pair", nullable=True),
        Column("events", COUNT, "events that the run added, less those it removed; the sum over all runs counts"),
        Column("events_version", COUNT, "version of `events` whose changes the run counted"),
    ),
    clustered_by=("event_at",),  # no names: their minimum and maximum would stay in the log of an erased person
    deletion_vectors=True,
    written_by="apply_identities",
)
