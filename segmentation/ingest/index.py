"""The narrow index of a batch: 64-bit hashes and flags of every record, and figures that say which steps it needs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from segmentation.checkpoints import checkpoint_observing, instant
from segmentation.ingest.copies import IDENTITY

if TYPE_CHECKING:
    from datetime import datetime

    from pyspark.sql import Column, DataFrame

IDENTITY_HASH = "identity_hash"
INDEX = ("row_key", IDENTITY_HASH, "user_hash", "event_date", "event_at", "rejected", "late")


@dataclass(frozen=True)
class Index:
    """The index of a batch."""

    rows: DataFrame
    """One row per record (INDEX), checkpointed. Hashes, day and instant are null if the record is rejected."""
    records: int
    rejected: int
    excluded: int
    """Rejected records that are excluded."""
    late: int
    """Records that are not rejected and exceed the lateness bound."""
    hinted: int
    """Records that are not rejected and carry a session id of the source."""
    first_received: datetime | None
    """Earliest receipt of a record that is not rejected; None: all are rejected."""
    first_date: date | None
    """First and last event day of records that are not rejected; None: all are rejected."""
    last_date: date | None

    @property
    def admissible(self) -> DataFrame:
        """Index rows of records that are not rejected."""
        return self.rows.where(~F.col("rejected")) if self.rejected else self.rows


def identity_hash() -> Column:
    """Return the 64-bit hash of a record's identity. It finds candidates; equality is decided on the identity."""
    return F.xxhash64(*IDENTITY).alias(IDENTITY_HASH)


def user_hash(user_id: str = "user_id") -> Column:
    """Return the 64-bit hash of a user."""
    return F.xxhash64(user_id).alias("user_hash")


def index_records(records: DataFrame) -> Index:
    """Checkpoint the index of a batch and count its records by kind, in one pass.

    Grain: a parsed record (PARSED_RECORDS) in, one row of INDEX out. Nothing is exchanged.
    """
    given = ~F.col("rejected")
    columns = [F.when(given, c).alias(n) for n, c in _keys().items()]
    received, hinted = F.when(given, F.unix_micros("received_at")), given & F.col("session_hint").isNotNull()
    beside = (received.alias("_received"), hinted.alias("_hinted"))
    wide = records.select("row_key", *columns, "rejected", "excluded", "late", *beside)
    rows, figures = checkpoint_observing(
        wide,
        F.count(F.lit(1)).alias("records"),
        F.count_if("rejected").alias("rejected"),
        F.count_if("excluded").alias("excluded"),
        F.count_if(given & F.col("late")).alias("late"),
        F.count_if("_hinted").alias("hinted"),
        F.min("_received").alias("first_received"),
        F.min(F.unix_date("event_date")).alias("first_date"),
        F.max(F.unix_date("event_date")).alias("last_date"),
    )
    counts = {name: figures[name] for name in ("records", "rejected", "excluded", "late", "hinted")}
    first = figures["first_received"]
    return Index(
        rows.select(*INDEX),
        first_received=None if first is None else instant(first),
        first_date=_as_day(figures["first_date"]),
        last_date=_as_day(figures["last_date"]),
        **counts,
    )


def _as_day(number: int | None) -> date | None:
    return None if number is None else date(1970, 1, 1) + timedelta(days=number)


def _keys() -> dict[str, Column]:
    return {
        IDENTITY_HASH: identity_hash(),
        "user_hash": user_hash(),
        "event_date": F.col("event_date"),
        "event_at": F.col("event_at"),
    }
