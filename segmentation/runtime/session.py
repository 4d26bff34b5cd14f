"""The only place where a SparkSession is made."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pyspark.sql import SparkSession

from segmentation.errors import ConfigurationError
from segmentation.jvm import set_log_level
from segmentation.runtime.local_jvm import options_of_run

if TYPE_CHECKING:
    from collections.abc import Mapping

# Time is UTC and bad input becomes null with a reason, never a dead job; Delta is the catalog.
FIXED = {
    "spark.sql.session.timeZone": "UTC",
    # Recording the caller of every column expression doubles the time that plans take to build.
    "spark.python.sql.dataFrameDebugging.enabled": "false",
    "spark.sql.ansi.enabled": "false",
    # A name sent twice in one record (GA4 parameters) is no error: the last one counts.
    "spark.sql.mapKeyDedupPolicy": "LAST_WIN",
    # The source of a merge is a checkpoint already: Delta need not keep a copy of its own.
    "spark.databricks.delta.merge.materializeSource": "none",
    # Join frames partitioned by user without an exchange, although the join key has more columns than the user.
    "spark.sql.requireAllClusterKeysForCoPartition": "false",
    # Files come in any encoding that Java knows; bytes that mean nothing in it are replaced, and then seen.
    "spark.sql.legacy.javaCharsets": "true",
    "spark.sql.legacy.codingErrorAction": "true",
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    # Timestamps of Arrow in nanoseconds are read as numbers, of which the readers of sources make timestamps.
    "spark.sql.legacy.parquet.nanosAsLong": "true",
    # Old files of Spark 2 and Hive may hold days before 1900; no event is of then, and a default value is no error.
    "spark.sql.parquet.datetimeRebaseModeInRead": "CORRECTED",
    "spark.sql.parquet.int96RebaseModeInRead": "CORRECTED",
    "spark.hadoop.parquet.page.verify-checksum.enabled": "true",
}

JVM_OPTIONS = "spark.driver.extraJavaOptions"


def open_session(
    app_name: str, settings: Mapping[str, str], log_settings: Path | None = None, *, is_short: bool = False
) -> SparkSession:
    """Open (or join) the Spark session.

    Args:
        app_name: shown in the Spark UI.
        settings: the environment's Spark settings (`spark` in the configuration); master only where none is set
            by spark-submit.
        log_settings: log4j file for a JVM that is started here; where there is none Spark's own counts.
        is_short: whether the run ends before Java's optimising compiler pays for itself.

    Raises:
        ConfigurationError: no Java, or Delta's jars are not where they should be.
    """
    running = SparkSession.getActiveSession()
    if running is not None:
        configure(running)
        return running
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.appName(app_name)
    for key, value in {**_own_settings(settings, log_settings, is_short=is_short), **FIXED}.items():
        builder = builder.config(key, value)
    try:
        spark = builder.getOrCreate()
    except Exception as error:
        if "JAVA_GATEWAY" in str(error) or "Java" in str(error):
            raise ConfigurationError("Java 17 or 21 was not found: set JAVA_HOME, or run 'make setup'") from error
        raise
    set_log_level(spark, "ERROR")
    return spark


def _own_settings(settings: Mapping[str, str], log_settings: Path | None, *, is_short: bool) -> dict[str, str]:
    """Complete the environment's settings, but for what spark-submit has chosen: its JVM is already running."""
    if "SPARK_ENV_LOADED" in os.environ:
        return {key: value for key, value in settings.items() if key != "spark.master"}
    own, jars = dict(settings), own_jars()
    if jars:
        own["spark.jars"] = ",".join(jars)
    options = [own.get(JVM_OPTIONS, "")]
    if own.get("spark.master", "local").startswith("local"):
        options.append(options_of_run(jars, is_short=is_short))
    if log_settings is not None and log_settings.is_file():
        options.append(f"-Dlog4j2.configurationFile={log_settings.resolve().as_uri()}")
    if any(options):
        own[JVM_OPTIONS] = " ".join(filter(None, options))
    return own


def configure(spark: SparkSession) -> SparkSession:
    """Apply the settings that our results depend on to a session that was opened elsewhere."""
    for key, value in FIXED.items():
        if key.startswith("spark.sql.") and spark.conf.isModifiable(key):
            spark.conf.set(key, value)
    return spark


def own_jars() -> list[str]:
    """Return the jars of Delta, and of Kafka where they are: of SEGMENTATION_JARS, or `.jars` here or in the checkout.

    On a cluster none may be found: then Delta is expected on the class path.
    """
    places = [os.environ.get("SEGMENTATION_JARS"), ".jars", Path(__file__).parents[2] / ".jars"]
    for place in places:
        found = sorted(str(p.resolve()) for p in Path(place).glob("*.jar")) if place else []
        if any(Path(name).name.startswith("delta-") for name in found):
            return found
    return []
