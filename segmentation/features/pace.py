"""Features of the speed of a user's actions, by which bots without a bot's user agent are found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from segmentation.features.feature import Feature, Window
from segmentation.tables.items import HOUR, ITEM_COUNTS
from segmentation.tables.table import COUNT

if TYPE_CHECKING:
    from datetime import date

    from pyspark.sql import Column, DataFrame

    from segmentation.features.params import BotParams, FeatureParams

PACE = "events_in_an_hour_max_life"


def features(_params: FeatureParams) -> tuple[Feature, ...]:
    """Return the family's feature."""
    return (
        Feature(
            PACE,
            "events",
            "most events ever in one hour of a day (of the reporting zone, from :00 to :59)",
            f"max(if(dimension = '{HOUR}', n_in_a_day_max, 0))",
            Window(),
            source=ITEM_COUNTS,
            type=COUNT,
        ),
    )


def is_bot(params: BotParams) -> Column:
    """Tell whether a user's features say that no person acted: more events in an hour than `hourly_events_max`."""
    return F.col(PACE) > params.hourly_events_max


def select_people(users: DataFrame, params: BotParams) -> DataFrame:
    """Keep the rows (of `user_features`) of those who act at a person's pace; all where the policy is to keep bots."""
    return users if params.policy == "flag" else users.where(~is_bot(params))


def find_bots(item_counts: DataFrame, *, as_of: date, params: BotParams) -> DataFrame:
    """Find the users whose feature at the cut would make them bots, without their features.

    Grain: a user's day x dimension x item -> a user (`user_id`).
    """
    hours = item_counts.where((F.col("dimension") == HOUR) & (F.col("event_date") < F.lit(as_of)))
    return hours.where(F.col("n") > params.hourly_events_max).select("user_id").distinct()
