"""A slice of input on its way into the engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from segmentation.errors import DataError
from segmentation.sources.parse import parse_records
from segmentation.storage.raw import named_read_errors, one_task_per_block, read_records

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import DataFrame, SparkSession

    from segmentation.increments.params import IngestParams
    from segmentation.sources.mapping import SourceMapping
    from segmentation.storage.raw import InputUnit


def parse_slice(
    spark: SparkSession,
    mapping: SourceMapping,
    units: Sequence[InputUnit],
    *,
    ingest: IngestParams,
    time_zone: str,
) -> DataFrame:
    """Read and parse a slice's units once; the records are kept on the executors, in memory or on disk.

    Raises:
        DataError: a file cannot be read; names it.
    """
    with named_read_errors(units), one_task_per_block(spark):
        records = read_records(spark, mapping, units)
        parsed = parse_records(
            records,
            mapping=mapping,
            lateness_days=ingest.lateness_days,
            clock_skew_hours=ingest.clock_skew_hours,
            time_zone=time_zone,
        )
        return parsed.localCheckpoint(eager=True)  # reads now, while one task has one block


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
