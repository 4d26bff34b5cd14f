"""Duplicate candidates: records whose 64-bit identity hash occurs more than once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from pyspark.sql import Window
from pyspark.sql import functions as F

from segmentation.checkpoints import Counted, checkpoint_counted, checkpoint_observing, instant, no_rows
from segmentation.frames import union_all
from segmentation.ingest.index import IDENTITY_HASH, identity_hash
from segmentation.quality.reasons import VERDICTS

if TYPE_CHECKING:
    from datetime import date, datetime

    from pyspark.sql import DataFrame

    from segmentation.ingest.index import Index
    from segmentation.ingest.snapshot import Snapshot


@dataclass(frozen=True)
class Candidates:
    """Hashes that may have duplicates, and the bounds of the earlier records to compare them with."""

    hashes: Counted
    """Distinct identity hashes that occur more than once in the batch, or in it and in an earlier record."""
    earlier_days: tuple[date, ...] = ()
    """Event days of the earlier events among them, if files of other days are to be skipped."""
    received_since: datetime | None = None
    """Compare with earlier records received from here on; None: none of them can be a duplicate."""
    complete_from: datetime | None = None
    """All earlier records within the window of a record received from here on are compared with it."""


def find_candidates(index: Index, snapshot: Snapshot, *, window_days: int) -> Candidates:
    """Find duplicate candidates by 64-bit hash. They are then compared in full, so a collision costs time alone.

    Only records received within `window_days` before the earliest new or superseded record can match. Superseded
    records are looked up but are never the original of a duplicate. Only hashes are exchanged.
    """
    own = index.admissible.select(IDENTITY_HASH)
    repeated = _repeated(own)
    if snapshot.is_empty:
        return Candidates(checkpoint_counted(repeated))
    superseded, first_superseded = _superseded_hashes(snapshot)
    first = min(filter(None, (index.first_received, first_superseded)), default=None)
    if first is None:
        return Candidates(no_rows(own))
    since = first - timedelta(days=window_days)
    wanted = Counted(own.unionByName(superseded.rows.select(IDENTITY_HASH)), index.records + superseded.count)
    earlier = checkpoint_counted(_earlier_hashes(snapshot, since).join(wanted.hinted, IDENTITY_HASH, "left_semi"))
    if superseded.count:  # a day exported again shares nearly all its events with the export it supersedes
        earlier = _with_one_that_stands(earlier)
    if not earlier.count:
        return Candidates(checkpoint_counted(repeated))
    days = [] if snapshot.is_small else earlier.rows.select("event_date").distinct().collect()  # a row per day
    both = repeated.unionByName(earlier.rows.select(IDENTITY_HASH)).distinct()
    found = tuple(sorted(row["event_date"] for row in days if row["event_date"] is not None))
    return Candidates(checkpoint_counted(both), found, received_since=since, complete_from=first)


def _repeated(hashes: DataFrame) -> DataFrame:
    """Return the distinct hashes that occur more than once.

    A window over an exchange of bare hashes sorts them as numbers, which costs a quarter of counting them by key.
    """
    alike = Window.partitionBy(IDENTITY_HASH).orderBy(IDENTITY_HASH)
    with_previous = hashes.select(IDENTITY_HASH, F.lag(IDENTITY_HASH).over(alike).alias("_previous"))
    return with_previous.where(F.col("_previous").isNotNull()).select(IDENTITY_HASH).distinct()


def _superseded_hashes(snapshot: Snapshot) -> tuple[Counted, datetime | None]:
    """Return the identity hashes of superseded records, and when the first of them was received."""
    nothing = no_rows(snapshot.events.select(IDENTITY_HASH, "received_at"))
    if not snapshot.superseded:
        return nothing, None
    of_unit, judged, erased = snapshot.superseded.of_unit(), F.col("reason").isin(*VERDICTS), snapshot.superseded.erased
    quarantined = snapshot.quarantine.where(of_unit) if erased is None else erased.quarantined.rows
    duplicates = snapshot.duplicates.where(of_unit) if erased is None else erased.duplicates.rows
    parts = (
        snapshot.superseded_events().select(IDENTITY_HASH, "received_at"),
        quarantined.where(judged).select(identity_hash(), "received_at"),
        duplicates.select(identity_hash(), "received_at"),
    )
    figures = F.count(F.lit(1)).alias("rows"), F.min(F.unix_micros("received_at")).alias("first")
    rows, found = checkpoint_observing(union_all(parts), *figures)
    return (Counted(rows, found["rows"]), instant(found["first"])) if found["rows"] else (nothing, None)


def _earlier_hashes(snapshot: Snapshot, since: datetime) -> DataFrame:
    """Return the hash of every earlier record received since, the day of accepted events, and whether it stands."""
    recent, stands = F.col("received_at") >= F.lit(since), ~snapshot.superseded.of_unit()
    accepted = snapshot.kept_events.where(recent).select(IDENTITY_HASH, "event_date", stands.alias("stands"))
    others = (identity_hash(), F.lit(None).cast("date").alias("event_date"), stands.alias("stands"))
    judged = snapshot.quarantine.where(recent & F.col("reason").isin(*VERDICTS)).select(*others)
    return union_all([accepted, judged, snapshot.duplicates.where(recent).select(*others)])


def _with_one_that_stands(earlier: Counted) -> Counted:
    standing = earlier.where("stands").select(IDENTITY_HASH).distinct()
    return checkpoint_counted(earlier.rows.join(standing, IDENTITY_HASH, "left_semi"))
