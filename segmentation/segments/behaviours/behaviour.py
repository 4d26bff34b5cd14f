"""The interface of a behaviour, and the inputs that behaviours are measured from."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from datetime import timedelta
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from pydantic import Field
from pyspark.sql import functions as F

from segmentation.parameters import Parameters, fingerprint_of

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence
    from datetime import date
    from pathlib import Path

    from pyspark.sql import Column, DataFrame
    from typing_extensions import Self

    from segmentation.sequences.funnels import Funnel
    from segmentation.sequences.states import StateMapping
    from segmentation.sessions.as_of import CutTables


class Traces(NamedTuple):
    """Events of a cut or of a window, and the tables derived from them."""

    events: DataFrame
    item_counts: DataFrame
    sessions: DataFrame
    traits: DataFrame | None = None
    """Values of traits at the cut (`user_id`, `trait`, `value`); None if no behaviour reads them."""

    @classmethod
    def of(cls, tables: CutTables) -> Traces:
        """Select them from the tables of a cut, with the sessions as known at it."""
        return cls(tables.events, tables.item_counts, tables.sessions)

    def between(self, opens: date, closes: date) -> Traces:
        """Keep the days [opens, closes); a session belongs to the day on which it began."""

        def inside(day: str) -> Column:
            return (F.col(day) >= F.lit(opens)) & (F.col(day) < F.lit(closes))

        return Traces(
            self.events.where(inside("event_date")),
            self.item_counts.where(inside("event_date")),
            self.sessions.where(inside("session_date")),
        )


@dataclass(frozen=True)
class Declarations:
    """The cut to measure at, and the declarations that behaviours refer to."""

    as_of: date
    """The cut, exclusive: windows of n days are [as_of - n days, as_of)."""
    time_zone: str
    """The reporting time zone."""
    funnels: Mapping[str, Funnel]
    """Funnels by name."""
    states: StateMapping
    """States of the steps of funnels and paths."""


class Behaviour(Parameters):
    """A measure of what a user did before a cut. A subclass is one kind: its fields are its keys in YAML.

    Two behaviours are equal if all their fields are. `str` describes one in words, for evidence and thresholds.
    """

    key: ClassVar[str]
    """The key that makes a condition one on this behaviour."""
    reads: ClassVar[tuple[str, ...]]
    """The tables of `Traces` that `measure` gets."""
    is_compared: ClassVar[bool] = True
    """Whether a condition may compare it with a number or percentile; if not, it holds from 1 on."""
    is_outcome: ClassVar[bool] = True
    """Whether it can come true after a cut, which is what targets predict."""
    is_of_accounts: ClassVar[bool] = True
    """Whether it can be asked of an account, which does what its persons do."""

    within_days: int | None = Field(default=None, ge=1)
    """Only the last n days before the cut; not given: all days. Sessions count on the day on which they began."""

    @classmethod
    @abstractmethod
    def measure(cls, asked: Sequence[Self], tables: Mapping[str, DataFrame], given: Declarations) -> DataFrame:
        """Measure behaviours of this kind that have the same `shared_pass`.

        Grain: rows of the tables -> a user with at least one row that counts, with `column` of each behaviour. Null is
        the same as 0.

        Args:
            asked: the behaviours, each once.
            tables: the tables that `reads` names.
            given: the cut and the declarations.
        """

    @abstractmethod
    def __str__(self) -> str:
        """Describe the measure in words; equal words are equal measures."""

    def __hash__(self) -> int:
        """Hash the words: fields may hold mappings."""
        return hash(str(self))

    @property
    def column(self) -> str:
        """The column of the measure. It is a fingerprint: names of events contain any sign or differ in case only."""
        return f"did_{fingerprint_of(str(self))}"

    @property
    def shared_pass(self) -> Hashable:
        """Behaviours of a kind are measured in one pass if this is equal; by default all of them are."""
        return None

    def find_declarations(self, conf_dir: Path, *, file: str) -> Mapping[str, str]:  # noqa: ARG002  for subclasses
        """Return the fingerprints of the declarations that the measure depends on, by file below `conf_dir`.

        Args:
            conf_dir: the configuration folder.
            file: the file of the rule or target, for messages.

        Raises:
            ConfigurationError: a declaration does not exist; names the file and the nearest.
        """
        return {}

    def as_written(self) -> dict[str, Any]:
        """Return the keys that were given, as in YAML."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True, exclude_unset=True)

    def in_window(self, day: str, as_of: date) -> Column:
        """Return whether a day lies in the window of days before the cut."""
        if self.within_days is None:
            return F.lit(True)
        return F.col(day) >= F.lit(as_of - timedelta(days=self.within_days))

    @property
    def window_words(self) -> str:
        """The window, for the end of the description."""
        return "" if self.within_days is None else f" within {self.within_days} days"


class Count(NamedTuple):
    """The rows that a behaviour counts, and their aggregate."""

    counts: Column
    """Whether a row counts; never null."""
    total: Column
    """Aggregate over a user's rows, of which some may count for other behaviours only."""


def count_by_user(rows: DataFrame, counted: Mapping[str, Count]) -> DataFrame:
    """Count for all behaviours in one pass.

    Grain: a row -> a user with a row that counts for any behaviour, with the total of each by its name.
    """
    counting = rows.where(reduce(or_, (one.counts for one in counted.values())))
    return counting.groupBy("user_id").agg(*(one.total.alias(name) for name, one in counted.items()))
