"""`did`: how often a user did something, or on how many days."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field, model_validator
from pyspark.sql import functions as F

from segmentation.event_properties import read_property
from segmentation.parameters import Texts
from segmentation.segments.behaviours.behaviour import Behaviour, Count, count_by_user
from segmentation.sequences.states import fits_any
from segmentation.tables import STEP_SEPARATOR
from segmentation.tables.items import EVENT_NAME, PURCHASE_NAME, TRANSITION

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence
    from datetime import date

    from pyspark.sql import Column, DataFrame

    from segmentation.segments.behaviours.behaviour import Declarations

CONVERSION = "@conversion"
"""Any purchase that counts, whatever its name: once for an order."""


class Done(Behaviour):
    """The number of times a user did one of several things, or did one of them with a certain state right after it.

    Days are those of the reporting time zone; a transition counts on the day on which its session began. An event
    without a property that `where` names does not count.
    """

    key: ClassVar[str] = "did"
    reads: ClassVar[tuple[str, ...]] = ("events", "item_counts")

    names: Texts = Field(alias="did", min_length=1)
    """Event names (in which `*` is any text), one of which must fit; `@conversion` is any purchase that counts, once
    for an order. Without op and value: at least once."""
    where: dict[str, str] | None = Field(default=None, min_length=1)
    """Property -> text (in which `*` is any) that its value must be, for example to count purchases of one product."""
    then: str | None = None
    """Counts how often this state came right after that one in a session (states instead of event names)."""
    count: Literal["times", "days"] = "times"
    """Whether to count times or days."""

    @model_validator(mode="after")
    def _fits_together(self) -> Done:
        if self.then is not None and self.where is not None:
            raise ValueError("then is about states, which have no properties: leave out where")
        if self.then is not None and self.count == "days":
            raise ValueError("then is counted in times, not in days")
        return self

    def __str__(self) -> str:
        """Describe the measure, for example `did buy within 7 days`."""
        conditions = " and ".join(f"{name} is {pattern}" for name, pattern in sorted((self.where or {}).items()))
        where = f" where {conditions}" if conditions else ""
        then = f" then {self.then}" if self.then else ""
        verb = "days with" if self.count == "days" else "did"
        return f"{verb} {' or '.join(self.names)}{where}{then}{self.window_words}"

    @property
    def shared_pass(self) -> Hashable:
        """One pass over the counts by day; one over the events, which alone have properties."""
        return self.where is not None

    @classmethod
    def measure(cls, asked: Sequence[Done], tables: Mapping[str, DataFrame], given: Declarations) -> DataFrame:
        """Count events, or the rows of counts by day where no property is asked for."""
        if asked[0].where is not None:
            return count_by_user(tables["events"], {one.column: one.of_events(given.as_of) for one in asked})
        before = tables["item_counts"].where(F.col("event_date") < F.lit(given.as_of))
        return count_by_user(before, {one.column: one.of_item_counts(given.as_of) for one in asked})

    def of_item_counts(self, as_of: date) -> Count:
        """Count rows of counts by day, which do not have properties."""
        if self.then is None:
            by_name = self._fits_name(F.col("item"))
            fits = (F.col("dimension") == EVENT_NAME) & by_name
            if CONVERSION in self.names:
                fits |= (F.col("dimension") == PURCHASE_NAME) & ~by_name
        else:
            parts = F.split("item", STEP_SEPARATOR)
            steps = fits_any(parts[1], self.names) & fits_any(parts[2], (self.then,))
            fits = (F.col("dimension") == TRANSITION) & steps
        counts = self.in_window("event_date", as_of) & fits
        return Count(
            counts, self._days(counts) if self.count == "days" else F.sum(F.when(counts, F.col("n")).otherwise(0))
        )

    def of_events(self, as_of: date) -> Count:
        """Count events."""
        fits = self._fits_name(F.col("event_name"))
        if CONVERSION in self.names:
            fits |= F.col("is_conversion")
        for name, pattern in sorted((self.where or {}).items()):
            fits &= fits_any(read_property(name), (pattern,))
        counts = self.in_window("event_date", as_of) & F.coalesce(fits, F.lit(False))
        return Count(counts, self._days(counts) if self.count == "days" else F.count_if(counts))

    def _fits_name(self, name: Column) -> Column:
        return fits_any(name, tuple(one for one in self.names if one != CONVERSION))

    @staticmethod
    def _days(counts: Column) -> Column:
        return F.count_distinct(F.when(counts, F.col("event_date")))
