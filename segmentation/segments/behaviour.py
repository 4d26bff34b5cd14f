"""What rule segments ask of users' behaviour: how often something was done, how far somebody got, which sessions."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, NamedTuple

from pyspark.sql import functions as F

from segmentation.segments.measures import column_of, is_since, within
from segmentation.segments.visits import Passed, Visited, count_passed, count_visits
from segmentation.sequences.funnels import find_attempts
from segmentation.sequences.states import fits_any
from segmentation.sequences.steps import build_steps
from segmentation.tables import STEP_SEPARATOR
from segmentation.tables.items import EVENT_NAME, TRANSITION

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date

    from pyspark.sql import Column, DataFrame

    from segmentation.sequences.funnels import Funnel
    from segmentation.sequences.states import StateMapping
    from segmentation.sessions.as_of import CutTables


@dataclass(frozen=True)
class Done:
    """How often a user did one of some things, or one of them with a certain state right after it."""

    names: tuple[str, ...]
    then: str | None = None
    in_days: bool = False
    within_days: int | None = None
    where: tuple[tuple[str, str], ...] = ()
    """Properties of the event, and the patterns that their values must fit."""

    def __str__(self) -> str:
        """Name of the measure: in evidence and thresholds."""
        then = f" then {self.then}" if self.then else ""
        where = " where " + " and ".join(f"{name} is {pattern}" for name, pattern in self.where) if self.where else ""
        verb = "days with" if self.in_days else "did"
        return f"{verb} {' or '.join(self.names)}{where}{then}{within(self.within_days)}"

    def counts(self, as_of: date) -> Column:
        """Tell whether a row of `item_counts` counts."""
        since = is_since("event_date", as_of, self.within_days)
        if self.then is None:
            return since & (F.col("dimension") == EVENT_NAME) & fits_any(F.col("item"), self.names)
        parts = F.split("item", STEP_SEPARATOR)
        steps = fits_any(parts[1], self.names) & fits_any(parts[2], (self.then,))
        return since & (F.col("dimension") == TRANSITION) & steps

    def counts_event(self, as_of: date) -> Column:
        """Tell whether an event counts; for what has a `where`, which counts of days know nothing of."""
        fits = fits_any(F.col("event_name"), self.names)
        for name, pattern in self.where:
            path = "$['" + name.replace("'", "\\'") + "']"
            fits &= fits_any(F.get_json_object("properties", path), (pattern,))
        since = is_since("event_date", as_of, self.within_days)
        return since & F.coalesce(fits, F.lit(False))


@dataclass(frozen=True)
class Reached:
    """Whether a user got to a step of a funnel: 1 or 0."""

    funnel: str
    step: str
    within_days: int | None = None

    def __str__(self) -> str:
        """Name of the measure: in evidence and thresholds."""
        return f"reached {self.step} of {self.funnel}{within(self.within_days)}"


Behaviour = Done | Reached | Visited | Passed


class Traces(NamedTuple):
    """What users left behind: events of a cut or of a window, and what these make."""

    events: DataFrame
    item_counts: DataFrame
    sessions: DataFrame

    @classmethod
    def of(cls, tables: CutTables) -> Traces:
        """Take them from the tables of a cut: events in the sessions that they made then."""
        return cls(tables.events, tables.item_counts, tables.sessions)


def count_done(item_counts: DataFrame, *, done: Sequence[Done], as_of: date) -> DataFrame:
    """Count what users did, all in one pass.

    Grain: rows of `item_counts` as known at the cut -> a user who did any of it, with a column for each
    (`column_of`). Windows of n days are [as_of - n days, as_of) in days of the reporting zone; a transition counts on
    the day its session began.
    """
    before = item_counts.where(F.col("event_date") < F.lit(as_of))
    asked = before.where(reduce(or_, (one.counts(as_of) for one in done)))
    return asked.groupBy("user_id").agg(*(_count(one, as_of).alias(column_of(one)) for one in done))


def count_done_where(events: DataFrame, *, done: Sequence[Done], as_of: date) -> DataFrame:
    """Count what users did to something in particular, all in one pass over the events.

    Grain: an event before the cut -> a user who did any of it, with a column for each (`column_of`). Days are those of
    the reporting zone. An event that lacks a property fits no pattern of it.
    """
    asked = events.where(reduce(or_, (one.counts_event(as_of) for one in done)))
    return asked.groupBy("user_id").agg(*(_count_events(one, as_of).alias(column_of(one)) for one in done))


def find_reached(
    events: DataFrame,
    *,
    reached: Sequence[Reached],
    funnel: Funnel,
    states: StateMapping,
    as_of: date,
    time_zone: str,
) -> DataFrame:
    """Tell which steps of a funnel users reached; all of `reached` are of this funnel and one window of days.

    Grain: events before the cut -> a user who took the first step, with a column of 1 or 0 for each (`column_of`). All
    steps must lie within the window of days. Where sessions go through the funnel, the furthest of a user's counts.
    """
    since = events.where(is_since("event_date", as_of, reached[0].within_days))
    attempts = find_attempts(build_steps(since, states=states, time_zone=time_zone), funnel=funnel)
    numbers = {state: number for number, step in reversed(list(enumerate(funnel.steps, 1))) for state in step}
    there = (F.max((F.col("depth") >= numbers[one.step]).cast("bigint")).alias(column_of(one)) for one in reached)
    return attempts.groupBy("user_id").agg(*there)


def measure_behaviour(
    traces: Traces,
    *,
    behaviours: Sequence[Behaviour],
    funnels: Mapping[str, Funnel],
    states: StateMapping,
    as_of: date,
    time_zone: str,
) -> DataFrame:
    """Measure everything that rules ask of users' behaviour.

    Grain: a user who did any of it -> a column for each behaviour (`column_of`); null is as good as 0.

    Args:
        traces: what happened and was received before the cut.
        behaviours: what is asked, at least one; what is asked twice is measured once.
        funnels: funnels by name.
        states: states of the steps of funnels and paths.
        as_of: the cut.
        time_zone: the reporting zone.
    """
    asked = dict.fromkeys(behaviours)
    done = [one for one in asked if isinstance(one, Done) and not one.where]
    done_where = [one for one in asked if isinstance(one, Done) and one.where]
    visited = [one for one in asked if isinstance(one, Visited)]
    events = traces.events
    frames = [count_done(traces.item_counts, done=done, as_of=as_of)] if done else []
    frames += [count_done_where(events, done=done_where, as_of=as_of)] if done_where else []
    frames += [count_visits(traces.sessions, events, visited=visited, as_of=as_of)] if visited else []
    frames += [
        find_reached(events, reached=reached, funnel=funnels[name], states=states, as_of=as_of, time_zone=time_zone)
        for (name, _), reached in _by_funnel(asked).items()
    ]
    frames += [
        count_passed(events, passed=one, states=states, as_of=as_of, time_zone=time_zone)
        for one in asked
        if isinstance(one, Passed)
    ]
    return reduce(lambda left, right: left.join(right, "user_id", "full"), frames)


def _by_funnel(asked: Iterable[Behaviour]) -> dict[tuple[str, int | None], list[Reached]]:
    """Put together what one pass over the events answers: a funnel and a window of days."""
    found: dict[tuple[str, int | None], list[Reached]] = {}
    for one in asked:
        if isinstance(one, Reached):
            found.setdefault((one.funnel, one.within_days), []).append(one)
    return found


def _count(one: Done, as_of: date) -> Column:
    counts = one.counts(as_of)
    if one.in_days:
        return F.count_distinct(F.when(counts, F.col("event_date")))
    return F.sum(F.when(counts, F.col("n")).otherwise(0))


def _count_events(one: Done, as_of: date) -> Column:
    counts = one.counts_event(as_of)
    return F.count_distinct(F.when(counts, F.col("event_date"))) if one.in_days else F.count_if(counts)
