"""What becomes of every record of a slice that is not an event, and the ledger that counts them all."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from segmentation.checkpoints import checkpoint
from segmentation.events.deduplicate import CONFLICT, DUPLICATE, HEAD
from segmentation.frames import union_all
from segmentation.ingest import rejections
from segmentation.ingest.cap import STORED
from segmentation.ingest.known import ACCEPTED
from segmentation.ingest.state import RECORD_KEY, Addition, Correction, Increment, Retraction
from segmentation.quality.reasons import Reason
from segmentation.tables import DUPLICATES, INGEST_LEDGER, QUARANTINE
from segmentation.tables import ingest_ledger as ledger

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from segmentation.ingest.cap import Capped
    from segmentation.ingest.state import State
    from segmentation.ingest.verdicts import Verdicts
    from segmentation.tables import Table

OVER_CAP, TOO_LATE = Reason.OVER_CAP.value, Reason.TOO_LATE.value


@dataclass
class _Books:
    """What is written down of a slice's records."""

    judged: list[tuple[DataFrame, str]] = field(default_factory=list)
    """Events that are quarantined, with the reason."""
    fates: list[DataFrame] = field(default_factory=list)
    """The final stage of every record of the slice."""
    moves: list[DataFrame] = field(default_factory=list)
    """Old and new stages of records of earlier slices."""


def change_rejections(
    plan: Increment, accepted: DataFrame, verdicts: Verdicts, capped: Capped, state: State, zone: str
) -> None:
    """Plan the changes of `quarantine`, `duplicates` and `ingest_ledger`.

    Args:
        plan: the increment, to which they are added.
        accepted: events that were not stored before, restored ones among them.
        verdicts: of the slice.
        capped: what the cap moved.
        state: earlier tables.
        zone: reporting zone.
    """
    books = _Books()
    _note_slice(books, accepted, verdicts)
    if verdicts.revived is not None:
        _note_revived(books, verdicts.revived)
    if capped.over is not None and capped.restored is not None:
        _note_cap(books, capped.over, capped.restored)
        plan.retractions.append(_withdraw(QUARANTINE, capped.restored))
    quarantined = [rejections.verdict_rows(books.judged)]
    if verdicts.changed is not None:
        books.moves += rejections.changed_fates(verdicts.changed.where(F.col("verdict") != HEAD), zone)
        quarantined.append(rejections.changed_to_conflict(verdicts.changed, zone))
        _change_known(plan, verdicts.changed, zone)
    plan.additions += [
        Addition(QUARANTINE, rejections.rejected_rows(verdicts.rejected)),
        Addition(QUARANTINE, rejections.located(union_all(quarantined), state.input_units)),
        Addition(DUPLICATES, rejections.duplicate_rows(verdicts.copies)),
    ]
    of_earlier_units = bool(books.moves) or verdicts.revived is not None
    _change_ledger(plan, books, state, of_earlier_units=of_earlier_units)


def _note_slice(books: _Books, accepted: DataFrame, verdicts: Verdicts) -> None:
    conflicts = verdicts.copies.where(F.col("verdict") == CONFLICT)
    duplicates = verdicts.copies.where(F.col("verdict") == DUPLICATE)
    books.judged += [(conflicts, CONFLICT), (verdicts.late, TOO_LATE)]
    books.fates += [
        rejections.rejected_fates(verdicts.rejected),
        rejections.fates(duplicates, ledger.DUPLICATE),
        rejections.fates(conflicts, ledger.QUARANTINED, CONFLICT),
        rejections.fates(verdicts.late, ledger.QUARANTINED, TOO_LATE),
        rejections.fates(accepted, ledger.ACCEPTED),
    ]


def _note_revived(books: _Books, revived: DataFrame) -> None:
    """Count copies that became events as if they left and came back: they are among the slice's events."""
    late, duplicates = revived.where("late"), revived.where(F.col("known_as") == DUPLICATE)
    books.judged.append((late, TOO_LATE))
    books.fates += [
        rejections.fates(late, ledger.QUARANTINED, TOO_LATE),
        rejections.fates(duplicates, ledger.DUPLICATE, sign=-1),
        rejections.fates(revived.where(F.col("known_as") == CONFLICT), ledger.QUARANTINED, CONFLICT, sign=-1),
    ]


def _note_cap(books: _Books, over: DataFrame, restored: DataFrame) -> None:
    """Count what fell beyond the cap, and earlier events that are below it again: those are among the accepted."""
    stored = over.where(F.col("origin") == STORED)
    books.judged.append((over, OVER_CAP))
    books.fates += [
        rejections.fates(over.where(F.col("origin") != STORED), ledger.QUARANTINED, OVER_CAP),
        rejections.fates(restored, ledger.ACCEPTED, sign=-1),
    ]
    books.moves += [
        rejections.fates(stored, ledger.QUARANTINED, OVER_CAP),
        rejections.fates(stored, ledger.ACCEPTED, sign=-1),
        rejections.fates(restored, ledger.ACCEPTED),
        rejections.fates(restored, ledger.QUARANTINED, OVER_CAP, sign=-1),
    ]


def _change_ledger(plan: Increment, books: _Books, state: State, *, of_earlier_units: bool) -> None:
    """Add the books up; what superseded units left in any of the three tables goes."""
    plan.ledger = checkpoint(rejections.ledger_rows(books.fates, books.moves))
    if state.withdrawal.unit_ids:
        units = state.input_units.where(state.withdrawal.leaves()).select("unit_id")
        for table in (QUARANTINE, DUPLICATES, INGEST_LEDGER):
            plan.retractions.append(Retraction(table, units, ("unit_id",)))
    if of_earlier_units:
        plan.corrections.append(Correction(INGEST_LEDGER, plan.ledger))
    else:  # all rows are of the slice's own units, which are new
        plan.additions.append(Addition(INGEST_LEDGER, plan.ledger))


def _change_known(plan: Increment, changed: DataFrame, zone: str) -> None:
    """Move known records between `quarantine` and `duplicates`."""
    plan.retractions.append(_withdraw(QUARANTINE, changed.where(~F.col("known_as").isin(ACCEPTED, DUPLICATE))))
    plan.retractions.append(_withdraw(DUPLICATES, changed.where(F.col("known_as") == DUPLICATE)))
    plan.additions.append(Addition(DUPLICATES, rejections.changed_to_duplicate(changed, zone)))


def _withdraw(table: Table, rows: DataFrame) -> Retraction:
    """Take records back; their receipt prunes the files."""
    # As text, in the session's UTC: a collected instant is a naive one of this machine's zone.
    first_and_last = (bound("received_at").cast("string") for bound in (F.min, F.max))
    span = rows.agg(*first_and_last).head()
    first, last = span or (None, None)
    between = "false" if first is None else f"t.received_at BETWEEN TIMESTAMP'{first}' AND TIMESTAMP'{last}'"
    return Retraction(table, rows.select(*RECORD_KEY), RECORD_KEY, between)
