"""Read Avro messages in the wire format of schema registries: a zero byte, the schema's id, the record."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pyspark.errors import PySparkException
from pyspark.sql import functions as F
from pyspark.sql.avro.functions import from_avro

from segmentation.errors import ConfigurationError, DataError
from segmentation.filesystem import as_pattern, glob_paths, read_file, write_text
from segmentation.jvm import Py4JJavaError, is_class, java
from segmentation.sources.schema_registry import fetch_schema

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyspark.sql import Column, DataFrame, SparkSession

    from segmentation.sources.kafka import KafkaParams

Schemas = dict[int, str]
"""Id of a schema -> the schema, as JSON."""
FOLDER = "_schemas"
"""Folder beside the landed messages of a source, with a file for each schema: a rebuild needs no registry."""
HEADER_BYTES = 5
MAX_SCHEMAS = 1000
"""Messages of more schemas at once are in another format: each would cost a request."""
AS_TEXT = {
    # Without these patterns, JSON has milliseconds only.
    "timestampFormat": "yyyy-MM-dd'T'HH:mm:ss.SSSSSSXXX",
    "timestampNTZFormat": "yyyy-MM-dd'T'HH:mm:ss.SSSSSS",
}
_EVERYTHING = 2**31 - 1


def schema_ids(messages: DataFrame) -> list[int]:
    """Return the ids of the schemas of messages (LANDED), in order.

    Raises:
        DataError: there are more than MAX_SCHEMAS.
    """
    ids = messages.where(_is_framed(F.col("value"))).select(_schema_id(F.col("value")).alias("id")).distinct()
    found = ids.limit(MAX_SCHEMAS + 1).collect()  # a row per schema
    if len(found) > MAX_SCHEMAS:
        raise DataError(
            f"the messages name more than {MAX_SCHEMAS:,} schemas: they are not Avro in the format of a schema registry"
        )
    return sorted(row["id"] for row in found)


def fetch_schemas(messages: DataFrame, params: KafkaParams) -> Schemas:
    """Fetch the schemas of messages that do not land.

    Raises:
        ConfigurationError, DataError, RetryableError: as :func:`keep_schemas`.
    """
    fetched = ((schema_id, _fetch_readable(messages, params, schema_id)) for schema_id in schema_ids(messages))
    return {schema_id: schema for schema_id, schema in fetched if schema is not None}


def keep_schemas(messages: DataFrame, params: KafkaParams, folder: str) -> None:
    """Fetch the schemas of landed messages that the folder of the source does not have yet, and store them there.

    An id that the registry does not know is that of a message in another format: such messages are malformed.

    Raises:
        ConfigurationError: the registry refuses, or the jar of Spark's Avro module is missing.
        DataError: a schema is not supported, or there are more than MAX_SCHEMAS.
        RetryableError: the registry does not answer.
    """
    spark = messages.sparkSession
    known = read_schemas(spark, folder)
    for schema_id in schema_ids(messages):
        schema = None if schema_id in known else _fetch_readable(messages, params, schema_id)
        if schema is not None:
            write_text(spark, f"{folder}/{FOLDER}/{schema_id}.json", schema)


def read_schemas(spark: SparkSession, folder: str) -> Schemas:
    """Read the schemas that are stored beside the landed messages of a source, except files that a crash cut off."""
    found = {}
    for path in glob_paths(spark, f"{as_pattern(folder)}/{FOLDER}/*.json"):
        text = read_file(spark, path)
        if text is not None and _is_json(text):
            found[int(path.rpartition("/")[2].removesuffix(".json"))] = text
    return found


def avro_as_json(spark: SparkSession, value: Column, schemas: Mapping[int, str]) -> Column:
    """Return the record of a message as a JSON text; null if the value is not a record of one of the schemas.

    Instants of logical types are texts of ISO 8601 in UTC, with microseconds; bytes are base64. A field that is null
    is left out. A record in which every field is null cannot be told from a malformed one, and is null.

    Raises:
        ConfigurationError: the jar of Spark's Avro module is missing.
    """
    _require_module(spark)
    text = F.lit(None).cast("string")
    for schema_id, schema in sorted(schemas.items()):
        read = _as_json(F.substring(value, HEADER_BYTES + 1, _EVERYTHING), schema)
        text = F.when(_schema_id(value) == schema_id, F.nullif(read, F.lit("{}"))).otherwise(text)
    return F.when(_is_framed(value), text)


def _fetch_readable(messages: DataFrame, params: KafkaParams, schema_id: int) -> str | None:
    """Fetch a schema, and check that Spark can read it before messages depend on it."""
    _require_module(messages.sparkSession)
    schema = fetch_schema(params, schema_id)
    if schema is not None:
        try:
            _ = messages.select(_as_json(F.col("value"), schema)).schema
        except (PySparkException, Py4JJavaError) as error:
            raise DataError(f"schema {schema_id} of the registry cannot be read by Spark: {_cause(error)}") from error
    return schema


def _as_json(record: Column, schema: str) -> Column:
    return F.to_json(from_avro(record, schema, {"mode": "PERMISSIVE"}), AS_TEXT)


def _require_module(spark: SparkSession) -> None:
    if not is_class(java(spark).org.apache.spark.sql.avro.AvroDataToCatalyst):
        raise ConfigurationError("the jar of Spark's Avro module is missing: run 'make setup', or pass it by --jars")


def _cause(error: Exception) -> str:
    """Return the first line of a message, which Java writes behind the name of the exception, or below it."""
    message = str(error).partition("Exception:")[2].strip() or str(error).strip()
    return message.splitlines()[0].rstrip(" :") if message else type(error).__name__


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _is_framed(value: Column) -> Column:
    return (F.length(value) > HEADER_BYTES) & (F.substring(value, 1, 1) == F.lit(b"\x00"))


def _schema_id(value: Column) -> Column:
    return F.conv(F.hex(F.substring(value, 2, HEADER_BYTES - 1)), 16, 10).cast("bigint")
