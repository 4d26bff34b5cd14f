"""What an increment reads and what it changes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from segmentation.tables.table import Table


@dataclass(frozen=True)
class State:
    """The published tables that a slice is judged against."""

    events: DataFrame
    sessions: DataFrame
    user_days: DataFrame
    quarantine: DataFrame
    duplicates: DataFrame
    input_units: DataFrame
    is_empty: bool
    """Nothing was taken in yet: there is nothing to look up."""


@dataclass(frozen=True)
class Retraction:
    """Rows to delete: those whose `on` columns stand in `keys`; `prune` is a condition on the target with literals."""

    table: Table
    keys: DataFrame
    on: tuple[str, ...]
    prune: str = "true"


@dataclass(frozen=True)
class Addition:
    """Rows to append."""

    table: Table
    rows: DataFrame


@dataclass(frozen=True)
class Correction:
    """Signed sums to add to the rows of the same key."""

    table: Table
    deltas: DataFrame
    prune: str = "true"


@dataclass
class Increment:
    """Everything that a slice changes. Retractions come before additions."""

    retractions: list[Retraction] = field(default_factory=list)
    additions: list[Addition] = field(default_factory=list)
    corrections: list[Correction] = field(default_factory=list)
    transition_days: DataFrame | None = None
    """Session days whose transitions changed."""


def hold(df: DataFrame) -> DataFrame:
    """Work a frame out now and keep it, for what is made of it more than once.

    A checkpoint rather than a cache: it cuts the plan, and plans built on many cached frames take Spark longer to
    compare than small slices take to compute. The blocks go when the frame is garbage.
    """
    return df.localCheckpoint(eager=True)
