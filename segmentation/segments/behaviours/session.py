"""`session`: how many sessions of a kind a user began, or on how many days."""

from __future__ import annotations

from functools import reduce
from operator import and_
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field, FiniteFloat, model_validator
from pyspark.sql import functions as F

from segmentation.event_order import order_key
from segmentation.parameters import Parameters, Texts
from segmentation.segments.behaviours.behaviour import Behaviour, Count, count_by_user
from segmentation.sequences.states import fits_any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from pyspark.sql import Column, DataFrame

    from segmentation.segments.behaviours.behaviour import Declarations

TEXTS = {"entry": "entry_state", "exit": "exit_state", "platform": "platform", "channel": "channel"}


class SessionKind(Parameters):
    """The sessions to count: those that match every given condition, or all. In texts `*` is any text.

    An unknown value fits nothing: the duration of a session of one event, or a channel that the source did not give.
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
    """Whether the session has a conversion event."""
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
        """Describe the kind in words; empty if every session counts."""
        given = self.model_dump(exclude_none=True)
        return ", ".join(f"{name} {_in_words(value)}" for name, value in given.items())

    def fits(self) -> Column:
        """Return whether a row of `sessions` (with `channel` if the kind names one) is of this kind; never null."""
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


class Visited(Behaviour):
    """The number of sessions of a kind that a user began, or of days of the reporting time zone with one.

    A session counts as a whole on the day on which it began. Its channel is that of its first event; events are read
    only if a kind names a channel.
    """

    key: ClassVar[str] = "session"
    reads: ClassVar[tuple[str, ...]] = ("events", "sessions")

    kind: SessionKind = Field(alias="session")
    """The sessions to count. Without op and value: at least one."""
    count: Literal["times", "days"] = "times"
    """Whether to count sessions or days."""

    def __str__(self) -> str:
        """Describe the measure, for example `sessions of platform web within 30 days`."""
        of = f" of {self.kind}" if str(self.kind) else ""
        return f"{'days with ' if self.count == 'days' else ''}sessions{of}{self.window_words}"

    @classmethod
    def measure(cls, asked: Sequence[Visited], tables: Mapping[str, DataFrame], given: Declarations) -> DataFrame:
        """Count the sessions of all kinds in one pass."""
        before = tables["sessions"].where(F.col("session_date") < F.lit(given.as_of))
        if any(one.kind.channel for one in asked):
            before = before.join(_channels(tables["events"]), "session_id", "left")
        return count_by_user(before, {one.column: one.of_sessions(given.as_of) for one in asked})

    def of_sessions(self, as_of: date) -> Count:
        """Count sessions."""
        counts = self.in_window("session_date", as_of) & self.kind.fits()
        days = F.count_distinct(F.when(counts, F.col("session_date")))
        return Count(counts, days if self.count == "days" else F.count_if(counts))


def _channels(events: DataFrame) -> DataFrame:
    """Find the channel of the first event of each session, in the order of its events; null if it has none."""
    first = events.where(F.col("event_at") == F.col("session_started_at"))
    return first.groupBy("session_id").agg(F.min_by("channel", order_key()).alias("channel"))


def _in_words(value: object) -> str:
    if isinstance(value, tuple):
        return " or ".join(value)
    return str(value).lower() if isinstance(value, bool) else f"{value:g}"
