"""Parameters of lifecycle and retention."""

from __future__ import annotations

from pydantic import Field

from segmentation.parameters import Parameters


class LifecycleParams(Parameters):
    """How far retention follows a cohort; 0 leaves a granularity out of it."""

    retention_days: int = Field(default=30, ge=0)
    """Days after the first."""
    retention_weeks: int = Field(default=26, ge=0)
    """Weeks after the first."""
    retention_months: int = Field(default=24, ge=0)
    """Months after the first."""
