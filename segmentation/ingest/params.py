"""Parameters of ingest."""

from pydantic import Field, model_validator

from segmentation.parameters import Parameters, fingerprint_of


class IngestParams(Parameters):
    """Deduplication, rejection and batch size of ingest."""

    dedup_window_days: int = Field(default=30, ge=1)
    """A record is a duplicate if a record of the same identity was received at most this many days before it."""
    allowed_lateness_days: int = Field(default=7, ge=0)
    """Days after the event within which a record must be received. Applies to sources that map a received time and do
    not set their own bound."""
    clock_skew_hours: int = Field(default=24, ge=0)
    """Hours by which event_at may be after received_at before the record is rejected."""
    max_events_per_user_day: int = Field(default=50_000, ge=1)
    """Further events of a user on the same day are quarantined as over_cap."""
    batch_mb: int = Field(default=512, ge=1)
    """Greatest number of megabytes of input in one batch; input is split into batches of equal size. A larger batch
    costs less per record and needs more memory."""
    partition_mb: int = Field(default=12, ge=1)
    """Megabytes of input in one shuffle partition of a batch. There are never fewer partitions than
    spark.sql.shuffle.partitions."""

    small_lake_mb: float = Field(default=4, ge=0)
    """A lake whose events and derived tables have at most this many megabytes is read into memory for each batch, and
    its tables are rewritten whole. In a larger lake, only what a batch touches is read and changed."""

    max_rejected_share: float = Field(default=0.5, ge=0, le=1)
    """Greatest share of a batch's records that parsing may reject. Beyond it, the run ends with exit code 3."""

    @property
    def shaping(self) -> str:
        """Fingerprint of the parameters that change the tables; batch sizes and thresholds do not."""
        running = {"batch_mb", "partition_mb", "small_lake_mb", "max_rejected_share"}
        return fingerprint_of(self.model_dump(mode="json", exclude=running))

    @model_validator(mode="after")
    def _window_covers_lateness(self) -> "IngestParams":
        needed_hours = self.allowed_lateness_days * 24 + self.clock_skew_hours
        if self.dedup_window_days * 24 < needed_hours:
            raise ValueError(
                f"dedup_window_days ({self.dedup_window_days}) must cover "
                f"allowed_lateness_days + clock_skew_hours ({needed_hours} hours)"
            )
        return self
