"""Access the JVM of a Spark session. No other module does or imports py4j, so the rest also runs on Spark Connect."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from py4j.java_gateway import JavaPackage
from py4j.protocol import Py4JError, Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame
from pyspark.sql.types import BinaryType, StructType

if TYPE_CHECKING:
    from pyspark import SparkContext
    from pyspark.sql import SparkSession

__all__ = [
    "Py4JError",  # any failure of the connection to the JVM, or of Java code that it called
    "Py4JJavaError",  # an exception of Java code for which PySpark has no class of its own
    "binary_frame",
    "delta_changes",
    "error_classes",
    "hadoop_configuration",
    "is_class",
    "java",
    "new_array",
    "persistent_frames",
    "set_log_level",
    "spark_context",
    "texts_of_array",
]


def java(spark: SparkSession) -> Any:
    """Return the root of the JVM's packages, for example ``java(spark).org.apache.hadoop.fs.Path``."""
    return spark._jvm  # noqa: SLF001  there is no public way to Java classes


def is_class(name: Any) -> bool:
    """Return whether a name reached through :func:`java` is a class; a missing class looks like a package."""
    return not isinstance(name, JavaPackage)


def new_array(spark: SparkSession, kind: Any, length: int) -> Any:
    """Return a new Java array of a class."""
    context: Any = spark.sparkContext
    return context._gateway.new_array(kind, length)  # noqa: SLF001  the only way to Java arrays


def texts_of_array(spark: SparkSession, array: Any) -> list[str]:
    """Return the texts of a Java array's elements, in one call however many there are."""
    if len(array) == 0:
        return []
    text: str = java(spark).scala.Predef.genericWrapArray(array).mkString("\0")
    return text.split("\0")


def error_classes(error: Py4JJavaError) -> list[str]:
    """Return the names of a Java exception's class and of the classes that it extends."""
    found, kind = [], error.java_exception.getClass()
    while kind is not None:
        found.append(str(kind.getName()))
        kind = kind.getSuperclass()
    return found


def hadoop_configuration(spark: SparkSession) -> Any:
    """Return Hadoop's configuration with the settings of the session."""
    return spark._jsparkSession.sessionState().newHadoopConf()  # noqa: SLF001  as above


WITHOUT_CHECK_SUMS = {
    "fs.file.impl": "org.apache.hadoop.fs.RawLocalFileSystem",
    "fs.file.impl.disable.cache": "true",
}
"""Settings for reading local files that others wrote. Hadoop's own local file system looks for a check sum beside each
file: it cannot name the one of a file whose name holds a colon, and fails on one that was left behind by a copy."""


class ParquetSchema(NamedTuple):
    """A schema that Parquet files of one frame share."""

    columns: tuple[str, ...]
    """Names of the top-level columns."""
    paths: tuple[str, ...]
    """The files, as the frame lists them; not percent-encoded."""
    nanoseconds: tuple[tuple[str, bool], ...] = ()
    """Top-level timestamps in nanoseconds, and whether each is an instant (in UTC) or a time of no zone."""


def parquet_schemas(frame: DataFrame) -> list[ParquetSchema]:
    """Return the distinct schemas of the Parquet files that a frame reads.

    Footers are read on the driver, several at a time; no data are read, no Spark job runs, and no folder is listed
    again.
    """
    spark = frame.sparkSession
    root, found = java(spark), dict[str, ParquetSchema]()
    configuration = hadoop_configuration(spark)
    for key, value in WITHOUT_CHECK_SUMS.items():
        configuration.set(key, value)
    for files in _listed_files(frame):
        listed = root.scala.jdk.javaapi.CollectionConverters.asJava(files)
        reader = root.org.apache.parquet.hadoop.ParquetFileReader
        for footer in reader.readAllFootersInParallel(configuration, listed, True):
            schema = footer.getParquetMetadata().getFileMetaData().getSchema()
            text = schema.toString()
            if text not in found:
                columns = tuple(column.getName() for column in schema.getFields())
                found[text] = ParquetSchema(columns, (), _nanoseconds(schema) if "(NANOS," in text else ())
            found[text] = found[text]._replace(paths=(*found[text].paths, footer.getFile().toString()))
    return list(found.values())


def _nanoseconds(schema: Any) -> tuple[tuple[str, bool], ...]:
    kinds = {column.getName(): str(column.getLogicalTypeAnnotation()) for column in schema.getFields()}
    return tuple((name, "true" in kind) for name, kind in kinds.items() if kind.startswith("TIMESTAMP(NANOS"))


def _listed_files(frame: DataFrame) -> list[Any]:
    """Return, of each scan of files in a frame's plan, the files as Spark listed them."""
    plan: Any = frame._jdf.queryExecution().analyzed()  # noqa: SLF001  the plan is in the JVM only
    scans = (leaf for leaf in _elements(plan.collectLeaves()) if leaf.getClass().getSimpleName() == "LogicalRelation")
    return [scan.relation().location().allFiles() for scan in scans]


@lru_cache(maxsize=1_000)
def columns_of_expression(spark: SparkSession, sql: str) -> frozenset[tuple[str, ...]]:
    """Return the columns that a Spark SQL expression refers to, each as the parts of its name (`a.b`: a, b).

    Variables of lambda functions are no columns. An expression that cannot be parsed refers to none.
    """
    parser: Any = spark._jsparkSession.sessionState().sqlParser()  # noqa: SLF001  Spark's parser is in the JVM only
    try:
        return _columns_of(parser.parseExpression(sql), frozenset())
    except PySparkException:
        return frozenset()


def _columns_of(expression: Any, variables: frozenset[str]) -> frozenset[tuple[str, ...]]:
    kind = expression.getClass().getSimpleName()
    if kind in {"UnresolvedAttribute", "UnresolvedNamedLambdaVariable"}:
        parts = tuple(_elements(expression.nameParts()))
        return frozenset() if parts[0].lower() in variables else frozenset({parts})
    if kind == "LambdaFunction":
        variables |= {argument.nameParts().head().lower() for argument in _elements(expression.arguments())}
    return frozenset().union(*(_columns_of(child, variables) for child in _elements(expression.children())))


def _elements(sequence: Any) -> list[Any]:
    """Return the elements of a Scala sequence."""
    return [sequence.apply(n) for n in range(sequence.size())]


def persistent_frames(spark: SparkSession) -> dict[int, Any]:
    """Return the RDDs that the application keeps in memory or on disk, by id."""
    return dict(spark.sparkContext._jsc.getPersistentRDDs())  # noqa: SLF001  Spark lists them nowhere else


def set_log_level(spark: SparkSession, level: str) -> None:
    """Set the level of Spark's own log."""
    spark.sparkContext.setLogLevel(level)


def binary_frame(spark: SparkSession, values: dict[str, bytes]) -> DataFrame:
    """Make a frame of one row of binary columns inside the JVM, without a literal and without Python's workers."""
    session: Any = spark._jsparkSession  # noqa: SLF001  a local relation is made in the JVM only
    schema = StructType()
    for name in values:
        schema.add(name, BinaryType(), nullable=False)
    row = new_array(spark, java(spark).java.lang.Object, len(values))
    for place, value in enumerate(values.values()):
        row[place] = bytearray(value)
    rows = java(spark).java.util.ArrayList()
    rows.add(java(spark).org.apache.spark.sql.RowFactory.create(row))
    return DataFrame(session.createDataFrame(rows, session.parseDataType(schema.json())), spark)


def delta_changes(spark: SparkSession, folder: str, first: int, last: int) -> DataFrame:
    """Return the rows that the commits from first to last added to a Delta table and removed from it, as a change feed.

    Delta finds them in the files that commits name, by the rule of its change data feed for tables that do not write
    one: of a file in which rows were marked as deleted, only the newly marked rows are returned. Commits that only
    move rows to other files are left out. The reader is not public, so tests cover each kind of commit.

    Returns:
        The table's columns, `_change_type` (insert or delete), `_commit_version` and `_commit_timestamp`.
    """
    root = java(spark)
    session: Any = spark._jsparkSession  # noqa: SLF001  the reader takes the session of the JVM
    delta = root.org.apache.spark.sql.delta
    reader = getattr(getattr(delta.commands.cdc, "CDCReader$"), "MODULE$")
    nothing = root.scala.Option.apply(None)
    log = delta.DeltaLog.forTable(session, folder)
    return DataFrame(reader.changesToBatchDF(log, first, last, session, nothing, nothing, True, nothing), spark)


def spark_context(spark: SparkSession | None) -> SparkContext | None:
    """Return the session's SparkContext; None without a session and with Spark Connect, whose sessions have none."""
    return getattr(spark, "sparkContext", None)
