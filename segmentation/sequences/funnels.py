"""Funnels: how many of those who take the first step get to the last within a window, and how long it takes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, Field
from pyspark.sql import Window
from pyspark.sql import functions as F

from segmentation.errors import ConfigurationError, nearest
from segmentation.event_order import in_order
from segmentation.frames import conform
from segmentation.parameters import Declared, Texts, load_declared
from segmentation.sequences.groups import Dimension, split_groups
from segmentation.sequences.steps import OF_FIRST, SESSION
from segmentation.statistics import wilson_bounds
from segmentation.tables import FUNNELS
from segmentation.tables.events import ORDER

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from pathlib import Path

    from pyspark.sql import Column, DataFrame

FOLDER = "funnels"
UNITS = {"user": ("user_id",), "session": SESSION}
SECOND = 1_000_000


def _not_empty(steps: tuple[tuple[str, ...], ...]) -> tuple[tuple[str, ...], ...]:
    if not all(steps):
        raise ValueError("a step needs at least one state")
    return steps


Steps = Annotated[tuple[Texts, ...], AfterValidator(_not_empty)]
"""Steps of a way; each a state, or a list of states of which any one will do."""


class Funnel(Declared):
    """A funnel: one file in conf/funnels."""

    """Name of the funnel and of its file."""
    description: str = ""
    """Description for readers."""
    steps: Steps = Field(min_length=2)
    """The steps; each a state, or a list of states of which any one will do."""
    order: Literal["ordered", "strict"] = "ordered"
    """`ordered`: other states may lie between the steps; `strict`: none may."""
    unit: Literal["user", "session"] = "user"
    """Unit that passes the funnel: users, over all their sessions, or each session by itself."""
    window_s: int = Field(default=7 * 86_400, ge=1)
    """Seconds from the first step within which a later one counts."""
    by: tuple[Dimension, ...] = ()
    """Groups to tell apart, beside all together."""


def load_funnels(conf_dir: Path) -> tuple[Funnel, ...]:
    """Read all funnels of a configuration folder, sorted by name; a folder without `funnels` has none.

    Raises:
        ConfigurationError: a file is not YAML, not a funnel, or not named like its funnel.
    """
    return load_declared(conf_dir / FOLDER, Funnel)


def choose_funnels(conf_dir: Path, names: Sequence[str], *, key: str) -> tuple[Funnel, ...]:
    """Read the funnels that a parameter names, in its order.

    Args:
        conf_dir: the configuration folder.
        names: names of funnels.
        key: the parameter, for the message.

    Raises:
        ConfigurationError: there is no such funnel, or as for :func:`load_funnels`.
    """
    known = {funnel.name: funnel for funnel in load_funnels(conf_dir)} if names else {}
    for name in names:
        if name not in known:
            raise ConfigurationError(f"{key}: there is no {FOLDER}/{name}.yaml{nearest(name, known)}")
    return tuple(known[name] for name in names)


def find_attempts(steps: DataFrame, *, funnel: Funnel) -> DataFrame:
    """Find how far every user (or session) got in a funnel.

    Grain: a row of `build_steps` -> a user or session that took the first step at least once. Each event can be one
    step of an attempt only; an attempt's steps come one after the other in the order of events. Of all attempts the
    one that got furthest counts; among these the one that was there first, and of those the one that began last.
    Exact: for every event and step the attempt with the latest start that could reach it is carried along, and an
    attempt with an earlier start can do nothing that this one cannot. One exchange (by user or session) and one sort,
    and running windows that hold one row: no list of a user's events is ever made.

    Returns:
        the unit's column and user_id, depth (steps taken), times (UTC micros of the steps taken), the
        columns of OF_FIRST of the first step, last_start (UTC micros of the last event that is a first step).
    """
    return _furthest(_carried(steps, funnel), UNITS[funnel.unit], len(funnel.steps))


def find_latest_starts(steps: DataFrame, *, funnel: Funnel) -> DataFrame:
    """Find, for every number of steps, when the latest attempt began that took so many.

    Grain: a row of `build_steps` -> user x depth (1, 2, ...) that an attempt of the user reached, with last_start (UTC
    micros of its first step). Attempts are those of :func:`find_attempts`; as each event carries the attempt with the
    latest start, no later start got so far.
    """
    starts = [F.max(F.col(f"_{number}.times")[0]) for number in range(1, len(funnel.steps) + 1)]
    of_user = _carried(steps, funnel).groupBy("user_id").agg(F.array(*starts).alias("starts"))
    listed = of_user.select("user_id", F.posexplode("starts").alias("index", "last_start"))
    reached = listed.where(F.col("last_start").isNotNull())
    return reached.select("user_id", (F.col("index") + 1).cast("bigint").alias("depth"), "last_start")


def _carried(steps: DataFrame, funnel: Funnel) -> DataFrame:
    """Carry along, for every event and step n, the attempt with the latest start in which it is step n (`_n`)."""
    unit = UNITS[funnel.unit]
    wanted = {state for step in funnel.steps for state in step}
    seen = steps if funnel.order == "strict" else steps.where(F.col("state").isin(*sorted(wanted)))
    at = F.unix_micros("event_at")
    order = Window.partitionBy(*unit).orderBy(*in_order())
    earlier = order.rowsBetween(Window.unboundedPreceding, -1)
    begun = F.struct(F.array(at).alias("times"), *OF_FIRST)
    ids = (*unit, *ORDER, "state")
    frame = seen.select(*ids, at.alias("_at"), F.when(_is_step(funnel, 0), begun).alias("_1"))
    for number in range(2, len(funnel.steps) + 1):
        last = F.col(f"_{number - 1}")
        before = F.lag(last).over(order) if funnel.order == "strict" else F.max(last).over(earlier)
        frame = (
            frame.select("*", before.alias("_before"))
            .select("*", F.when(_is_step(funnel, number - 1), _extended(funnel.window_s)).alias(f"_{number}"))
            .drop("_before")
        )
    return frame


def build_funnel(
    steps: DataFrame, *, funnel: Funnel, as_of: date, time_zone: str, version: str, memberships: DataFrame
) -> DataFrame:
    """Count how far users (or sessions) get in a funnel, per group.

    Grain: a row of `build_steps` before the cut -> a row of `funnels`. See :func:`find_attempts` for what counts, and
    `groups.split_groups` for the groups. Medians are exact, of times in whole seconds, rounded down.

    Args:
        steps: what happened before the cut.
        funnel: the funnel.
        as_of: the cut.
        time_zone: the reporting zone.
        version: fingerprint of what defines the funnel.
        memberships: rows of `groups.list_memberships`; used where the funnel is told apart by them.
    """
    attempts = find_attempts(steps, funnel=funnel)
    day = F.to_date(F.from_utc_timestamp(F.timestamp_micros(F.col("times")[0]), time_zone))
    midnight = F.unix_micros(F.to_utc_timestamp(F.lit(as_of.isoformat()).cast("timestamp"), time_zone))
    is_open = F.col("last_start") + funnel.window_s * SECOND >= midnight
    grouped = split_groups(
        attempts.withColumn("is_open", is_open), dimensions=funnel.by, at=day, memberships=memberships
    ).groupBy("dimension", "item")
    numbers = range(1, len(funnel.steps) + 1)
    sums = grouped.agg(*(_measure(number).alias(f"_{number}") for number in numbers))
    rows = F.array(*(_row(funnel, number) for number in numbers))
    shown = sums.select("dimension", "item", F.inline(rows)).select(
        "*", F.lit(funnel.name).alias("funnel"), F.lit(as_of).alias("as_of"), F.lit(version).alias("version")
    )
    return conform(shown, FUNNELS)


def _is_step(funnel: Funnel, index: int) -> Column:
    return F.col("state").isin(*funnel.steps[index])


def _extended(window_s: int) -> Column:
    """The attempt before with this event as its next step; null where there is none, or its window has closed."""
    times = F.col("_before.times")
    attempt = F.struct(F.array_append(times, F.col("_at")).alias("times"), *(f"_before.{name}" for name in OF_FIRST))
    return F.when(F.col("_at") - times[0] <= window_s * SECOND, attempt)


def _furthest(frame: DataFrame, unit: tuple[str, ...], length: int) -> DataFrame:
    ended = [
        F.when(
            F.col(f"_{n}").isNotNull(),
            F.struct(F.lit(n).alias("depth"), -F.col("_at"), F.col(f"_{n}").alias("attempt")),
        )
        for n in range(length, 0, -1)
    ]
    best = frame.groupBy(*unit).agg(
        F.max(F.coalesce(*ended)).alias("best"), F.max(F.col("_1.times")[0]).alias("last_start")
    )
    return best.where(F.col("best").isNotNull()).select(*unit, "best.depth", "best.attempt.*", "last_start")


def _measure(number: int) -> Column:
    """Return the aggregate of a group for one step."""
    there = F.col("depth") >= number
    times = F.col("times")

    def median_since(index: int) -> Column:
        elapsed = F.floor((F.get(times, F.lit(number - 1)) - F.get(times, F.lit(index))) / SECOND)
        return F.percentile(F.when(there, elapsed), F.lit(0.5))

    nothing = F.lit(None).cast("double")
    return F.struct(
        F.count_if(there).alias("reached"),
        F.count_if(~there & F.col("is_open")).alias("still_open"),
        (median_since(number - 2) if number > 1 else nothing).alias("from_previous_median_s"),
        (median_since(0) if number > 1 else nothing).alias("from_first_median_s"),
    )


def _row(funnel: Funnel, number: int) -> Column:
    """The row of one step, from all steps' sums."""
    reached, first = F.col(f"_{number}.reached"), F.col("_1.reached")
    lower, upper = wilson_bounds(reached, first)
    before = F.col(f"_{number - 1}.reached") if number > 1 else F.lit(None).cast("bigint")
    before_lower, before_upper = wilson_bounds(reached, before)
    return F.struct(
        F.lit(number).alias("step"),
        F.array(*map(F.lit, funnel.steps[number - 1])).alias("states"),
        reached.alias("reached"),
        F.col(f"_{number}.still_open").alias("still_open"),
        (reached / first).alias("share_of_first"),
        lower.alias("share_of_first_lower"),
        upper.alias("share_of_first_upper"),
        F.try_divide(reached, before).alias("share_of_previous"),
        before_lower.alias("share_of_previous_lower"),
        before_upper.alias("share_of_previous_upper"),
        F.col(f"_{number}.from_previous_median_s").alias("from_previous_median_s"),
        F.col(f"_{number}.from_first_median_s").alias("from_first_median_s"),
    )
