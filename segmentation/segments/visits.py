"""What rule segments ask of a user's sessions: how many were of a kind, and how many went a certain way."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import and_, or_
from typing import TYPE_CHECKING

from pydantic import Field, FiniteFloat, model_validator
from pyspark.sql import functions as F

from segmentation.event_order import order_key
from segmentation.parameters import Parameters, Texts
from segmentation.segments.measures import column_of, is_since, within
from segmentation.sequences.funnels import Funnel, find_attempts
from segmentation.sequences.states import fits_any
from segmentation.sequences.steps import build_steps

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from pyspark.sql import Column, DataFrame

    from segmentation.sequences.states import StateMapping

FOREVER_S = 10**9
"""A path within a session has no window of its own: 31 years."""
TEXTS = {"entry": "entry_state", "exit": "exit_state", "platform": "platform", "channel": "channel"}


class SessionKind(Parameters):
    """Which sessions count: all that is given must hold, all sessions where nothing is. In texts `*` is any text.

    What is unknown of a session fits nothing: a duration where there was one event, a channel that was not told.
    Capped sessions have no duration, as in all statistics.
    """

    entry: Texts | None = Field(default=None, min_length=1)
    """State of the first event, or several of which one must fit; stored states, not those of conf/states.yaml."""
    exit: Texts | None = Field(default=None, min_length=1)
    """State of the last event."""
    platform: Texts | None = Field(default=None, min_length=1)
    """Platform of the first event."""
    channel: Texts | None = Field(default=None, min_length=1)
    """Channel of the first event."""
    converted: bool | None = None
    """Whether the session holds a conversion event."""
    min_events: int | None = Field(default=None, ge=1)
    """Events, at least."""
    max_events: int | None = Field(default=None, ge=1)
    """Events, at most."""
    min_duration_s: FiniteFloat | None = Field(default=None, ge=0)
    """Observed duration in seconds, at least."""
    max_duration_s: FiniteFloat | None = Field(default=None, ge=0)
    """Observed duration in seconds, at most."""
    min_engaged_s: FiniteFloat | None = Field(default=None, ge=0)
    """Engaged time in seconds, at least; sessions without heartbeats have none."""
    max_engaged_s: FiniteFloat | None = Field(default=None, ge=0)
    """Engaged time in seconds, at most."""
    min_value: FiniteFloat | None = None
    """Value in the reporting currency, at least."""
    max_value: FiniteFloat | None = None
    """Value in the reporting currency, at most."""

    @model_validator(mode="after")
    def _bounds_leave_room(self) -> SessionKind:
        for name in ("events", "duration_s", "engaged_s", "value"):
            low, high = getattr(self, f"min_{name}"), getattr(self, f"max_{name}")
            if low is not None and high is not None and low > high:
                raise ValueError(f"min_{name} is above max_{name}: no session can fit")
        return self

    def __str__(self) -> str:
        """What is asked for, in words; empty where every session counts."""
        given = self.model_dump(exclude_none=True)
        return ", ".join(f"{name} {_in_words(value)}" for name, value in given.items())

    def fits(self) -> Column:
        """Tell whether a row of `sessions` (with `channel` where it is asked for) is of this kind; never null."""
        duration, engaged = (F.when(~F.col("capped"), F.col(name) / 1000) for name in ("duration_ms", "engaged_ms"))
        amounts = {"events": F.col("events"), "duration_s": duration, "engaged_s": engaged, "value": F.col("value")}
        asked = {column: getattr(self, name) for name, column in TEXTS.items()}
        tests = [fits_any(F.col(column), patterns) for column, patterns in asked.items() if patterns]
        tests += [] if self.converted is None else [F.col("converted") == F.lit(self.converted)]
        for name, amount in amounts.items():
            low, high = getattr(self, f"min_{name}"), getattr(self, f"max_{name}")
            tests += [] if low is None else [amount >= low]
            tests += [] if high is None else [amount <= high]
        return F.coalesce(reduce(and_, tests, F.lit(True)), F.lit(False))


@dataclass(frozen=True)
class Visited:
    """How many sessions of a kind a user began, or on how many days."""

    kind: SessionKind
    in_days: bool = False
    within_days: int | None = None

    def __str__(self) -> str:
        """Name of the measure: in evidence and thresholds."""
        of = f" of {self.kind}" if str(self.kind) else ""
        return f"{'days with ' if self.in_days else ''}sessions{of}{within(self.within_days)}"

    def counts(self, as_of: date) -> Column:
        """Tell whether a row of `sessions` counts."""
        return is_since("session_date", as_of, self.within_days) & self.kind.fits()


@dataclass(frozen=True)
class Passed:
    """How many of a user's sessions went through some states in their order."""

    steps: tuple[tuple[str, ...], ...]
    strict: bool = False
    """Whether nothing may lie between the steps."""
    within_days: int | None = None

    def __str__(self) -> str:
        """Name of the measure: in evidence and thresholds."""
        way = " then ".join(" or ".join(step) for step in self.steps)
        return f"sessions {'straight ' if self.strict else ''}through {way}{within(self.within_days)}"


def count_visits(sessions: DataFrame, events: DataFrame, *, visited: Sequence[Visited], as_of: date) -> DataFrame:
    """Count the sessions that users began, all kinds in one pass.

    Grain: rows of `sessions` as known at the cut -> a user with one of any of these kinds, with a column for each
    (`column_of`). A session counts on the day that it began, whole: windows of n days are [as_of - n days, as_of) in
    days of the reporting zone. The channel is that of the first event in the order of a user's events; only where one
    is asked for are events looked at.

    Args:
        sessions: the sessions.
        events: their events, with the ids of these sessions.
        visited: what is asked.
        as_of: the cut.
    """
    before = sessions.where(F.col("session_date") < F.lit(as_of))
    if any(one.kind.channel for one in visited):
        before = before.join(_channels(events), "session_id", "left")
    asked = before.where(reduce(or_, (one.counts(as_of) for one in visited)))
    return asked.groupBy("user_id").agg(*(_count(one, as_of).alias(column_of(one)) for one in visited))


def count_passed(events: DataFrame, *, passed: Passed, states: StateMapping, as_of: date, time_zone: str) -> DataFrame:
    """Count the sessions that went a certain way, each once.

    Grain: events before the cut, with the ids of its sessions -> a user with such a session, with the column of the
    count (`column_of`). Steps are states of conf/states.yaml; each event can be one step only. A session counts on
    the day that it began.
    """
    steps = build_steps(events, states=states, time_zone=time_zone)
    begun = steps.where(is_since("session_date", as_of, passed.within_days))
    order = "strict" if passed.strict else "ordered"
    way = Funnel(name="path", steps=passed.steps, order=order, unit="session", window_s=FOREVER_S)
    through = find_attempts(begun, funnel=way).where(F.col("depth") == len(passed.steps))
    return through.groupBy("user_id").agg(F.count(F.lit(1)).alias(column_of(passed)))


def _channels(events: DataFrame) -> DataFrame:
    """Find the channel of every session's first event; null: not told."""
    first = events.where(F.col("event_at") == F.col("session_started_at"))
    return first.groupBy("session_id").agg(F.min_by("channel", order_key()).alias("channel"))


def _count(one: Visited, as_of: date) -> Column:
    counts = one.counts(as_of)
    return F.count_distinct(F.when(counts, F.col("session_date"))) if one.in_days else F.count_if(counts)


def _in_words(value: object) -> str:
    if isinstance(value, tuple):
        return " or ".join(value)
    return str(value).lower() if isinstance(value, bool) else f"{value:g}"
