"""Parameters of table maintenance."""

from __future__ import annotations

from pydantic import Field

from segmentation.parameters import Parameters


class MaintenanceParams(Parameters):
    """Compaction and clean-up; they change files, never rows."""

    small_file_mb: int = Field(default=16, ge=1)
    """Files below this size are compacted."""
    file_mb: int = Field(default=128, ge=1)
    """Target size of compacted files."""
    keep_days: int = Field(default=7, ge=1)
    """Days for which earlier versions stay readable. Choose more than any reader or stream lags behind."""
    landed_days: int | None = Field(default=None, ge=1)
    """Days, back from the cut, for which the files of ingested messages are kept. A rebuild needs these files.
    Without a value they are kept for ever."""
