"""The ledger rows of a batch: the outcome of every record, by input unit, day, event name and reason."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F

from segmentation.frames import conform, union_all
from segmentation.ingest.copies import DUPLICATE, SURVIVOR
from segmentation.ingest.earlier_records import ACCEPTED
from segmentation.ingest.payload import restore_payload
from segmentation.ingest.user_day_cap import BATCH, STORED
from segmentation.local_time import local_day
from segmentation.quality.reasons import Reason
from segmentation.tables import INGEST_LEDGER
from segmentation.tables import ingest_ledger as stages

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

    from segmentation.ingest.deduplicate import Outcome
    from segmentation.ingest.snapshot import Erased
    from segmentation.ingest.user_day_cap import Admitted

LEDGER_OF = ("unit_id", "source", "event_date", "event_name")
OVER_CAP, TOO_LATE, CONFLICT = Reason.OVER_CAP.value, Reason.TOO_LATE.value, Reason.CONFLICT.value


def count_batch(accepted: DataFrame, outcome: Outcome, admitted: Admitted) -> DataFrame:
    """Count the batch's own records by their outcome, and as read and parsed.

    Args:
        accepted: stored events of the batch's input units.
        outcome: of all records.
        admitted: which of them exceed the cap.

    Returns:
        Rows of `ingest_ledger`, one per key.
    """
    over = admitted.over_cap.where(F.col("origin") == BATCH)
    parts = [
        noted(accepted, stages.ACCEPTED),
        noted(outcome.duplicates.rows, stages.DUPLICATE),
        noted(outcome.conflicts.rows, stages.QUARANTINED, CONFLICT),
        noted(outcome.late.rows, stages.QUARANTINED, TOO_LATE),
        noted(over, stages.QUARANTINED, OVER_CAP),
        rejected_rows(outcome.rejected.rows),
    ]
    if outcome.excluded.count:
        parts.append(_by_reason(outcome.excluded.rows, F.lit(stages.EXCLUDED)))
    return count_stages(parts)


def count_stages(parts: list[DataFrame]) -> DataFrame:
    """Sum records by their outcome, and count each as read and, unless it is unparsable, as parsed."""
    last = F.struct("stage", "reason")
    none = F.lit(None).cast("string").alias("reason")
    read, parsed = (F.struct(F.lit(stage).alias("stage"), none) for stage in (stages.READ, stages.PARSED))
    passed = F.when(F.col("stage") == stages.UNPARSABLE, F.array(last, read)).otherwise(F.array(last, read, parsed))
    every_stage = sum_signed(parts).select(*LEDGER_OF, F.inline(passed), "records")
    return sum_signed([every_stage])


def count_moves(outcome: Outcome, admitted: Admitted, zone: str) -> list[DataFrame]:
    """Count earlier records that move from one outcome to another, signed, in the rows of their own input units.

    Grain: a record and one of its two outcomes; empty if no earlier record moves.
    """
    moves: list[DataFrame] = []
    if outcome.changed.count:
        dated = outcome.changed.rows.select("*", *restore_payload("payload", "event_name"), _day(zone))
        moved = dated.where((F.col("stored_as") != F.col("outcome")) & (F.col("outcome") != SURVIVOR))
        moves += [_moved(moved, "stored_as", -1), _moved(moved, "outcome", 1)]
    if outcome.reinstated.count:
        rows = outcome.reinstated.rows
        moves += [_moved(rows, "stored_as", -1), noted(rows.where("late"), stages.QUARANTINED, TOO_LATE)]
    if admitted.from_earlier.count:
        moves.append(noted(admitted.from_earlier.rows, stages.ACCEPTED))
    if admitted.restored.count:
        moves.append(noted(admitted.restored.rows, stages.QUARANTINED, OVER_CAP, sign=-1))
    if admitted.over_cap.count:
        earlier = admitted.over_cap.where(F.col("origin") != BATCH)
        moves.append(noted(earlier, stages.QUARANTINED, OVER_CAP))
        moves.append(noted(earlier.where(F.col("origin") == STORED), stages.ACCEPTED, sign=-1))
    return moves


def count_erased(erased: Erased) -> DataFrame:
    """Count erased records, signed, in every stage that they leave: all that they passed, or the last one.

    Records that are excluded from now on (`Erased.excluded_as`) stay counted as read and parsed.
    """
    unparsable = (F.col("reason") == Reason.MALFORMED.value).alias("unparsable")
    last = [
        noted(erased.events.rows, stages.ACCEPTED),
        noted(erased.duplicates.rows, stages.DUPLICATE),
        rejected_rows(erased.quarantined.rows.select("*", unparsable)),
    ]
    if erased.excluded_as is None:
        return count_stages(last).withColumn("records", -F.col("records"))
    parts = (erased.events, erased.duplicates, erased.quarantined)
    excluded = [noted(part.rows, stages.EXCLUDED, erased.excluded_as) for part in parts]
    return sum_signed([*(rows.withColumn("records", -F.col("records")) for rows in last), *excluded])


def sum_signed(parts: list[DataFrame]) -> DataFrame:
    """Sum signed ledger rows by key; rows that cancel out are left out."""
    sums = union_all(parts).groupBy(*INGEST_LEDGER.key).agg(F.sum("records").alias("records"))
    return conform(sums.where(F.col("records") != 0), INGEST_LEDGER)


def totals_of_source(ledger: DataFrame, source: str) -> dict[str, Any]:
    """Count a source's records by stage, and under `reasons` those with a reason, which were rejected or excluded."""
    rows = (
        ledger.where(F.col("source") == source)
        .groupBy("stage", "reason")
        .agg(F.sum("records").alias("records"))
        .collect()  # a row per stage and reason
    )
    by_stage: Counter[str] = Counter()
    for row in sorted(rows, key=lambda r: (r["stage"], r["reason"] or "")):
        by_stage[row["stage"]] += row["records"]
    by_reason: Counter[str] = Counter()
    for row in sorted((r for r in rows if r["reason"]), key=lambda r: r["reason"]):
        by_reason[row["reason"]] += row["records"]
    return {**by_stage, "reasons": dict(by_reason)}


def rejected_rows(rejected: DataFrame) -> DataFrame:
    """Return a ledger row for each record that its own checks reject."""
    stage = F.when(F.col("unparsable"), stages.UNPARSABLE).otherwise(stages.QUARANTINED)
    return _by_reason(rejected, stage)


def noted(rows: DataFrame, stage: str, reason: str | None = None, sign: int = 1) -> DataFrame:
    """Return a ledger row of a stage for each record; sign -1 removes it from the counts."""
    return rows.select(
        *LEDGER_OF, F.lit(stage).alias("stage"), F.lit(reason).cast("string").alias("reason"), _one(sign)
    )


def _by_reason(rows: DataFrame, stage: Column) -> DataFrame:
    return rows.select(*LEDGER_OF, stage.alias("stage"), F.col("reasons")[0].alias("reason"), _one(1))


def _moved(rows: DataFrame, by: str, sign: int) -> DataFrame:
    outcome = F.col(by)
    stage = F.when(outcome == ACCEPTED, stages.ACCEPTED).when(outcome == DUPLICATE, stages.DUPLICATE)
    reason = F.when(~outcome.isin(ACCEPTED, DUPLICATE), outcome).alias("reason")
    return rows.select(*LEDGER_OF, stage.otherwise(stages.QUARANTINED).alias("stage"), reason, _one(sign))


def _one(sign: int) -> Column:
    return F.lit(sign).cast("bigint").alias("records")


def _day(zone: str) -> Column:
    return local_day("event_at", zone).alias("event_date")
