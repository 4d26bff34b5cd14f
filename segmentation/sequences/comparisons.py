"""Comparisons of two groups, declared beforehand: one YAML file each in conf/comparisons."""

from __future__ import annotations

from dataclasses import astuple
from datetime import date
from functools import reduce
from operator import and_
from typing import TYPE_CHECKING

from pydantic import Field
from pyspark.sql import functions as F

from segmentation.frames import small_frame
from segmentation.parameters import Declared, Parameters, Texts, load_declared
from segmentation.sequences.differences import choose_family, compare_flows
from segmentation.sequences.groups import RULE, SEGMENT, TRAIT
from segmentation.sequences.markov import count_flows
from segmentation.tables import JOURNEY_DIFFERENCES

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import Column, DataFrame

FOLDER = "comparisons"


class Side(Parameters):
    """Sessions of a group. All given conditions must hold; without any, all sessions."""

    from_date: date | None = None
    """First day, of the session's start."""
    until_date: date | None = None
    """The day after the last."""
    platforms: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    segments: tuple[str, ...] = ()
    """Names of scored segments, at the newest cut up to this one."""
    rules: tuple[str, ...] = ()
    """Rule segments of conf/segments, at the newest cut up to this one."""
    traits: dict[str, Texts] = Field(default_factory=dict)
    """Trait of conf/profiles.yaml -> values at this cut, one of which the user must have."""


class GroupComparison(Declared):
    """Two groups and the transitions on which they are compared."""

    """Name of the comparison and of its file."""
    description: str = ""
    """The question, for people."""
    a: Side
    """The group in question."""
    b: Side | None = None
    """The reference; null: all sessions that are not in a."""
    within: Side = Side()
    """Conditions that hold for both groups."""
    transitions: tuple[tuple[str, str], ...] = ()
    """The family: [from, to] pairs; empty: every transition made `at_least` times in both groups together."""
    at_least: int = Field(default=100, ge=1)
    rate: float = Field(default=0.05, gt=0, lt=1)
    """Share of false findings among the findings that is accepted (Benjamini-Hochberg)."""

    @property
    def sides(self) -> tuple[Side, ...]:
        """Return the conditions of both groups."""
        return (self.a, self.within, *((self.b,) if self.b else ()))


def load_comparisons(conf_dir: Path) -> tuple[GroupComparison, ...]:
    """Read all comparisons of a configuration folder, sorted by name; a folder without `comparisons` has none.

    Raises:
        ConfigurationError: a file is not YAML, not a comparison, or not named like its comparison.
    """
    return load_declared(conf_dir / FOLDER, GroupComparison)


def build_differences(
    steps: DataFrame, *, comparison: GroupComparison, as_of: date, version: str, memberships: DataFrame
) -> DataFrame:
    """Compare two groups of sessions on a family of transitions.

    Grain: a row of `build_steps` before the cut -> a row of `journey_differences`. Only flows reach the driver. A
    session that is in both groups counts in a.

    Args:
        steps: what happened before the cut.
        comparison: the groups and the family.
        as_of: the cut.
        version: fingerprint of what defines the comparison.
        memberships: rows of `groups.list_memberships`.
    """
    steps = _with_groups(steps, comparison, memberships)
    in_b = F.lit(True) if comparison.b is None else _is_in(comparison.b)
    side = F.when(_is_in(comparison.a), "a").when(in_b, "b")
    sided = steps.where(_is_in(comparison.within)).withColumn("side", side).where(F.col("side").isNotNull())
    counted: dict[str, dict[tuple[str, str], int]] = {"a": {}, "b": {}}
    for row in count_flows(sided, by=["side"]).collect():
        counted[row["side"]][row["from_state"], row["to_state"]] = row["transitions"]
    a, b = counted["a"], counted["b"]
    family = comparison.transitions or choose_family(a, b, at_least=comparison.at_least)
    found = compare_flows(a, b, family=family, rate=comparison.rate)
    name, rate = comparison.name, comparison.rate
    rows = [
        (name, as_of, o.from_state, o.to_state, version, *astuple(o)[2:-1], o.q_value <= rate, o.detectable)
        for o in found
    ]
    return small_frame(steps.sparkSession, rows, JOURNEY_DIFFERENCES.schema)


def _is_in(side: Side) -> Column:
    conditions = [F.lit(True)]
    if side.from_date is not None:
        conditions.append(F.col("session_date") >= F.lit(side.from_date))
    if side.until_date is not None:
        conditions.append(F.col("session_date") < F.lit(side.until_date))
    if side.platforms:
        conditions.append(F.col("platform").isin(*side.platforms))
    if side.channels:
        conditions.append(F.coalesce(F.col("channel").isin(*side.channels), F.lit(False)))
    of_traits = ((TRAIT + name, values) for name, values in sorted(side.traits.items()))
    for kind, names in ((SEGMENT, side.segments), (RULE, side.rules), *of_traits):
        if names:
            wanted = F.array(*(F.lit(f"{kind}:{name}") for name in names))
            conditions.append(F.coalesce(F.arrays_overlap("groups", wanted), F.lit(False)))
    return reduce(and_, conditions)


def _with_groups(steps: DataFrame, comparison: GroupComparison, memberships: DataFrame) -> DataFrame:
    """Give every step the groups of its user, where the comparison asks for them."""
    sides = comparison.sides
    if not any(side.segments or side.rules or side.traits for side in sides):
        return steps
    group = F.concat_ws(":", "dimension", "item")  # a user has one segment, and a few rules and traits at most
    return steps.join(memberships.groupBy("user_id").agg(F.collect_set(group).alias("groups")), "user_id", "left")
