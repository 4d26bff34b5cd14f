"""Features of a user at a cut. The feature columns come from the catalogue in segmentation/features."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segmentation.tables.table import DAY, STRING, Column, Table

if TYPE_CHECKING:
    from collections.abc import Iterable

KEYS = (
    Column("user_id", STRING, "the person"),
    Column("as_of", DAY, "cut, exclusive: only what happened and was received before it counts"),
    Column("feature_set_version", STRING, "fingerprint of the feature parameters and catalogue"),
)


def user_features_table(features: Iterable[Column]) -> Table:
    """Return the contract of `user_features` with the catalogue's columns."""
    return Table(
        name="user_features",
        grain="a user at a cut",
        key=("user_id", "as_of"),
        columns=(*KEYS, *features),
        clustered_by=("as_of",),
        written_by="build_features",
    )


USER_FEATURES = user_features_table(())
