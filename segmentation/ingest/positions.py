"""Positions of events: of the exact copies of a record, the least one orders the event among others of its instant.

A copy may come later than its event. A stored event that gets another position is removed and added again, and with it
its session: the tables are those that any other order of arrival gives.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from segmentation.checkpoints import Counted, checkpoint_counted, no_rows
from segmentation.frames import union_all
from segmentation.ingest.candidates import Candidates
from segmentation.ingest.copies import SURVIVOR, judge_copies
from segmentation.ingest.earlier_records import ACCEPTED, earlier_records, new_records
from segmentation.ingest.index import IDENTITY_HASH, identity_hash
from segmentation.ingest.user_day_cap import REMOVED
from segmentation.local_time import local_day
from segmentation.quality.reasons import Reason
from segmentation.tables import EVENT, PARSED_RECORDS, RECORD_KEY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import Column, DataFrame

    from segmentation.ingest.deduplicate import Outcome
    from segmentation.ingest.snapshot import Snapshot
    from segmentation.ingest.user_day_cap import Admitted

LEAST = (*RECORD_KEY, "stored_as", "event_at", "least_position")
OVER_CAP = Reason.OVER_CAP.value


@dataclass(frozen=True)
class KnownCopies:
    """Positions that the records which deduplication compared give to events."""

    of_batch: Counted
    """Events of the batch with a copy of a lesser position (LEAST columns)."""
    of_earlier: Counted
    """Stored events, and those over the cap, whose position is another than stored (LEAST columns)."""
    unread: Counted
    """Identity hashes of copies whose event was received before all records that were compared."""


def known_copies(judged: DataFrame, found: dict[str, int]) -> KnownCopies:
    """Return the positions in judged records; `found` holds the numbers of :func:`counted_positions`."""
    least = judged.select(*LEAST)
    of_batch, of_earlier = (judged.where(condition).select(*LEAST) for condition in (is_out_of_place(), _of_earlier()))
    unread = judged.where("survivor_unknown").select(identity_hash()).distinct()
    return KnownCopies(
        Counted(of_batch, found["placed"]) if found["placed"] else no_rows(least),
        Counted(of_earlier, found["moved"]) if found["moved"] else no_rows(least),
        checkpoint_counted(unread) if found["unread"] else no_rows(unread),
    )


def counted_positions() -> dict[str, Column]:
    """Return the conditions on judged records by which positions are counted."""
    return {"placed": is_out_of_place(), "moved": _of_earlier(), "unread": F.col("survivor_unknown")}


def is_out_of_place() -> Column:
    """Return whether a judged record is an event of the batch with a copy of a lesser position."""
    is_event = F.col("stored_as").isNull() & (F.col("outcome") == SURVIVOR)
    return is_event & ~F.col("least_position").eqNullSafe(F.col("position"))


def _of_earlier() -> Column:
    is_event = F.coalesce(F.col("stored_as").isin(ACCEPTED, OVER_CAP), F.lit(False)) & (F.col("outcome") == SURVIVOR)
    return is_event & ~F.col("least_position").eqNullSafe(F.col("stored_position"))


def place_events(admitted: Admitted, outcome: Outcome, snapshot: Snapshot, *, window_days: int, zone: str) -> Admitted:
    """Give every event that a batch adds its position, and change stored events whose position is another now.

    Events that are below the cap again have none in their quarantined form. Their copies, and the events of copies
    whose run began before the deduplication window, are looked up in all stored records: both are rare.

    Args:
        admitted: events that come and go.
        outcome: of all records, with the copies that were compared.
        snapshot: earlier tables.
        window_days: deduplication window.
        zone: reporting zone.
    """
    copies = outcome.copies
    if copies is None:
        return admitted
    of_earlier = [copies.of_earlier.rows] * bool(copies.of_earlier.count)
    wanted = [copies.unread.rows] * bool(copies.unread.count)
    if admitted.restored.count:
        wanted.append(admitted.restored.rows.select(identity_hash()))
    if wanted:
        of_earlier.append(_look_up(union_all(wanted), outcome, snapshot, window_days))
    if copies.of_batch.count:
        admitted = replace(admitted, from_batch=_placed(admitted.from_batch, copies.of_batch))
    if not of_earlier:
        return admitted
    least = checkpoint_counted(union_all(of_earlier).dropDuplicates(list(RECORD_KEY)))
    if admitted.restored.count and least.count:
        earlier = replace(admitted.from_earlier, rows=_placed(admitted.from_earlier.rows, least))
        admitted = replace(admitted, from_earlier=earlier)
    return _with_moved(admitted, least, snapshot, zone)


def _look_up(hashes: DataFrame, outcome: Outcome, snapshot: Snapshot, window_days: int) -> DataFrame:
    """Compare all records of few identities, however long ago they were received (LEAST columns)."""
    wanted = Candidates(checkpoint_counted(hashes.distinct()))
    earlier = earlier_records(snapshot, wanted, has_positions=True)
    if snapshot.superseded:
        earlier = earlier.where(~snapshot.superseded.of_unit())
    columns = PARSED_RECORDS.names
    copies = union_all([outcome.duplicates.rows.select(*columns), outcome.conflicts.rows.select(*columns)])
    hashed = copies.select("*", identity_hash())
    of_batch = hashed.join(wanted.hashes.hinted, IDENTITY_HASH, "left_semi").drop(IDENTITY_HASH)
    judged = judge_copies(new_records(of_batch).unionByName(earlier), window_days=window_days)
    return judged.where(_of_earlier()).select(*LEAST)


def _placed(events: DataFrame, least: Counted) -> DataFrame:
    """Put in the positions of events that have another one."""
    both = events.join(least.select(*RECORD_KEY, "least_position").hinted, list(RECORD_KEY), "left")
    position = F.coalesce("least_position", "position").alias("position")
    return both.select(*(position if name == "position" else F.col(name) for name in events.columns))


def _with_moved(admitted: Admitted, least: Counted, snapshot: Snapshot, zone: str) -> Admitted:
    """Remove the stored events whose position changes, and add them with the new one."""
    stored = least.rows.where(F.col("stored_as") == ACCEPTED)
    if admitted.removed.count:
        stored = stored.join(admitted.removed.select(*RECORD_KEY).hinted, list(RECORD_KEY), "left_anti")
    days = stored.select(local_day("event_at", zone).alias("day")).distinct()
    found = () if snapshot.is_small else tuple(sorted(row["day"] for row in days.collect()))  # a row per day
    if not (snapshot.is_small or found):
        return admitted
    keys = F.broadcast(stored) if least.is_small else stored
    on_days = snapshot.on_days(snapshot.events, "event_date", found)
    moved = checkpoint_counted(on_days.join(keys.select(*RECORD_KEY), list(RECORD_KEY), "left_semi"))
    if not moved.count:
        return admitted
    added = _placed(moved.rows.select(*EVENT), least)
    return replace(
        admitted,
        from_earlier=_more(admitted.from_earlier, added, moved.count, EVENT),
        removed=_more(admitted.removed, moved.rows.select(*REMOVED), moved.count, REMOVED),
        hinted=True,
    )


def _more(some: Counted, others: DataFrame, count: int, columns: Sequence[str]) -> Counted:
    rows = some.rows.select(*columns).unionByName(others) if some.count else others
    return Counted(rows, some.count + count)
