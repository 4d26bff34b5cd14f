"""A slice of input on its way into the engine."""

from __future__ import annotations

import math
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from segmentation.checkpoints import checkpoint
from segmentation.errors import ContractError, DataError
from segmentation.ingest.state import Slice
from segmentation.quality.reasons import VERDICTS
from segmentation.sources.parse import parse_records, raw_row_key
from segmentation.sources.readers.files import named_read_errors, one_task_per_block, read_records
from segmentation.sources.readers.units import are_few, megabytes_of
from segmentation.tables.ingest_ledger import READ

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pyspark.sql import DataFrame, SparkSession

    from segmentation.ingest.params import IngestParams
    from segmentation.sources.mapping import SourceMapping
    from segmentation.sources.readers.units import InputUnit
    from segmentation.sources.tracking_plan import TrackingPlan


TINY_MB = 2
"""Input of so much holds some 50,000 records: starting tasks costs more than they do."""


def partitions_of(units: Sequence[InputUnit], partition_mb: int) -> int:
    """Say how many partitions a slice is worth."""
    return max(1, math.ceil(megabytes_of(units) / partition_mb))


@contextmanager
def planned_for(spark: SparkSession, units: Sequence[InputUnit], partition_mb: int) -> Iterator[None]:
    """Plan for a slice of this size: as many partitions as it asks for, and frames that stay where they are laid out.

    Adaptive execution forgets how a held frame is laid out, and would exchange it anew for all that is made of it.
    What one task does in a second is left to one: nothing is exchanged then.
    """
    key, adaptive = "spark.sql.shuffle.partitions", "spark.sql.adaptive.enabled"
    before = {name: str(spark.conf.get(name)) for name in (key, adaptive)}
    is_tiny = megabytes_of(units) <= TINY_MB
    spark.conf.set(key, "1" if is_tiny else str(max(int(before[key]), partitions_of(units, partition_mb))))
    spark.conf.set(adaptive, "false")
    try:
        yield
    finally:
        for name, value in before.items():
            spark.conf.set(name, value)


def parse_slice(
    spark: SparkSession,
    mapping: SourceMapping,
    units: Sequence[InputUnit],
    *,
    ingest: IngestParams,
    time_zone: str,
    plan: TrackingPlan,
    keys: DataFrame | None = None,
) -> Slice:
    """Parse a slice's units. Records of text are kept on the executors; Parquet is cheaper read again.

    Raises:
        DataError: a text file cannot be read; names it.
        ContractError: the mapping asks for pseudonyms, and no keys are given: nothing may be stored as it is.
    """
    if mapping.pseudonymise and keys is None:
        raise ContractError(f"source '{mapping.name}' asks for pseudonyms, and there are no keys")

    def parse(raw: DataFrame) -> DataFrame:
        return parse_records(
            raw,
            mapping=mapping,
            lateness_days=ingest.lateness_days,
            clock_skew_hours=ingest.clock_skew_hours,
            time_zone=time_zone,
            plan=plan,
            keys=keys,
        )

    bound = mapping.lateness_bound(ingest.lateness_days)
    few = F.broadcast if are_few(units) else (lambda keys: keys)
    if units[0].format == "parquet":
        raw = read_records(spark, mapping, units)

        def pick(keys: DataFrame) -> DataFrame:
            # Before parsing: Spark does not take a join below what parsing works out.
            wanted = keys.select(F.col("row_key").alias("_wanted"))
            return parse(raw.join(few(wanted), raw_row_key() == F.col("_wanted"), "left_semi"))

        return Slice(parse(raw), pick, bound)
    with named_read_errors(units), one_task_per_block(spark):
        held = checkpoint(parse(read_records(spark, mapping, units)))  # reads now, while one task has one block
    return Slice(held, lambda keys: held.join(few(keys), "row_key", "left_semi"), bound)


FEW_MESSAGES = 1_000
"""A slice of fewer messages is not judged by its share of rejected ones: one bad message would stop its topic."""


def check_slice(records: int, ledger: DataFrame, source: str, max_share: float, *, of_messages: bool = False) -> None:
    """Stop before anything is written where records are unaccounted for, or too many are rejected.

    Args:
        records: how many the slice has.
        ledger: the slice's ledger rows.
        source: name of the mapping, for the message.
        max_share: greatest share of rejected records.
        of_messages: the slice is a stretch of a topic: it may be empty, or short and bad, and must not stop the rest.

    Raises:
        DataError: names the share, the limit and the most frequent reasons.
        ContractError: the ledger does not add up to the records that were read.
    """
    stages = ledger.groupBy("stage", "reason").agg(F.sum("records").alias("n")).collect()  # a row per reason
    total, read = records, sum(row["n"] for row in stages if row["stage"] == READ)
    if total == 0 and not of_messages:
        raise DataError(f"source '{source}': the input holds no records")
    if total != read:
        raise ContractError(f"source '{source}': {total} records were read, the ledger has {read}")
    if of_messages and total < FEW_MESSAGES:
        return
    verdicts = {verdict.value for verdict in VERDICTS}
    rejected = {r["reason"]: r["n"] for r in stages if r["reason"] is not None and r["reason"] not in verdicts}
    share = sum(rejected.values()) / total
    worst = sorted(rejected.items(), key=lambda item: (-item[1], item[0]))[:3]
    reasons = ", ".join(f"{reason} {count}" for reason, count in worst)
    if share == 1.0 and not of_messages:
        raise DataError(f"source '{source}': no record is left after cleaning, all {total} were rejected ({reasons})")
    if share > max_share:
        raise DataError(
            f"source '{source}': {share:.1%} of {total} records were rejected ({reasons}), more than "
            f"ingest.max_rejected_share = {max_share}; correct the mapping, or raise the limit"
        )


def check_accepted(events: DataFrame, source: str) -> None:
    """Stop before anything is published where not one event was accepted.

    Raises:
        DataError: all records were duplicates, conflicts or too late.
    """
    if events.isEmpty():
        raise DataError(f"source '{source}': no event was accepted; every record was a copy or too late")
