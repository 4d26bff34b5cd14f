"""Parameters of table maintenance."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from segmentation.parameters import Parameters

Months = Annotated[int, Field(ge=1)]


class MaintenanceParams(Parameters):
    """Compaction and clean-up, which change files and never rows; and the months of events that are kept."""

    small_file_mb: int = Field(default=16, ge=1)
    """Files below this size are compacted."""
    file_mb: int = Field(default=128, ge=1)
    """Target size of compacted files."""
    keep_days: int = Field(default=7, ge=1)
    """Days for which earlier versions stay readable. Choose more than any reader or stream lags behind."""
    landed_days: int | None = Field(default=None, ge=1)
    """Days, back from the cut, for which the files of ingested messages are kept. A rebuild needs these files.
    Without a value they are kept for ever."""
    keep_months: dict[str, Months] = Field(default_factory=dict)
    """Source -> whole months of events to keep before the month of the cut. `maintain_tables` removes older events as
    if they had never been received. A source without an entry keeps all events."""
