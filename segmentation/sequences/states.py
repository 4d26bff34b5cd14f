"""Map events to the states of sequences, as declared in `conf/states.yaml`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field, model_validator
from pyspark.sql import functions as F

from segmentation.event_properties import read_property
from segmentation.parameters import Parameters, read_yaml, validated
from segmentation.tables import EXIT, START

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import Column

FILE = "states.yaml"


class StateRule(Parameters):
    """Events that are one state, or are left out. All given conditions must hold; in a pattern, `*` is any text."""

    state: str | None = Field(default=None, min_length=1)
    """Name of the state; null: such events are left out of all sequences, as if they had not been recorded."""
    sources: tuple[str, ...] = ()
    """Only events of these sources; empty: of all."""
    events: tuple[str, ...] = ()
    """Patterns of event names, one of which must fit; empty: any name."""
    where: dict[str, str] = Field(default_factory=dict)
    """Property -> pattern that its value must fit; a property that is absent fits none."""

    @model_validator(mode="after")
    def _says_which(self) -> StateRule:
        if not (self.sources or self.events or self.where):
            raise ValueError("a rule needs sources, events or where; for all other events there is `otherwise`")
        if self.state in {START, EXIT}:
            raise ValueError(f"{START} and {EXIT} are reserved")
        return self


class StateMapping(Parameters):
    """The states of sequences. They are of the analyses alone: stored events and transitions stay as they are."""

    rules: tuple[StateRule, ...] = ()
    """The first that fits an event decides."""
    otherwise: str | None = Field(default=None, min_length=1)
    """State of the events that no rule fits; null: their own (`events.state`)."""
    collapse_repeats: bool = False
    """Whether events of one state in a row are one step."""


def load_states(conf_dir: Path) -> StateMapping:
    """Load the mapping; where there is no file every event has its own state.

    Raises:
        ConfigurationError: the file is not valid; names the key.
    """
    path = conf_dir / FILE
    return validated(StateMapping, read_yaml(path), str(path)) if path.is_file() else StateMapping()


def state_of(mapping: StateMapping) -> Column:
    """Return the state of an event (source, event_name, state, properties); null: it is left out."""
    otherwise = F.col("state") if mapping.otherwise is None else F.lit(mapping.otherwise)
    state = F.when(F.lit(False), F.lit(None).cast("string"))
    for rule in mapping.rules:
        state = state.when(_fits(rule), F.lit(rule.state).cast("string"))
    return state.otherwise(otherwise)


def _fits(rule: StateRule) -> Column:
    fits = F.lit(True)
    if rule.sources:
        fits &= F.col("source").isin(*rule.sources)
    if rule.events:
        fits &= fits_any(F.col("event_name"), rule.events)
    for name, pattern in sorted(rule.where.items()):
        fits &= fits_any(read_property(name), (pattern,))
    return F.coalesce(fits, F.lit(False))


def fits_any(value: Column, patterns: tuple[str, ...]) -> Column:
    """Tell whether a text fits one of the patterns, of which only `*` has a meaning."""
    fits = F.lit(False)
    for pattern in patterns:
        fits |= value == pattern if "*" not in pattern else value.like(_like(pattern))
    return fits


def _like(pattern: str) -> str:
    escaped = pattern.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return escaped.replace("*", "%")
