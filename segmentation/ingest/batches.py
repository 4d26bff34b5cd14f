"""Parse the input units of a batch, and check the batch before it is written."""

from __future__ import annotations

import math
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from segmentation.checkpoints import checkpoint
from segmentation.errors import ContractError, DataError
from segmentation.ingest.state import Batch
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
"""Input of this size holds about 50,000 records, for which starting tasks costs more than the work."""


def partitions_of(units: Sequence[InputUnit], partition_mb: int) -> int:
    """Return the number of shuffle partitions for a batch."""
    return max(1, math.ceil(megabytes_of(units) / partition_mb))


@contextmanager
def planned_for(spark: SparkSession, units: Sequence[InputUnit], partition_mb: int) -> Iterator[None]:
    """Set the number of shuffle partitions for a batch, and switch adaptive execution off.

    Adaptive execution loses the partitioning of a checkpointed frame and would exchange it again for each use.
    A tiny batch gets one partition, so that nothing is exchanged.
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


def parse_batch(
    spark: SparkSession,
    mapping: SourceMapping,
    units: Sequence[InputUnit],
    *,
    ingest: IngestParams,
    time_zone: str,
    plan: TrackingPlan,
    keys: DataFrame | None = None,
) -> Batch:
    """Parse the units of a batch. Records of text are checkpointed; reading Parquet again is cheaper.

    Raises:
        DataError: a text file cannot be read; the message names it.
        ContractError: the mapping asks for pseudonyms, and no keys are given.
    """
    if mapping.pseudonymise and keys is None:
        raise ContractError(f"source '{mapping.name}' asks for pseudonyms, and there are no keys")

    def parse(raw: DataFrame) -> DataFrame:
        return parse_records(
            raw,
            mapping=mapping,
            allowed_lateness_days=ingest.allowed_lateness_days,
            clock_skew_hours=ingest.clock_skew_hours,
            time_zone=time_zone,
            plan=plan,
            keys=keys,
        )

    bound = mapping.lateness_bound(ingest.allowed_lateness_days)
    few = F.broadcast if are_few(units) else (lambda keys: keys)
    if units[0].format == "parquet":
        raw = read_records(spark, mapping, units)

        def pick(keys: DataFrame) -> DataFrame:
            # Join before parsing: Spark does not push a join below the parsing expressions.
            wanted = keys.select(F.col("row_key").alias("_wanted"))
            return parse(raw.join(few(wanted), raw_row_key() == F.col("_wanted"), "left_semi"))

        return Batch(parse(raw), pick, bound)
    with named_read_errors(units), one_task_per_block(spark):
        held = checkpoint(parse(read_records(spark, mapping, units)))  # read now, while each task has one block
    return Batch(held, lambda keys: held.join(few(keys), "row_key", "left_semi"), bound)


FEW_MESSAGES = 1_000
"""The share of rejected records is not checked in smaller batches of messages: one bad message would stop the topic."""


def check_batch(records: int, ledger: DataFrame, source: str, max_share: float, *, of_messages: bool = False) -> None:
    """Check, before anything is written, that the ledger adds up and that not too many records are rejected.

    Args:
        records: number of records in the batch.
        ledger: ledger rows of the batch.
        source: name of the mapping, for the message.
        max_share: greatest share of rejected records.
        of_messages: whether the batch comes from a topic. Such a batch may be empty, and a short one may be all bad.

    Raises:
        DataError: the message names the share, the limit and the most frequent reasons.
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
    """Check, before anything is published, that at least one event was accepted.

    Raises:
        DataError: all records were duplicates, conflicts or too late.
    """
    if events.isEmpty():
        raise DataError(f"source '{source}': no event was accepted; every record was a copy or too late")
