"""Parameters of taking events in."""

from pydantic import Field, model_validator

from segmentation.parameters import Parameters, fingerprint_of


class IngestParams(Parameters):
    """How records are judged and how much is taken in at a time."""

    horizon_days: int = Field(default=30, ge=1)
    """A record is a copy if one of its identity was received at most so many days before it."""
    lateness_days: int = Field(default=7, ge=0)
    """Default lateness bound of sources that map a received time."""
    clock_skew_hours: int = Field(default=24, ge=0)
    """How far event_at may lie after received_at before the record is invalid."""
    user_day_cap: int = Field(default=50_000, ge=1)
    """Events of a user-day beyond this rank are quarantined as over_cap."""
    slice_mb: int = Field(default=256, ge=1)
    """History is folded in slices of about so many megabytes of input: what is sorted and held at a time."""
    partition_mb: int = Field(default=12, ge=1)
    """A slice is exchanged into one partition for every so many megabytes of input, at least as many as Spark is
    set to (spark.sql.shuffle.partitions)."""

    max_rejected_share: float = Field(default=0.5, ge=0, le=1)
    """A slice of which more than this share is rejected while parsing ends the run with exit code 3."""

    @property
    def shaping(self) -> str:
        """Fingerprint of what shapes the tables; slices and thresholds do not."""
        running = {"slice_mb", "partition_mb", "max_rejected_share"}
        return fingerprint_of(self.model_dump(mode="json", exclude=running))

    @model_validator(mode="after")
    def _horizon_covers_lateness(self) -> "IngestParams":
        needed_hours = self.lateness_days * 24 + self.clock_skew_hours
        if self.horizon_days * 24 < needed_hours:
            raise ValueError(
                f"horizon_days ({self.horizon_days}) must cover lateness_days + clock_skew_hours ({needed_hours} hours)"
            )
        return self
