"""Contract of `identities`: the person of each identifier, by period."""

from segmentation.tables.table import INSTANT, STRING, Column, Table

IDENTITIES = Table(
    name="identities",
    grain="an identifier and the person it belongs to, for a period",
    key=("identifier", "valid_from_at"),
    columns=(
        Column("identifier", STRING, "<namespace>:<value>, as conf/identities.yaml finds it in events"),
        Column("valid_from_at", INSTANT, "start of the period (UTC), inclusive; first of all when it was first seen"),
        Column("person_id", STRING, "least identifier of the person; a device without a person is its own"),
        Column(
            "evidence",
            STRING,
            "person: it identifies one; login: who logged in last; before_login: who would be first to log in; "
            "own: a device without a person; shared: more persons than max_persons_per_device",
        ),
        Column("valid_to_at", INSTANT, "end of the period (UTC), exclusive; null: open", nullable=True),
    ),
    clustered_by=("valid_from_at",),  # no names: their minimum and maximum would stay in the log of an erased person
    deletion_vectors=True,
    written_by="build_identities and apply_identities",
)
