"""Checks on data that users declare: files in conf/quality, each a set of named checks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

from pydantic import Field, model_validator

from segmentation.errors import nearest
from segmentation.parameters import Declared, Parameters, load_declared
from segmentation.tables import EVENTS

if TYPE_CHECKING:
    from pathlib import Path

FOLDER = "quality"
REJECTED, DUPLICATES = "rejected", "duplicates"
Share = Annotated[float, Field(ge=0.0, le=1.0)]
Many = Annotated[int, Field(ge=1)]


class Limits(NamedTuple):
    """Limits of a share."""

    at_least: float | None = None
    at_most: float | None = None


class QualityRule(Parameters):
    """Parameters that all checks share."""

    level: Literal["error", "warning"] = "warning"
    """`error`: a broken limit ends the run with exit code 3; `warning`: it is told."""
    source: str | None = None
    """The source to look at; not given: each one that the lake has, by itself."""
    lag_days: int = Field(default=0, ge=0)
    """So many days before the cut are still arriving: the checked days end before them."""


class ColumnRule(QualityRule):
    """Parameters of checks of values: the values, and the share of them that must be right."""

    column: str | None = None
    """A column of `events`."""
    property: str | None = Field(default=None, pattern=r"^[^'\[\]\\]+$")
    """A property of events, by its name in `events.properties`."""
    event: str | None = None
    """Only events of this name."""
    at_least: Share = 1.0
    """Least share that passes."""
    min_records: Many = 1
    """With fewer on a day nothing is judged."""

    @model_validator(mode="after")
    def _one_origin(self) -> ColumnRule:
        if (self.column is None) == (self.property is None):
            raise ValueError("give exactly one of column and property")
        if self.column is not None and self.column not in EVENTS.names:
            raise ValueError(f"events has no column '{self.column}'{nearest(self.column, EVENTS.names)}")
        return self


class Completeness(ColumnRule):
    """Share of events whose value is not null."""

    kind: Literal["completeness"]


class Range(ColumnRule):
    """Share of the values that are numbers within [min, max]; nulls are no values."""

    kind: Literal["range"]
    min: float | None = None
    max: float | None = None

    @model_validator(mode="after")
    def _has_bounds(self) -> Range:
        if self.min is None and self.max is None:
            raise ValueError("give min, max or both")
        return self


class AcceptedValues(ColumnRule):
    """Share of the values that are among those listed; nulls are no values."""

    kind: Literal["accepted_values"]
    values: tuple[str, ...] = Field(min_length=1)


class Freshness(QualityRule):
    """Hours from the newest received_at to midnight of the cut."""

    kind: Literal["freshness"]
    at_most_hours: float = Field(gt=0.0)


class Volume(QualityRule):
    """Accepted events of a day beside the same weekday of the weeks before.

    What passes: median of those days, give or take the greatest of `spreads` times their spread (1.4826 MAD, at least
    the square root of the median: chance alone) and `min_change` of the median.
    """

    kind: Literal["volume"]
    event: str | None = None
    """Only events of this name."""
    weeks: int = Field(default=8, ge=1, le=60)
    """Weeks before the day to compare with."""
    min_weeks: Many = 4
    """With fewer of them since the source's first event nothing is judged."""
    spreads: float = Field(default=4.0, gt=0.0)
    min_change: Share = 0.25
    """Changes up to this share of the median always pass."""


class EventNames(QualityRule):
    """Names of accepted events that are new on a day, or gone, beside the days before."""

    kind: Literal["event_names"]
    trailing_days: int = Field(default=28, ge=1, le=400)
    """Days before the day to compare with."""
    min_days: Many = 7
    """With events on fewer of them nothing is judged."""
    min_events: Many = 5
    """New is a name with at least so many events, and none on the trailing days."""
    min_expected: float = Field(default=20.0, gt=0.0)
    """Gone is a name without events, whose share on the trailing days lets so many of this day's be expected."""
    at_most: int = Field(default=0, ge=0)
    """New and gone names that pass."""


class LedgerShare(QualityRule):
    """Share of the records read that were rejected, or copies, or rejected for one reason."""

    kind: Literal["share"]
    of: str = REJECTED
    """`rejected` (quarantined or unparsable), `duplicates`, or a reason."""
    at_most: Share
    over: Literal["day", "all"] = "day"
    """`day`: records of events of a checked day; `all`: all ever read, those without a readable day too."""
    min_records: Many = 1
    """With fewer nothing is judged."""


class NewProperties(QualityRule):
    """Properties of the checked days that no event of the trailing days had; they are kept in `properties`."""

    kind: Literal["new_properties"]
    trailing_days: int = Field(default=7, ge=1, le=60)
    """Days before the checked ones to compare with."""
    min_values: Many = 5
    """New is a property with at least so many values."""
    at_most: int = Field(default=0, ge=0)
    """New properties that pass."""


class RetypedProperties(QualityRule):
    """Values of a property whose type is not its most frequent one of the trailing days."""

    kind: Literal["retyped_properties"]
    trailing_days: int = Field(default=7, ge=1, le=60)
    """Days before the checked ones to compare with."""
    at_most: Share = 0.05
    """Greatest increase of a property's share over its share on the trailing days."""
    min_values: Many = 20
    """Properties with fewer values on either side are not judged."""


ColumnCheck = Completeness | Range | AcceptedValues
AnyRule = Annotated[
    Completeness
    | Range
    | AcceptedValues
    | Freshness
    | Volume
    | EventNames
    | LedgerShare
    | NewProperties
    | RetypedProperties,
    Field(discriminator="kind"),
]


class QualityChecks(Declared):
    """A set of checks: one file in conf/quality."""

    description: str = ""
    checks: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")], AnyRule] = Field(min_length=1)
    """Name -> what is checked."""


class NamedCheck(NamedTuple):
    """A check with its full name, `<file>.<check>`."""

    name: str
    rule: AnyRule


def load_checks(conf_dir: Path) -> tuple[NamedCheck, ...]:
    """Read all checks of a configuration folder, sorted by name; a folder without `quality` has none.

    Raises:
        ConfigurationError: a file is not YAML, or not a set of checks; names file, check and key.
    """
    files = load_declared(conf_dir / FOLDER, QualityChecks)
    found = [NamedCheck(f"{one.name}.{name}", rule) for one in files for name, rule in one.checks.items()]
    return tuple(sorted(found, key=lambda check: check.name))
