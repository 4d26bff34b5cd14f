"""Parameters of the tables' upkeep."""

from __future__ import annotations

from pydantic import Field

from segmentation.parameters import Parameters


class MaintenanceParams(Parameters):
    """Compaction and clean-up; they change files, never rows."""

    small_file_mb: int = Field(default=16, ge=1)
    """Files smaller than this are put together."""
    file_mb: int = Field(default=128, ge=1)
    """Size up to which they are."""
    keep_days: int = Field(default=7, ge=1)
    """Days for which earlier versions stay readable: longer than any reader or stream lags behind."""
    landed_days: int | None = Field(default=None, ge=1)
    """Days, back from the cut, for which messages of topics stay as files after they were taken in; what is gone
    cannot be rebuilt. Not given: for ever."""
