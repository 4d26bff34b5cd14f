"""A slice of input on its way into the engine."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from pyspark import StorageLevel
from pyspark.sql import functions as F

from segmentation.errors import DataError
from segmentation.sources.parse import parse_records
from segmentation.storage.raw import named_read_errors, one_task_per_block, read_records

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pyspark.sql import DataFrame, SparkSession

    from segmentation.increments.params import IngestParams
    from segmentation.sources.mapping import SourceMapping
    from segmentation.storage.raw import InputUnit


@contextmanager
def parsed_slice(
    spark: SparkSession,
    mapping: SourceMapping,
    units: Sequence[InputUnit],
    *,
    ingest: IngestParams,
    time_zone: str,
) -> Iterator[DataFrame]:
    """Read and parse a slice's units once, and hold the records while the block runs."""
    with named_read_errors(units):
        with one_task_per_block(spark):
            parsed = parse_records(
                read_records(spark, mapping, units),
                mapping=mapping,
                lateness_days=ingest.lateness_days,
                clock_skew_hours=ingest.clock_skew_hours,
                time_zone=time_zone,
            ).persist(StorageLevel.MEMORY_AND_DISK)
            parsed.count()  # reads now, while one task has one block
        try:
            yield parsed
        finally:
            parsed.unpersist()


def check_rejected(parsed: DataFrame, source: str, max_share: float) -> None:
    """Stop before anything is written where too much of a slice is rejected.

    Raises:
        DataError: names the share, the limit and the most frequent reasons.
    """
    counts = parsed.groupBy(F.try_element_at("reasons", F.lit(1)).alias("reason")).count().collect()  # a row per reason
    total = sum(row["count"] for row in counts)
    rejected = {row["reason"]: row["count"] for row in counts if row["reason"] is not None}
    share = sum(rejected.values()) / total if total else 0.0
    if total == 0:
        raise DataError(f"source '{source}': the input holds no records")
    worst = sorted(rejected.items(), key=lambda item: (-item[1], item[0]))[:3]
    reasons = ", ".join(f"{reason} {count}" for reason, count in worst)
    if share == 1.0:
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
