"""Contract of `profiles`: the traits of each person, by period."""

from segmentation.tables.table import INSTANT, STRING, Column, Table

PROFILES = Table(
    name="profiles",
    grain="a value of a person's trait, for a period",
    key=("user_id", "trait", "valid_from_at"),
    columns=(
        Column("user_id", STRING, "the person"),
        Column("trait", STRING, "name of the trait in conf/profiles.yaml"),
        Column("valid_from_at", INSTANT, "start of the period (UTC), inclusive: the event that told the value first"),
        Column("value", STRING, "the value: text, a number in plain digits, or true or false"),
        Column("source", STRING, "source of the event that told it first"),
        Column("valid_to_at", INSTANT, "end of the period (UTC), exclusive; null: open", nullable=True),
    ),
    clustered_by=("valid_from_at",),  # no names: their minimum and maximum would stay in the log of an erased person
    deletion_vectors=True,
    written_by="build_profiles",
)
