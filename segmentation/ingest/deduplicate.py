"""Deduplicate a batch: compare candidates in full, with each other and with earlier records.

Every record gets one outcome. A survivor is an event unless it is too late; a duplicate has the survivor's payload, a
conflict another one. Earlier records are judged again where the batch changes their run.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from segmentation.checkpoints import BROADCAST_ROWS, Counted, checkpoint_counted, checkpoint_observing, no_rows
from segmentation.ingest.copies import CONFLICT, DUPLICATE, IDENTITY, SURVIVOR, judge_copies
from segmentation.ingest.earlier_records import PLACES, earlier_payloads, earlier_records, new_records
from segmentation.ingest.index import IDENTITY_HASH, identity_hash
from segmentation.ingest.payload import restored_events
from segmentation.ingest.positions import counted_positions, is_out_of_place, known_copies
from segmentation.quality.lateness import is_late

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

    from segmentation.ingest.batches import Batch
    from segmentation.ingest.candidates import Candidates
    from segmentation.ingest.index import Index
    from segmentation.ingest.positions import KnownCopies
    from segmentation.ingest.snapshot import Snapshot


@dataclass(frozen=True)
class Outcome:
    """The outcome of every record of a batch, and of earlier records that the batch changes."""

    not_events: Counted
    """row_key of every record of the batch that is no event."""
    rejected: Counted
    """Records rejected by their own checks and not excluded, as parsed."""
    excluded: Counted
    """Excluded records, as parsed."""
    late: Counted
    """Survivors received too late, as parsed."""
    duplicates: Counted
    """Copies with the payload of their survivor, as parsed, with payload_hash."""
    conflicts: Counted
    """Copies with another payload, as parsed, with survivor_hash."""
    changed: Counted
    """Earlier records with another outcome or survivor than before, with both and their payload (COMPARED columns)."""
    reinstated: Counted
    """Earlier duplicates and conflicts that are survivors now, as events, with stored_as and late."""
    copies: KnownCopies | None = None
    """Positions that copies give to events; None: positions do not break the ties of the source."""


def deduplicate(
    batch: Batch, index: Index, candidates: Candidates, snapshot: Snapshot, *, window_days: int, zone: str
) -> Outcome:
    """Give every record of a batch its outcome, and change those of earlier records of the same identities.

    Only rejected, late and candidate records are read in full; all others are events.

    Args:
        batch: the parsed records.
        index: of the batch.
        candidates: hashes that occur more than once.
        snapshot: earlier tables.
        window_days: a record is a copy if its identity was received at most so many days before.
        zone: reporting zone, which dates reinstated events.
    """
    selected = _select_records(batch, index, candidates)
    earlier = _earlier(snapshot, candidates, selected, has_positions=batch.has_positions)
    judged, found = _judge(
        selected, earlier, candidates, snapshot, window_days=window_days, has_positions=batch.has_positions
    )
    told, counts = _with_outcomes(selected, judged, index, found["copies"])
    changed = _changed_records(judged, earlier, selected, snapshot) if found["changed"] else no_rows(judged)
    reinstated = _reinstated(changed, batch.allowed_lateness_days, zone)
    is_late = _is_late()
    return Outcome(
        not_events=Counted(
            told.where(F.col("rejected") | is_late | F.col("outcome").isNotNull()).select("row_key"),
            sum(counts.values()),
        ),
        rejected=Counted(selected.where("rejected AND NOT excluded"), index.rejected - index.excluded),
        excluded=Counted(selected.where("excluded"), index.excluded),
        late=Counted(told.where(is_late), counts["late"]),
        duplicates=Counted(told.where(F.col("outcome") == DUPLICATE), counts["duplicates"]),
        conflicts=Counted(told.where(F.col("outcome") == CONFLICT), counts["conflicts"]),
        changed=changed,
        reinstated=checkpoint_counted(reinstated) if found["reinstated"] else no_rows(reinstated),
        copies=known_copies(judged, found) if batch.has_positions else None,
    )


def _select_records(batch: Batch, index: Index, candidates: Candidates) -> Counted:
    """Checkpoint, with all columns, the records that are rejected, late or candidates (`is_candidate`)."""
    is_hash = candidates.hashes.rows.select(IDENTITY_HASH, F.lit(True).alias("_found"))
    is_hash = F.broadcast(is_hash) if candidates.hashes.is_small else is_hash

    def mark(hashed: DataFrame) -> DataFrame:
        is_candidate = F.coalesce("_found", F.lit(False)) & ~F.col("rejected")
        return hashed.join(is_hash, IDENTITY_HASH, "left").select(*hashed.columns, is_candidate.alias("is_candidate"))

    selected = mark(index.rows).where(F.col("rejected") | F.col("late") | F.col("is_candidate")).select("row_key")
    is_any = index.rejected or index.late or candidates.hashes.count
    keys = (
        checkpoint_counted(selected) if is_any and index.records > BROADCAST_ROWS else Counted(selected, index.records)
    )
    records = mark(batch.pick(keys.hinted).select("*", identity_hash())).drop(IDENTITY_HASH)
    return checkpoint_counted(records) if is_any else no_rows(records)


def _earlier(snapshot: Snapshot, candidates: Candidates, selected: Counted, *, has_positions: bool) -> Counted:
    if candidates.received_since is None:
        return no_rows(new_records(selected.rows))
    return checkpoint_counted(earlier_records(snapshot, candidates, has_positions=has_positions))


def _judge(
    selected: Counted,
    earlier: Counted,
    candidates: Candidates,
    snapshot: Snapshot,
    *,
    window_days: int,
    has_positions: bool,
) -> tuple[DataFrame, dict[str, int]]:
    """Judge candidates and earlier records; return copies of the batch and all earlier records, and their numbers.

    Where positions break ties, survivors of the batch that a copy gives a lesser position are returned too.
    """
    standing = earlier.rows.where(~snapshot.superseded.of_unit()) if snapshot.superseded else earlier.rows
    compared = new_records(selected.where("is_candidate")).unionByName(standing)
    if not has_positions:
        compared = compared.drop(*PLACES)
    judged = judge_copies(compared, window_days=window_days, complete_from=candidates.complete_from)
    is_new = F.col("stored_as").isNull()
    is_copy = is_new & (F.col("outcome") != SURVIVOR)
    numbers = {
        "copies": is_copy,
        "changed": ~is_new & _is_changed(),
        "reinstated": ~is_new & _is_reinstated(),
        **(counted_positions() if has_positions else {}),
    }
    noted = judged.where(~is_new | is_copy | (is_out_of_place() if has_positions else F.lit(False)))
    if not (candidates.hashes.count or earlier.count):
        return no_rows(noted).rows, dict.fromkeys(numbers, 0)
    return checkpoint_observing(noted, *(F.count_if(condition).alias(name) for name, condition in numbers.items()))


def _is_changed() -> Column:
    """Return whether an earlier record has another outcome, or another survivor it conflicts with."""
    other_survivor = (F.col("outcome") == CONFLICT) & (F.col("survivor_hash") != F.col("stored_survivor_hash"))
    return (F.col("outcome") != F.col("stored_outcome")) | other_survivor


def _is_reinstated() -> Column:
    """Return whether an earlier copy is none any more: its survivor left with its unit, or was erased."""
    return (F.col("outcome") == SURVIVOR) & F.col("stored_outcome").isin(DUPLICATE, CONFLICT)


def _with_outcomes(selected: Counted, judged: DataFrame, index: Index, copies: int) -> tuple[DataFrame, dict[str, int]]:
    """Add outcome, survivor_hash and payload_hash to copies among the selected records, and count each kind."""
    columns = ("outcome", "survivor_hash", "payload_hash")
    if not copies:
        nothing = (F.lit(None).cast("string").alias(name) for name in columns)
        counts = {"rejected": index.rejected, "late": index.late, "duplicates": 0, "conflicts": 0}
        return selected.rows.select("*", *nothing), counts
    of_batch = judged.where(F.col("stored_as").isNull() & (F.col("outcome") != SURVIVOR)).select("row_key", *columns)
    told = selected.rows.join(Counted(of_batch, copies).hinted, "row_key", "left")
    kinds = {"rejected": F.col("rejected"), "late": _is_late()} | {
        f"{name}s": F.col("outcome") == name for name in (DUPLICATE, CONFLICT)
    }
    return checkpoint_observing(told, *(F.count_if(condition).alias(kind) for kind, condition in kinds.items()))


def _is_late() -> Column:
    """Return whether a selected record is a survivor that was received too late."""
    return F.col("late") & ~F.col("rejected") & F.col("outcome").isNull()


def _changed_records(judged: DataFrame, earlier: Counted, selected: Counted, snapshot: Snapshot) -> Counted:
    """Return earlier records whose outcome changed, with payloads; a duplicate has that of its former survivor."""
    changes = judged.where(F.col("stored_as").isNotNull() & _is_changed())
    known = earlier.rows.unionByName(new_records(selected.where("is_candidate")))
    missing = F.count_if(F.col("payload").isNull()).alias("missing")
    total = F.count(F.lit(1)).alias("rows")
    held, found = checkpoint_observing(_with_payload(changes, known), missing, total)
    if not found["missing"]:
        return Counted(held, found["rows"])
    given = _with_payload(held, earlier_payloads(held, snapshot))
    # A payload that no record has was erased with a person: its copies stay what they are.
    return checkpoint_counted(given.where(F.col("payload").isNotNull()))


def _with_payload(changed: DataFrame, records: DataFrame) -> DataFrame:
    """Fill a missing payload from another record of the same identity and payload hash."""
    given = records.where(F.col("payload").isNotNull())
    given = given.select(*IDENTITY, "payload_hash", F.col("payload").alias("_given")).distinct()
    found = changed.join(given, [*IDENTITY, "payload_hash"], "left")
    return found.withColumn("payload", F.coalesce("payload", "_given")).drop("_given").select(*changed.columns)


def _reinstated(changed: Counted, allowed_lateness_days: int | None, zone: str) -> DataFrame:
    rows = changed.where(_is_reinstated())
    placed = ("position",) if "least_position" in rows.columns else ()
    rows = rows.withColumns({name: F.col("least_position") for name in placed})
    events = restored_events(rows, "payload", zone, "stored_as", *placed)
    return events.select("*", is_late("received_at", "event_at", allowed_lateness_days).alias("late"))
