"""Checks of what events carry: properties that are new, or whose values are of another type than before."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, NamedTuple

from pyspark.sql import functions as F

from segmentation.quality.declarations import NewProperties, RetypedProperties
from segmentation.quality.results import Result, list_names

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import Column, DataFrame

    from segmentation.quality.declarations import NamedCheck
    from segmentation.quality.judge_events import Midnight

DRIFT_RULES = (NewProperties, RetypedProperties)
NUMBER = r"^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$"
MOST = 10_000
"""Properties that are looked at, the most frequent first: names may be made by users."""


class Property(NamedTuple):
    """A property of a source's events."""

    source: str
    name: str
    usual: str | None
    """The most frequent type on the trailing days; None: it was not there."""
    before: int
    """Values of the trailing days."""
    before_other: int
    """Those of them that are not of the usual type."""
    now: int
    """Values of the checked days."""
    now_other: int
    """Those of them that are not of the usual type."""


def measure_properties(
    events: DataFrame, *, trailing: int, days: Sequence[date], until: Midnight
) -> tuple[Property, ...]:
    """Count the types of all properties on the checked days and the trailing days before them, in one pass.

    Grain: an event -> one `Property` per source and name, the MOST frequent ones. Only those days are read.

    Args:
        events: rows of `events`.
        trailing: days before the first checked one.
        days: checked days, without gaps.
        until: midnight of the cut.
    """
    first = min(days)
    read = events.where(
        F.col("event_date").between(F.lit(first - timedelta(days=trailing)), F.lit(max(days)))
        & (F.col("received_at") < until.instant)
    )
    ranked = count_types(read, since=first).orderBy(F.desc(F.col("before") + F.col("now")), "source", "name")
    return tuple(Property(**row.asDict()) for row in ranked.limit(MOST).collect())


def count_types(events: DataFrame, *, since: date) -> DataFrame:
    """Count values by type before `since` and from it on.

    Grain: an event -> a row per source and property. A JSON null is no value. The usual type is the most frequent
    before; of two as frequent ones the first by name.

    Returns:
        the columns of :class:`Property`.
    """
    values = F.try_variant_get(F.try_parse_json("properties"), "$", "map<string,variant>")
    entries = events.select(
        "source", (F.col("event_date") >= F.lit(since)).alias("is_now"), F.explode(F.map_entries(values)).alias("e")
    )
    typed = entries.select("source", "is_now", F.col("e.key").alias("name"), json_type(F.col("e.value")).alias("type"))
    counts = (
        typed.where("type IS NOT NULL")
        .groupBy("source", "name", "type")
        .agg(F.count_if("is_now").alias("now"), F.count_if(~F.col("is_now")).alias("before"))
    )
    rank = F.when(F.col("before") > 0, F.struct(-F.col("before"), F.col("type")))
    usual = counts.groupBy("source", "name").agg(
        F.min_by("type", rank).alias("usual"),
        F.sum("before").alias("before"),
        F.sum("now").alias("now"),
        F.max("before").alias("before_usual"),
        F.min_by("now", rank).alias("now_usual"),
    )
    return usual.select(
        *("source", "name", "usual", "before", "now"),
        (F.col("before") - F.col("before_usual")).alias("before_other"),
        (F.col("now") - F.coalesce("now_usual", F.lit(0))).alias("now_other"),
    )


def judge_properties(
    check: NamedCheck, properties: Sequence[Property], source: str, *, has_before: bool
) -> list[Result]:
    """Judge one source by a check of its properties; other kinds give nothing.

    Args:
        check: the check.
        properties: of all sources.
        source: the source.
        has_before: whether the source has events on the trailing days.
    """
    rule = check.rule
    if not isinstance(rule, DRIFT_RULES):
        return []
    if not has_before:
        return [Result(check, source, "no events on the trailing days", at_most=float(rule.at_most))]
    own = sorted((one for one in properties if one.source == source), key=lambda one: one.name)
    if isinstance(rule, NewProperties):
        new = [f"{one.name} ({one.now} values)" for one in own if not one.before and one.now >= rule.min_values]
        evidence = f"new: {list_names(new)}" if new else f"{len(own)} properties, none of them new"
        return [Result(check, source, evidence, value=float(len(new)), at_most=float(rule.at_most))]
    return [_judge_retyped(check, rule, own, source)]


def _judge_retyped(check: NamedCheck, rule: RetypedProperties, own: Sequence[Property], source: str) -> Result:
    judged = [one for one in own if min(one.before, one.now) >= rule.min_values]
    if not judged:
        return Result(check, source, f"no property has {rule.min_values} values on both sides", at_most=rule.at_most)
    rises = {one: one.now_other / one.now - one.before_other / one.before for one in judged}
    beyond = sorted((one for one in judged if rises[one] > rule.at_most), key=lambda one: (-rises[one], one.name))
    said = [
        f"{one.name} (not {one.usual}: {one.now_other} of {one.now} values, {one.before_other} of {one.before} before)"
        for one in beyond
    ]
    evidence = f"retyped: {list_names(said)}" if said else f"{len(judged)} properties, none of them retyped"
    worst = max(judged, key=lambda one: rises[one])
    value = max(0.0, rises[worst])
    return Result(check, source, evidence, value=value, part=worst.now_other, whole=worst.now, at_most=rule.at_most)


def json_type(value: Column) -> Column:
    """Name the type of a variant. A text that reads as a number or a truth value says so: many sources send texts."""
    kind = F.schema_of_variant(value)  # null for no value, VOID for a JSON null
    text = F.try_variant_get(value, "$", "string")
    of_text = (
        F.when(text.rlike(NUMBER), "number in quotes")
        .when(F.lower(text).isin("true", "false"), "boolean in quotes")
        .otherwise("text")
    )
    return (
        F.when(kind == "STRING", of_text)
        .when(kind == "VOID", F.lit(None))
        .when(kind == "BOOLEAN", "boolean")
        .when(kind.startswith("OBJECT"), "object")
        .when(kind.startswith("ARRAY"), "array")
        .otherwise("number")
    )
