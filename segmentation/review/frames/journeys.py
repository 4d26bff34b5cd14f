"""Summarise transitions between states, paths and drop-offs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from segmentation.review.frames.records import Records, fetch_records
from segmentation.sequences.rates import build_drop_off, build_rates, group_states
from segmentation.tables import EXIT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import DataFrame


def sum_transitions(transitions: DataFrame) -> DataFrame:
    """Add up the transitions of all days and platforms: from_state x to_state."""
    return transitions.groupBy("from_state", "to_state").agg(F.sum("transitions").alias("transitions"))


def rank_states(transitions: DataFrame, limit: int) -> list[str]:
    """Return the states visited most, most first, ties by name."""
    visits = transitions.where(F.col("to_state") != EXIT).groupBy("to_state").agg(F.sum("transitions").alias("visits"))
    return [row["to_state"] for row in visits.orderBy(F.col("visits").desc(), "to_state").limit(limit).collect()]


def rate_transitions(transitions: DataFrame, states: Sequence[str]) -> Records:
    """Rate the transitions between the named states; all others are one bucket, so that flows add up."""
    rates = build_rates(group_states(transitions, keep=states))
    return fetch_records(
        rates.orderBy(F.col("departures").desc(), "from_state", F.col("transitions").desc(), "to_state")
    )


def rank_drop_off(transitions: DataFrame, states: Sequence[str]) -> Records:
    """Rank the named states (and the bucket of all others) by the share of visits that end the session."""
    drop_off = build_drop_off(group_states(transitions, keep=states))
    return fetch_records(drop_off.orderBy(F.col("drop_off").desc(), F.col("visits").desc(), "state"))


def list_top_paths(paths: DataFrame, limit: int) -> Records:
    """List the most frequent paths with their share of all sessions; the rest is one last record (path null).

    Grain: a row of `sequences.paths.build_paths` -> path x ended, ties by path.
    """
    total = paths.agg(F.sum("sessions").alias("total"), F.count("*").alias("paths")).collect()[0]
    top = fetch_records(
        paths.orderBy(F.col("sessions").desc(), F.size("path"), F.to_json("path"), "ended").limit(limit)
    )
    rest = (total["total"] or 0) - sum(record["sessions"] for record in top)
    if rest:
        top.append({"path": None, "ended": None, "sessions": rest, "paths": total["paths"] - len(top)})
    return [{**record, "share": record["sessions"] / total["total"]} for record in top]


def list_flows(flows: DataFrame) -> Records:
    """List the flows from step to step (see `sequences.paths.build_flows`), largest first within a step."""
    return fetch_records(
        flows.orderBy("step", F.col("sessions").desc(), "from_state", F.col("to_state").asc_nulls_last())
    )
