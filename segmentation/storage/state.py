"""The published tables that an increment is worked out against."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segmentation.increments.state import State
from segmentation.tables.duplicates import DUPLICATES
from segmentation.tables.events import EVENTS
from segmentation.tables.input_units import INPUT_UNITS
from segmentation.tables.quarantine import QUARANTINE
from segmentation.tables.sessions import SESSIONS
from segmentation.tables.user_day_counts import USER_DAY_COUNTS
from segmentation.tables.user_days import USER_DAYS

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from segmentation.storage.lake import Lake


def read_state(lake: Lake, new_units: DataFrame | None = None) -> State:
    """Read the tables as this run sees them; units about to be taken in count as known already."""
    units = lake.read(INPUT_UNITS)
    return State(
        events=lake.read(EVENTS),
        sessions=lake.read(SESSIONS),
        user_days=lake.read(USER_DAYS),
        user_day_counts=lake.read(USER_DAY_COUNTS),
        quarantine=lake.read(QUARANTINE),
        duplicates=lake.read(DUPLICATES),
        input_units=units if new_units is None else units.unionByName(new_units),
        is_empty=units.isEmpty(),
    )
