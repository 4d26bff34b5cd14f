"""Find the value of each trait: by period, and at cuts."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pyspark.sql import Window
from pyspark.sql import functions as F

from segmentation.checkpoints import checkpoint_counted
from segmentation.frames import conform
from segmentation.profiles.observations import OBSERVATION, sum_observations
from segmentation.sessions.as_of import before_cut
from segmentation.tables import PROFILES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from pyspark.sql import Column, DataFrame

    from segmentation.checkpoints import Counted
    from segmentation.profiles.params import ProfileParams

OWNER = ("user_id", "trait")


class ProfileChange(NamedTuple):
    """Rows of `profiles` to replace."""

    owners: Counted
    """The persons and traits (OWNER) whose rows are replaced, each once."""
    rows: DataFrame
    """Their new rows."""


def update_profiles(changed: DataFrame, stored: DataFrame, params: ProfileParams) -> ProfileChange:
    """Find the rows of `profiles` that a change of observations replaces; without stored ones, all rows.

    Args:
        changed: OBSERVATION and `events`, negative if they were removed.
        stored: rows of `trait_observations` before the change.
        params: the ranks of sources.
    """
    owners = checkpoint_counted(changed.select(*OWNER).distinct())
    known = stored.select(*OBSERVATION, "events").join(owners.hinted, list(OWNER), "left_semi")
    standing = sum_observations(known.unionByName(changed.select(*OBSERVATION, "events")))
    return ProfileChange(owners, find_periods(standing, params))


def find_periods(observations: DataFrame, params: ProfileParams) -> DataFrame:
    """Find the periods of each person's traits.

    Grain: an observation, each once -> a row of `profiles`. A period begins with the event that tells another value
    than before; that the value is told again begins none. Of several observations at one instant the greatest by
    (sequence_no, rank of the source, event_id) counts, nulls being greatest. The result depends on no other order.
    """
    greatest = F.max_by(F.struct("value", "source"), F.struct(*_precedence(params))).alias("told")
    instants = observations.groupBy(*OWNER, "event_at").agg(greatest).select(*OWNER, "event_at", "told.*")
    in_time = Window.partitionBy(*OWNER).orderBy("event_at")
    before = instants.select("*", F.lag("value").over(in_time).alias("before"))
    # An end without a value before it changes nothing: both are null.
    changes = before.where(~F.col("value").eqNullSafe(F.col("before")))
    ended = changes.select("*", F.lead("event_at").over(in_time).alias("valid_to_at"))
    periods = ended.where(F.col("value").isNotNull()).withColumnRenamed("event_at", "valid_from_at")
    return conform(periods, PROFILES)


def values_at(observations: DataFrame, params: ProfileParams, *, cuts: Sequence[date], time_zone: str) -> DataFrame:
    """Find the values of all traits at several cuts, as known at each.

    Grain: rows of `trait_observations` -> a person's trait that has a value at a cut: `as_of`, `user_id`, `trait`,
    `value`. Only events that happened and were received before the cut count. Persons are those of today.
    """
    known = (F.when(before_cut(cut, time_zone), F.lit(cut)) for cut in cuts)
    at_cuts = sum_observations(observations).select("*", F.explode(F.array_compact(F.array(*known))).alias("as_of"))
    newest = F.struct(F.col("event_at"), *_precedence(params))
    told = at_cuts.groupBy("as_of", *OWNER).agg(F.max_by(F.struct("value"), newest).alias("told"))
    return told.select("as_of", *OWNER, "told.value").where("value IS NOT NULL")


def _precedence(params: ProfileParams) -> list[Column]:
    """Return what decides between observations of one instant; the last three only between sources without a rank."""
    ranks = [part for name in params.sources for part in (F.lit(name), F.lit(params.rank(name)))]
    rank = F.coalesce(F.create_map(*ranks)[F.col("source")], F.lit(0)) if ranks else F.lit(0)
    return [
        F.isnull("sequence_no").alias("_no_sequence"),
        F.col("sequence_no"),
        rank.alias("_rank"),
        *map(F.col, ("event_id", "received_at", "source", "value")),
    ]
