"""Estimate users' engagement by period: hidden states that explain the days on which they were active."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

import pandas as pd
from pyspark.sql import Window
from pyspark.sql import functions as F

from segmentation.frames import conform, small_frame
from segmentation.sequences.hidden import HiddenStates, choose_states, decode
from segmentation.tables import ENGAGEMENT_STATES, ENGAGEMENT_STAYS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import date

    from pyspark.sql import Column, DataFrame, Row

    from segmentation.sequences.hidden import Decoded
    from segmentation.sequences.params import EngagementParams

STAYS = """user_id string, first_ago int, last_ago int, state int, certainty double, active_days bigint,
purchases bigint"""


def build_activity(user_days: DataFrame, *, as_of: date, params: EngagementParams) -> DataFrame:
    """Divide users' days into sequences of periods.

    Grain: a user's day as known at the cut -> a user with a day before it. Periods of `period_days` days are counted
    back from the cut, so that the newest is whole; the first is that of the user's first day, but at most `periods`
    back. A period without a day counts 0.

    Returns:
        user_id; active_days and purchases per period, oldest first.
    """
    ago = F.floor((F.datediff(F.lit(as_of), "event_date") - 1) / params.period_days).cast("int")
    periods = (
        user_days.where(F.col("event_date") < F.lit(as_of))
        .groupBy("user_id", ago.alias("ago"))
        .agg(F.count(F.lit(1)).cast("int").alias("active_days"), F.sum("purchases").alias("purchases"))
    )
    kept = F.when(F.col("ago") < params.periods, F.struct("ago", F.struct("active_days", "purchases").alias("of")))
    of_user = periods.groupBy("user_id").agg(
        F.least(F.max("ago"), F.lit(params.periods - 1)).alias("first"),
        F.map_from_entries(F.collect_list(kept)).alias("known"),
    )
    agos = F.sequence("first", F.lit(0), F.lit(-1))

    def per_period(name: str) -> Column:
        return F.transform(agos, lambda i: F.coalesce(F.try_element_at("known", i)[name], F.lit(0))).alias(name)

    return of_user.select("user_id", per_period("active_days"), per_period("purchases"))


def find_states(activity: DataFrame, *, params: EngagementParams) -> HiddenStates:
    """Find the hidden states in a sample of users.

    Grain: rows of :func:`build_activity` -> one model. The sample is the `sample_users` users with the least hash of
    their id: as good as random, and the same whatever the order of rows.
    """
    sample = activity.orderBy(F.xxhash64("user_id"), "user_id").limit(params.sample_users)
    sequences = [row["active_days"] for row in sample.select("active_days").collect()]
    return choose_states(sequences, most=params.max_states, greatest=params.period_days)


def build_engagement_stays(
    activity: DataFrame, *, model: HiddenStates, as_of: date, params: EngagementParams
) -> DataFrame:
    """Decode every user's periods, and put those in a row that have one state together.

    Grain: a row of :func:`build_activity` -> rows of `engagement_stays`, which cover the user's periods without a gap.
    Decoding is distributed, without an exchange of its own: a sequence is as long as its periods, which are capped.
    """

    def decode_batches(batches: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for batch in batches:
            decoded = decode(model, list(batch["active_days"]))
            parts = zip(batch["user_id"], batch["active_days"], batch["purchases"], decoded, strict=True)
            rows = [row for part in parts for row in _stays(*part)]
            yield pd.DataFrame(rows, columns=[column.split()[0] for column in STAYS.split(",")])

    stays = activity.mapInPandas(decode_batches, STAYS)
    order = Window.partitionBy("user_id").orderBy(F.col("first_ago").desc())
    days = F.lit(params.period_days)
    laid_out = stays.select(
        "*",
        F.lit(as_of).alias("as_of"),
        F.date_sub(F.lit(as_of), (F.col("first_ago") + 1) * days).alias("started_date"),
        F.date_sub(F.lit(as_of), F.col("last_ago") * days).alias("until_date"),
        (F.col("first_ago") - F.col("last_ago") + 1).alias("periods"),
        F.lag("state").over(order).alias("previous_state"),
        (F.col("last_ago") == 0).alias("is_current"),
        F.lit(model.version).alias("version"),
    )
    return conform(laid_out, ENGAGEMENT_STAYS)


def describe_states(stays: DataFrame, *, model: HiddenStates, as_of: date, params: EngagementParams) -> DataFrame:
    """Say what the states are: rows of `engagement_states`, one per state, with what users did in them.

    Grain: rows of `engagement_stays` -> a state. A state to which no user was ever decoded counts 0.
    """
    sums = stays.groupBy("state").agg(
        F.count_if("is_current").alias("users"), F.sum("periods").alias("periods"), F.sum("purchases").alias("bought")
    )
    found = {row["state"]: row for row in sums.collect()}  # a row per state
    rows = [_describe(state, found.get(state), model, as_of, params) for state in range(1, len(model.start) + 1)]
    return small_frame(stays.sparkSession, rows, ENGAGEMENT_STATES.schema)


def _describe(
    state: int, found: Row | None, model: HiddenStates, as_of: date, params: EngagementParams
) -> tuple[object, ...]:
    at = state - 1
    users, periods, bought = (found["users"], found["periods"], found["bought"]) if found else (0, 0, 0)
    leaves = 1 - model.moves[at][at]
    row = {
        "as_of": as_of,
        "state": state,
        "users": users,
        "periods": periods,
        "active_days_mean": model.means[at],
        "active_days_shares": list(model.emissions[at]),
        "purchases_mean": bought / periods if periods else None,
        "start_share": model.start[at],
        "move_shares": list(model.moves[at]),
        "stay_mean_periods": 1 / leaves if leaves > 0 else None,
        "period_days": params.period_days,
        "bics": list(model.bics),
        "log_likelihood": model.log_likelihood,
        "sampled_users": model.sequences,
        "version": model.version,
    }
    return tuple(row[name] for name in ENGAGEMENT_STATES.names)


def _stays(
    user: str, active_days: Sequence[int], purchases: Sequence[int], decoded: Decoded
) -> Iterator[tuple[object, ...]]:
    """Put periods of one state in a row together, oldest first; states are counted from 1."""
    last = len(active_days) - 1
    for state, group in groupby(range(last + 1), key=lambda i: int(decoded.states[i])):
        begin, *_ = span = list(group)
        end = span[-1] + 1
        yield (
            user,
            last - begin,
            last - span[-1],
            state + 1,
            float(decoded.certainty[begin:end].mean()),
            int(sum(active_days[begin:end])),
            int(sum(purchases[begin:end])),
        )
