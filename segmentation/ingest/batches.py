"""Parse the input units of a batch."""

from __future__ import annotations

import math
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from segmentation.checkpoints import checkpoint
from segmentation.errors import ContractError
from segmentation.frames import conform, empty_frame
from segmentation.sources.device_types import device_types_of, fill_device_types
from segmentation.sources.parse import BESIDE, parse_records, raw_row_key
from segmentation.sources.properties import count_not_numeric
from segmentation.sources.readers.absent_columns import find_absent_columns
from segmentation.sources.readers.files import named_read_errors, one_task_per_block, read_records
from segmentation.sources.readers.units import megabytes_of
from segmentation.tables import PARSED_RECORDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from pyspark.sql import DataFrame, SparkSession

    from segmentation.ingest.params import IngestParams
    from segmentation.parameters import WorkspaceParams
    from segmentation.sources.expiry import Expiry
    from segmentation.sources.mapping import SourceMapping
    from segmentation.sources.readers.absent_columns import AbsentColumn
    from segmentation.sources.readers.units import InputUnit
    from segmentation.sources.tracking_plan import TrackingPlan


@dataclass(frozen=True)
class Batch:
    """Newly received records, parsed."""

    records: DataFrame
    """All records (PARSED_RECORDS), each once; cheap to read again."""
    pick: Callable[[DataFrame], DataFrame]
    """Parse only the records whose row_key is in the given frame, which has a broadcast hint if it is small."""
    allowed_lateness_days: int | None
    """Lateness bound of the source; None: the source maps no received time, so no record is late."""
    source: str
    unit_ids: tuple[str, ...]
    maps_orders: bool = False
    """Whether the source tells the orders of purchases."""
    of_messages: bool = False
    """Whether the records come from a topic. Such a batch may be empty, and a short one may be all bad."""
    absent_columns: tuple[AbsentColumn, ...] = ()
    """Columns that some of its Parquet files lack."""
    has_positions: bool = False
    """Whether the places of records in their files break ties."""
    not_numeric: Mapping[str, int] = field(default_factory=dict)
    """Values that are not numbers, by numeric property."""
    expires: bool = False
    """Whether records are excluded for their age. All records of a batch may be."""


def batch_without_records(spark: SparkSession, mapping: SourceMapping, allowed_lateness_days: int) -> Batch:
    """Return a batch that brings no record, with which records of its source may leave the tables."""
    records = empty_frame(spark, PARSED_RECORDS.schema)
    bound, maps_orders = mapping.lateness_bound(allowed_lateness_days), mapping.order is not None
    return Batch(
        records,
        lambda _: records,
        bound,
        mapping.name,
        (),
        maps_orders,
        of_messages=True,
        has_positions=mapping.has_positions,
    )


def exclude_expired(batch: Batch, expiry: Expiry | None) -> Batch:
    """Exclude the records of a batch that are older than the first day kept; None: all are kept."""
    if expiry is None:
        return batch
    return replace(
        batch,
        records=expiry.exclude_from(batch.records),
        pick=lambda keys: expiry.exclude_from(batch.pick(keys)),
        expires=True,
    )


FEW_ROWS = 50_000
"""Rows for which starting tasks costs more than the work."""
TINY_MB = 2
"""Size of input that holds about so many."""

READ_MB = 32
"""Size of the pieces that tasks read: with fewer, cores wait for the last one; with more, opening files costs time."""


def is_tiny(units: Sequence[InputUnit]) -> bool:
    """Return whether a batch is so small that starting tasks costs more than their work."""
    return megabytes_of(units) <= TINY_MB


def partitions_of(units: Sequence[InputUnit], partition_mb: int) -> int:
    """Return the number of shuffle partitions for a batch."""
    return max(1, math.ceil(megabytes_of(units) / partition_mb))


@contextmanager
def planned_for(
    spark: SparkSession, units: Sequence[InputUnit], partition_mb: int, *, is_small: bool = False
) -> Iterator[None]:
    """Set the size of the partitions of a batch, and switch adaptive execution off.

    Files are read in pieces of READ_MB, so that all cores end a scan at about the same time. Adaptive execution
    loses the partitioning of a checkpointed frame and would exchange it again for each use. A tiny batch gets one
    partition. If the lake is small too, broadcasts are switched off: each is a Spark job of its own, and there is
    nothing to save.
    """
    tiny = is_tiny(units)
    partitions = "spark.sql.shuffle.partitions"
    count = 1 if tiny else max(int(spark.conf.get(partitions) or 1), partitions_of(units, partition_mb))
    wanted = {
        partitions: str(count),
        "spark.sql.adaptive.enabled": "false",
        "spark.sql.files.maxPartitionBytes": f"{READ_MB}m",
    }
    if tiny and is_small:
        wanted["spark.sql.optimizer.disableHints"] = "true"
        wanted["spark.sql.autoBroadcastJoinThreshold"] = "-1"
    with _configured(spark, wanted):
        yield


@contextmanager
def planned_for_rows(spark: SparkSession, rows: int) -> Iterator[None]:
    """Plan for one partition without adaptive execution, as for a tiny batch, if there are at most FEW_ROWS rows."""
    few = {"spark.sql.shuffle.partitions": "1", "spark.sql.adaptive.enabled": "false"}
    with _configured(spark, few if rows <= FEW_ROWS else {}):
        yield


@contextmanager
def _configured(spark: SparkSession, wanted: Mapping[str, str]) -> Iterator[None]:
    """Change settings of the session, and restore them at the end."""
    before = {name: spark.conf.get(name, None) for name in wanted}
    for name, value in wanted.items():
        spark.conf.set(name, value)
    try:
        yield
    finally:
        for name, former in before.items():
            if former is None:
                spark.conf.unset(name)
            else:
                spark.conf.set(name, former)


def parse_batch(
    spark: SparkSession,
    mapping: SourceMapping,
    units: Sequence[InputUnit],
    *,
    ingest: IngestParams,
    workspace: WorkspaceParams,
    plan: TrackingPlan,
    keys: DataFrame | None = None,
) -> Batch:
    """Parse the units of a batch. Records are checkpointed, except that much Parquet is read again, which is cheaper.

    Raises:
        DataError: a text file cannot be read, or a Parquet file lacks a column of a required field; names it.
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
            workspace=workspace,
            plan=plan,
            keys=keys,
        )

    unit_ids, of_messages = tuple(unit.unit_id for unit in units), mapping.kafka is not None
    bound = mapping.lateness_bound(ingest.allowed_lateness_days)
    about = (bound, mapping.name, unit_ids, mapping.order is not None, of_messages)
    if units[0].format == "parquet" and not is_tiny(units):
        raw, absent = _read(spark, mapping, units)

        def pick(keys: DataFrame) -> DataFrame:
            # Join before parsing: Spark does not push a join below the parsing expressions.
            wanted = keys.withColumnRenamed("row_key", "_wanted")
            return complete(parse(raw.join(wanted, raw_row_key() == F.col("_wanted"), "left_semi")))

        parsed = parse(raw)
        complete = _completion(parsed)
        return Batch(complete(parsed), pick, *about, absent, mapping.has_positions, count_not_numeric(parsed))
    with named_read_errors(units), one_task_per_block(spark):
        raw, absent = _read(spark, mapping, units)
        held = checkpoint(parse(raw))  # read now, while each task has one block
    records = _completion(held)(held)

    def pick_held(keys: DataFrame) -> DataFrame:
        return records.join(keys, "row_key", "left_semi")

    return Batch(records, pick_held, *about, absent, mapping.has_positions, count_not_numeric(held))


def _completion(parsed: DataFrame) -> Callable[[DataFrame], DataFrame]:
    """Return the last step of parsing: fill in types of devices, and leave only the columns of PARSED_RECORDS."""
    if not {*BESIDE} & {*parsed.columns}:
        return lambda records: records
    types = device_types_of(parsed)
    return lambda records: conform(fill_device_types(records, types), PARSED_RECORDS)


def _read(
    spark: SparkSession, mapping: SourceMapping, units: Sequence[InputUnit]
) -> tuple[DataFrame, tuple[AbsentColumn, ...]]:
    raw = read_records(spark, mapping, units)
    return raw, find_absent_columns(raw, mapping) if units[0].format == "parquet" else ()
