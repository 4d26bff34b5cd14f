"""Count the transitions between states by day, over the days whose rates are compared."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from segmentation.monitoring.rates import first_day
from segmentation.sequences.markov import count_flows
from segmentation.sequences.steps import build_steps
from segmentation.sessions.as_of import before_cut

if TYPE_CHECKING:
    from datetime import date

    from pyspark.sql import DataFrame

    from segmentation.monitoring.params import MonitoringParams
    from segmentation.sequences.states import StateMapping

DailyFlows = dict["date", dict[tuple[str, str], int]]
"""Day of the session's start -> (from_state, to_state) -> transitions."""


def count_daily_flows(
    events: DataFrame, *, states: StateMapping, as_of: date, time_zone: str, params: MonitoringParams
) -> DailyFlows:
    """Count the transitions of the days before a cut that `monitoring` compares.

    Args:
        events: stored events of any time; only those known at the cut are counted.
        states: names the state of each event.
        as_of: the cut, a day of `time_zone`, exclusive.
        time_zone: the reporting zone, in which days are counted.
        params: the number of days.
    """
    known = events.where(before_cut(as_of, time_zone))
    recent = known.where(F.col("event_date") >= F.lit(first_day(as_of, params)))
    steps = build_steps(recent, states=states, time_zone=time_zone)
    daily: DailyFlows = {}
    for row in count_flows(steps, by=["session_date"]).collect():  # a row per day and pair of states
        daily.setdefault(row["session_date"], {})[row["from_state"], row["to_state"]] = row["transitions"]
    return daily
