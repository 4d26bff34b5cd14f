"""Land ranges of offsets of a Kafka topic as Parquet files."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote

from pyspark.errors import PySparkException
from pyspark.sql import functions as F

from segmentation.errors import ConfigurationError, RetryableError
from segmentation.filesystem import as_pattern, delete_path, glob_paths, is_local, move_file, replace_file
from segmentation.frames import empty_frame
from segmentation.jvm import Py4JJavaError, is_class, java
from segmentation.sources.kafka import (
    LANDED_PATH,
    KafkaParams,
    OffsetLimits,
    OffsetRange,
    Standing,
    advanced,
    check_lost,
    landed_range,
    plan_round,
    standings,
)
from segmentation.sources.readers.avro import keep_schemas
from segmentation.sources.readers.messages import LANDED, list_landed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from pyspark.sql import DataFrame, SparkSession

    from segmentation.sources.mapping import SourceMapping
    from segmentation.sources.readers.units import InputUnit

_BYTES = "org.apache.kafka.common.serialization.ByteArrayDeserializer"
_REFUSED = ("Authentication", "Authorization", "ConfigException", "Failed to construct kafka consumer", "InvalidTopic")
"""Words in the messages of errors that do not go away on retry."""
_OF_KAFKA = ("org.apache.kafka", "kafka010", "KAFKA_")
_STAGING = "_landing"


class Opened(NamedTuple):
    """The state of a topic when the run began: offsets ingested so far, and offsets available."""

    places: Mapping[int, Standing]
    limits: Mapping[int, OffsetLimits]
    notes: list[str]
    """Gaps that the mapping allows the run to skip."""


def raw_folder(root: str, source: str) -> str:
    """Return the folder in which the messages of a source land."""
    return f"{root}/_raw/{source}"


def open_topic(spark: SparkSession, mapping: SourceMapping, folder: str, taken: Iterable[str]) -> Opened:
    """Compare the ingested offsets with those that the broker has now.

    Args:
        spark: the session.
        mapping: of a source with a topic.
        folder: where its messages land.
        taken: paths of all ingested units.

    Raises:
        DataError: messages were lost, or the topic was made anew.
        ConfigurationError: there is no such topic, the broker refuses us, or the jars of Kafka are missing.
        RetryableError: the broker does not answer.
    """
    params = mapping.topic
    limits = read_limits(spark, params)
    done = [found for path in taken if (found := landed_range(path)) is not None]
    files = glob_paths(spark, f"{as_pattern(folder)}/{params.topic}/*/*.parquet")
    landed = [found for path in files if (found := landed_range(path)) is not None]
    places = standings(params.topic, done, landed, limits)
    return Opened(places, limits, check_lost(params, places, limits))


def land_rounds(
    spark: SparkSession, mapping: SourceMapping, folder: str, run_id: str, opened: Opened
) -> Iterator[list[InputUnit]]:
    """Land one range per partition at a time, until all messages that the broker had at the beginning have landed.

    The units of a round must have been ingested before the next one is asked for. A range that a crash left on the
    disk is a unit as it stands: its file got its name when it was whole.

    Raises:
        RetryableError: the broker does not answer.
    """
    params, places = mapping.topic, opened.places
    if is_local(spark, folder):  # no other run writes here: files that a crash left incomplete
        delete_path(spark, f"{folder}/{_STAGING}")
    while ranges := plan_round(params.topic, places, opened.limits, params.range_messages):
        waiting = {one for place in places.values() for one in place.landed.values()}
        missing = [one for one in ranges if one not in waiting]
        if missing:
            land(read_ranges(spark, params, missing), missing, folder, f"{folder}/{_STAGING}/{run_id}")
        paths = [f"{folder}/{one.path()}" for one in ranges]
        if mapping.is_avro:  # of what a crash left, too
            keep_schemas(spark.read.schema(LANDED).parquet(*map(as_pattern, paths)), params, folder)
        yield list_landed(spark, mapping, paths)
        places = advanced(places, ranges)


def land(messages: DataFrame, ranges: Sequence[OffsetRange], folder: str, staging: str) -> None:
    """Write messages as one file per range, which gets its final name when it is complete.

    Args:
        messages: those of the ranges, one range per partition of the topic (LANDED).
        ranges: what they are; one that holds no message (compacted, or marks of transactions) lands as an empty file.
        folder: the source's.
        staging: a folder of this run.
    """
    spark = messages.sparkSession
    by_partition = messages.select(*LANDED.names, F.col("partition").alias("_partition"))
    with _named_errors(ranges[0].topic):
        _write(by_partition.write.partitionBy("_partition"), f"{staging}/full")
    for one in ranges:
        files = glob_paths(spark, f"{as_pattern(staging)}/full/_partition={one.partition}/part-*.parquet")
        if not files:
            _write(empty_frame(spark, LANDED).coalesce(1).write, f"{staging}/empty")
            files = glob_paths(spark, f"{as_pattern(staging)}/empty/part-*.parquet")
        if len(files) != 1:
            raise RetryableError(f"{one.path()} was written as {len(files)} files")
        move_file(spark, files[0], f"{folder}/{one.path()}")
    delete_path(spark, staging)


def _write(writer: Any, folder: str) -> None:
    writer.mode("overwrite").option("maxRecordsPerFile", 0).parquet(folder)


def drop_landed(spark: SparkSession, root: str, taken: Iterable[str]) -> int:
    """Delete the files of ingested ranges, given by the paths they had then; return the number of files."""
    gone = {found.groups() for path in taken if (found := LANDED_PATH.search(path)) is not None}
    files = glob_paths(spark, raw_folder(as_pattern(root), "*/*/*/*.parquet"))
    due = [path for path in files if (found := LANDED_PATH.search(path)) is not None and found.groups() in gone]
    return sum(delete_path(spark, path) for path in due)


def drop_messages(spark: SparkSession, units: Mapping[str, str], records: DataFrame, run_id: str) -> int:
    """Remove messages from the files in which they landed. Other messages keep their offsets, units keep their ids.

    Args:
        spark: the session.
        units: unit_id -> path, of landed ranges that hold such messages; what retention has deleted is left out.
        records: their unit_id and record_no.
        run_id: of this run.

    Returns:
        How many files were written anew.
    """
    written = 0
    for unit_id, uri in sorted(units.items()):
        path = unquote(uri)  # units are stored with blanks and the like percent-encoded
        found, parts = landed_range(path), LANDED_PATH.search(path)
        if found is None or parts is None or not glob_paths(spark, path):
            continue
        offset = (F.col("record_no") + found.first).alias("offset")
        gone = records.where(F.col("unit_id") == unit_id).select(offset)
        kept = spark.read.schema(LANDED).parquet(as_pattern(path)).join(F.broadcast(gone), "offset", "left_anti")
        staging = f"{path[: parts.start()]}/{parts.group(1)}/{_STAGING}/{run_id}"
        _write(kept.select(*LANDED.names).coalesce(1).write, staging)
        replace_file(spark, glob_paths(spark, f"{as_pattern(staging)}/part-*.parquet")[0], path)
        delete_path(spark, staging)
        written += 1
    return written


def read_ranges(spark: SparkSession, params: KafkaParams, ranges: Sequence[OffsetRange]) -> DataFrame:
    """Read the messages of ranges, one per partition at most, in one task each (LANDED)."""

    def offsets(ends: Mapping[int, int]) -> str:
        return json.dumps({params.topic: {str(partition): end for partition, end in ends.items()}})

    options = {
        **{f"kafka.{name}": value for name, value in params.client().items()},
        "assign": json.dumps({params.topic: [one.partition for one in ranges]}),
        "startingOffsets": offsets({one.partition: one.first for one in ranges}),
        "endingOffsets": offsets({one.partition: one.until for one in ranges}),
        "failOnDataLoss": "true",
        "includeHeaders": "true",
    }
    with _named_errors(params.topic):
        return spark.read.format("kafka").options(**options).load().select(*LANDED.names)


def read_newest(spark: SparkSession, mapping: SourceMapping, messages: int) -> DataFrame:
    """Read about so many of a topic's newest messages (LANDED), in equal parts of its partitions; nothing lands."""
    params = mapping.topic
    limits = read_limits(spark, params)
    each = max(1, messages // max(1, len(limits)))
    ranges = [
        OffsetRange(params.topic, partition, max(earliest, latest - each), latest)
        for partition, (earliest, latest) in limits.items()
        if earliest < latest
    ]
    return read_ranges(spark, params, ranges) if ranges else empty_frame(spark, LANDED)


def read_limits(spark: SparkSession, params: KafkaParams) -> dict[int, OffsetLimits]:
    """Return the broker's earliest and latest offsets of every partition."""
    with _named_errors(params.topic), _consumer(spark, params) as consumer:
        infos = consumer.partitionsFor(params.topic)
        if not infos:
            raise ConfigurationError(f"the broker has no topic '{params.topic}'")
        topic_partition = java(spark).org.apache.kafka.common.TopicPartition
        partitions = java(spark).java.util.ArrayList()
        for info in infos:
            partitions.add(topic_partition(params.topic, info.partition()))
        first, last = consumer.beginningOffsets(partitions), consumer.endOffsets(partitions)
        return {one.partition(): OffsetLimits(first[one], last[one]) for one in partitions}


@contextmanager
def _consumer(spark: SparkSession, params: KafkaParams) -> Iterator[Any]:
    """Open Kafka's client in Spark's JVM. It takes the settings of Spark's source and needs no other package."""
    client = java(spark).org.apache.kafka.clients.consumer.KafkaConsumer
    if not is_class(client):
        raise ConfigurationError(
            "the jars of Spark's Kafka source are missing: run 'make setup', or pass them by --jars"
        )
    properties = java(spark).java.util.Properties()
    for name, value in {**params.client(), "key.deserializer": _BYTES, "value.deserializer": _BYTES}.items():
        properties.setProperty(name, value)
    consumer = client(properties)
    try:
        yield consumer
    finally:
        consumer.close()


@contextmanager
def _named_errors(topic: str) -> Iterator[None]:
    """Translate the client's errors into RetryableError or ConfigurationError."""
    try:
        yield
    except (PySparkException, Py4JJavaError) as error:
        text = str(error)
        if not any(mark in text for mark in _OF_KAFKA):
            raise
        first = next((line.strip(" :\t") for line in text.splitlines() if "kafka" in line and "Exception" in line), "")
        if any(mark in text for mark in _REFUSED):
            raise ConfigurationError(f"topic '{topic}': the broker or its settings refuse: {first}") from error
        raise RetryableError(f"topic '{topic}': the broker does not answer, or broke off: {first}") from error
