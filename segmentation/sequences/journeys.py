"""Journeys of groups: their flows, what is to be expected from each state, and how long their memory is."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import astuple
from typing import TYPE_CHECKING, NamedTuple

from pyspark.sql import functions as F

from segmentation.frames import conform, small_frame
from segmentation.sequences.chain import compare_orders, outlooks
from segmentation.sequences.groups import split_groups
from segmentation.sequences.markov import count_flows, count_triples, rate_flows
from segmentation.sequences.paths import OTHER
from segmentation.tables import EXIT, JOURNEY_CHAINS, JOURNEY_FLOWS, JOURNEY_STATES, START

if TYPE_CHECKING:
    from datetime import date

    from pyspark.sql import DataFrame

    from segmentation.sequences.params import SequenceParams

GROUP = ("dimension", "item")


def keep_frequent(steps: DataFrame, *, limit: int, always: tuple[str, ...]) -> DataFrame:
    """Put all but the most frequent states into one bucket, so that matrices stay small and flows add up.

    Grain: a row of `build_steps` -> the same, with state, previous_state and next_state as named by the bucket.

    Args:
        steps: rows of `build_steps`.
        limit: states by name, most frequent first, ties by name.
        always: states that keep their names whatever their rank.
    """
    ranked = steps.groupBy("state").count().orderBy(F.col("count").desc(), "state").limit(limit + 1).collect()
    if len(ranked) <= limit:
        return steps
    kept = sorted({*(row["state"] for row in ranked[:limit]), *always})
    names = ("state", "previous_state", "next_state")
    grouped = {
        name: F.when(F.col(name).isNull() | F.col(name).isin(*kept), F.col(name)).otherwise(OTHER) for name in names
    }
    return steps.withColumns(grouped)


class Journeys(NamedTuple):
    """Rows of the three tables, as frames."""

    flows: DataFrame
    states: DataFrame
    chains: DataFrame


def build_journeys(steps: DataFrame, *, params: SequenceParams, as_of: date, memberships: DataFrame) -> Journeys:
    """Build the chains of all groups.

    Grain: a row of `build_steps` before the cut -> rows of `journey_flows`, `journey_states` and `journey_chains`. A
    session is in the group of all, and in one or none per dimension (rules: any number). Flows and triples of states,
    of which there are at most groups x states^3, reach the driver; steps do not.
    """
    named = keep_frequent(steps, limit=params.max_states, always=params.goals)
    grouped = split_groups(named, dimensions=params.groups, at=F.col("session_date"), memberships=memberships)
    rated = rate_flows(count_flows(grouped, by=GROUP), by=GROUP).withColumn("as_of", F.lit(as_of))
    flows = conform(rated, JOURNEY_FLOWS)
    of_group: dict[tuple[str, str], dict[tuple[str, str], int]] = defaultdict(dict)
    for row in flows.collect():
        of_group[row["dimension"], row["item"]][row["from_state"], row["to_state"]] = row["transitions"]
    triples: dict[tuple[str, str], dict[tuple[str, str, str], int]] = defaultdict(dict)
    for row in count_triples(grouped, by=GROUP).collect():
        triples[row["dimension"], row["item"]][row["before"], row["state"], row["after"]] = row["transitions"]
    states = [
        (as_of, *group, *row) for group in sorted(of_group) for row in _expectations(of_group[group], params.goals)
    ]
    chains = [
        (as_of, *group, *_sizes(of_group[group]), *astuple(compare_orders(triples[group])))
        for group in sorted(of_group)
    ]
    spark = steps.sparkSession
    return Journeys(
        flows,
        small_frame(spark, states, JOURNEY_STATES.schema),
        small_frame(spark, chains, JOURNEY_CHAINS.schema),
    )


def _expectations(flows: dict[tuple[str, str], int], goals: tuple[str, ...]) -> list[tuple[object, ...]]:
    found = outlooks(flows, goals=goals, end=EXIT)
    rows: list[tuple[object, ...]] = []
    for state in sorted({left for left, _ in flows}):
        visits = sum(n for (left, _), n in flows.items() if left == state)
        rows.append((state, visits, flows.get((state, EXIT), 0), *astuple(found[state])))
    return rows


def _sizes(flows: dict[tuple[str, str], int]) -> tuple[int, int]:
    sessions = sum(n for (left, _), n in flows.items() if left == START)
    return sessions, sum(flows.values()) - sessions
