"""Contract of `trait_observations`: what each event tells of a person, from which `profiles` is updated."""

from segmentation.tables.table import COUNT, INSTANT, STRING, Column, Table

TRAIT_OBSERVATIONS = Table(
    name="trait_observations",
    grain="a trait that an event tells, as one run of build_profiles counted it",
    key=("user_id", "trait", "event_at", "sequence_no", "source", "event_id", "received_at", "events_version"),
    columns=(
        Column("user_id", STRING, "the person"),
        Column("trait", STRING, "name of the trait in conf/profiles.yaml"),
        Column("event_at", INSTANT, "when the event happened (UTC)"),
        Column("sequence_no", COUNT, "the source's own order of a user's events; null: none mapped", nullable=True),
        Column("source", STRING, "source of the event"),
        Column("event_id", STRING, "the event"),
        Column("received_at", INSTANT, "when it was received (UTC)"),
        Column("value", STRING, "the value, as its type is written; null: the trait ends", nullable=True),
        Column("events", COUNT, "1: the run added it, -1: removed it; the sum over all runs counts"),
        Column("events_version", COUNT, "version of `events` whose changes the run counted"),
    ),
    clustered_by=("event_at",),  # no names: their minimum and maximum would stay in the log of an erased person
    deletion_vectors=True,
    written_by="build_profiles",
)
