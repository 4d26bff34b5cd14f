"""What happened after a cut: the labels of propensity."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from segmentation.errors import DataError
from segmentation.models.inputs import select_cut

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from pyspark.sql import Column, DataFrame

    from segmentation.models.params import PropensityParams, Target

CHURN = "churn"
PURCHASE = "purchase"
RECENCY = "days_since_last_event"
"""Feature that tells who can churn."""
LABEL = "label"


@dataclass(frozen=True)
class Roles:
    """Which cut is for what."""

    training: tuple[date, ...]
    evaluation: date


def assign_roles(cuts: Sequence[date], *, as_of: date) -> Roles:
    """Split the cuts of `PropensityParams.feature_cuts`: the latest measures, the others train.

    Raises:
        DataError: there are none, because the history is too short.
    """
    if not cuts:
        raise DataError(
            f"the history before {as_of} is too short for propensity: it must hold two label windows and some days "
            f"before them; lower propensity.horizon_days or choose a later --as-of"
        )
    return Roles(tuple(cuts[:-1]), cuts[-1])


def label_users(
    user_features: DataFrame, user_days: DataFrame, *, cut: date, target: Target, params: PropensityParams
) -> DataFrame:
    """Tell for each user of a target's population at a cut what came true in [cut + gap, cut + gap + horizon).

    Grain: a user at a cut, and a user's day -> a user of the population: `user_id`, `cut`, the configured features
    as doubles, `label` 1.0 or 0.0. Who has no day in the window made no purchase, and churned. Nobody is asked about
    events before the cut.

    Args:
        user_features: as built at the cut, from what was known then.
        user_days: as known now.
        cut: day of the reporting zone, exclusive for features.
        target: `purchase` (at least one conversion event) or `churn` (no event).
        params: window, population and features.
    """
    opens = cut + timedelta(days=params.gap_days)
    day = F.col("event_date")
    later = user_days.where((day >= F.lit(opens)) & (day < F.lit(cut + params.step)))
    outcome = later.groupBy("user_id").agg(F.sum("purchases").alias("_purchases"))
    names = tuple(dict.fromkeys((*params.features, RECENCY)))
    users = select_cut(user_features, as_of=cut, features=names).where(in_population(target, params=params))
    came_true = F.col("_purchases") > 0 if target == PURCHASE else F.col("_purchases").isNull()
    label = F.coalesce(came_true, F.lit(False)).cast("double").alias(LABEL)
    return users.join(outcome, "user_id", "left").select("user_id", F.lit(cut).alias("cut"), *params.features, label)


def in_population(target: Target, *, params: PropensityParams) -> Column:
    """Tell whom a target asks about: for churn those with an event in the last `active_days`, else everyone."""
    return F.lit(True) if target == PURCHASE else F.col(RECENCY) <= params.active_days
