"""Features of an account at a cut. The feature columns are those of `user_features`, without traits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segmentation.tables.table import DAY, STRING, Column, Table

if TYPE_CHECKING:
    from collections.abc import Iterable

ACCOUNT_KEYS = (
    Column("account_id", STRING, "the account, as the source tells it"),
    Column("as_of", DAY, "cut, exclusive: only what happened and was received before it counts"),
    Column("feature_set_version", STRING, "fingerprint of the feature parameters and catalogue"),
)


def account_features_table(features: Iterable[Column]) -> Table:
    """Return the contract of `account_features` with the catalogue's columns."""
    return Table(
        name="account_features",
        grain="an account at a cut",
        key=("account_id", "as_of"),
        columns=(*ACCOUNT_KEYS, *features),
        clustered_by=("as_of",),
        written_by="build_accounts",
    )


ACCOUNT_FEATURES = account_features_table(())
