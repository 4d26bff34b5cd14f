"""Find the account of each event: the company for which the person acts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from segmentation.profiles.observations import read_value, sum_observations
from segmentation.profiles.params import ACCOUNT
from segmentation.profiles.periods import find_periods
from segmentation.sessions.as_of import CutTables, before_cut, tables_of
from segmentation.sessions.orders import judge_all

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from pyspark.sql import DataFrame

    from segmentation.parameters import WorkspaceParams
    from segmentation.profiles.params import ProfileParams, TraitPlace
    from segmentation.sessions.params import SessionParams

ACCOUNT_ID = "account_id"


def add_accounts(events: DataFrame, accounts: DataFrame, places: Sequence[TraitPlace]) -> DataFrame:
    """Add `account_id` to the events that have one, and leave the others out.

    It is what a mapping's `account_id` tells, else the value of the person's trait `account` at `event_at`.

    Args:
        events: rows of `events`.
        accounts: rows of `profiles` of this trait; other traits are left out. Periods of a person do not overlap.
        places: where mappings tell the account.
    """
    of_trait = accounts.where(F.col("trait") == ACCOUNT).select(
        F.col("user_id").alias("_person"), "valid_from_at", "valid_to_at", F.col("value").alias("_account")
    )
    holds = (F.col("event_at") >= F.col("valid_from_at")) & (
        F.col("valid_to_at").isNull() | (F.col("event_at") < F.col("valid_to_at"))
    )
    known = events.join(of_trait, (F.col("user_id") == F.col("_person")) & holds, "left")
    found = known.withColumn(ACCOUNT_ID, F.coalesce(read_value(places), "_account"))
    return found.where(F.col(ACCOUNT_ID).isNotNull()).select(*events.columns, ACCOUNT_ID)


def account_events(
    events: DataFrame,
    observations: DataFrame,
    users: DataFrame,
    *,
    places: Sequence[TraitPlace],
    params: ProfileParams,
    as_of: date,
    time_zone: str,
) -> DataFrame:
    """Return the events of a cut that have an account, with `account_id`.

    Orders are judged over all events of the cut, so an order counts once, in the account of the event that stands.

    Args:
        events: all stored events.
        observations: rows of `trait_observations`.
        users: `user_id` of the persons whose events count.
        places: where mappings tell the account.
        params: the ranks of sources that tell traits.
        as_of: the cut.
        time_zone: the reporting zone.
    """
    known = before_cut(as_of, time_zone)
    told = sum_observations(observations.where(known & (F.col("trait") == ACCOUNT)))
    theirs = judge_all(events.where(known)).join(users, "user_id", "left_semi")
    return add_accounts(theirs, find_periods(told, params), places)


def account_tables(events: DataFrame, *, workspace: WorkspaceParams, sessions: SessionParams) -> CutTables:
    """Compute sessions, days and counts of accounts; `user_id` is the account.

    A session is one of a person within an account: colleagues do not share sessions.

    Args:
        events: of :func:`account_events`.
        workspace: zone and currency.
        sessions: the timeout and other limits.
    """
    apart = events.withColumn("user_id", F.to_json(F.array(ACCOUNT_ID, "user_id")))
    return tables_of(apart, workspace=workspace, sessions=sessions, owner=ACCOUNT_ID)
