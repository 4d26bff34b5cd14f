"""Straightforward PySpark: as a good engineer would write it at first, step by step, with partitions set to measure.

What was laid out by user is cached once, as every table needs it; output is zstd Parquet, one folder a table.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from functools import reduce
from typing import TYPE_CHECKING

from pyspark.sql import DataFrame, Observation, SparkSession, Window
from pyspark.sql import functions as F

from benchmarks import contract as c
from benchmarks.engines.task import Clock, Task, main

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import Column

WARM_UP_FILES, PARTITIONS_PER_CORE = 5, 16
PAYLOAD = ("user_id", "event_name", "event_at", "platform", "device_type", "channel", "value", "currency", "properties")
DAY_KEY = ("user_id", "event_date")


def build(task: Task, clock: Clock) -> None:
    """Build all tables from all files; before that, from a few tiny days into a folder of their own."""
    with clock.phase("prepare"):
        spark = _open(task)
        _build(spark, _tiny(task))
        shutil.rmtree(task.scratch / "warm-up")
    with clock.phase("job"):
        _build(spark, task)
    spark.stop()


def _open(task: Task) -> SparkSession:
    settings = {
        "spark.master": f"local[{task.threads}]",
        "spark.driver.memory": task.memory.replace("GB", "g"),
        "spark.driver.host": "127.0.0.1",
        "spark.local.dir": str(task.scratch / "spark"),
        "spark.sql.ansi.enabled": "false",
        "spark.sql.parquet.compression.codec": "zstd",
        "spark.sql.shuffle.partitions": str(PARTITIONS_PER_CORE * task.threads),
        "spark.sql.session.timeZone": "UTC",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
    }
    return SparkSession.builder.config(map=settings).getOrCreate()  # noqa: TID251  not a session of ours


def _tiny(task: Task) -> Task:
    folder = task.scratch / "warm-up"
    folder.mkdir(parents=True)
    for path in sorted((task.work / "data" / "tiny" / "history").glob("*.parquet"))[:WARM_UP_FILES]:
        shutil.copy(path, folder)
    return replace(task, inputs=(folder,), state=folder / "out")


def _build(spark: SparkSession, task: Task) -> None:
    sent = _read(spark, task.files)
    counted = Observation()
    judged = _judge(sent, cap=task.cap).observe(counted, *_counts())
    laid_out = _lay_out(judged.where(F.col("verdict") == "accepted")).persist()
    _write(task, "events", _events(laid_out))
    sessions = _sessions(laid_out).persist()
    steps = _steps(laid_out).persist()
    _write(task, "sessions", sessions.drop("beats"))
    _write(task, "transitions", _transitions(steps))
    _write(task, "user_days", _user_days(laid_out, sessions))
    _write(task, "user_day_counts", _user_day_counts(laid_out, steps))
    _write(task, "rejections", _rejections(spark, counted))
    for frame in (laid_out, sessions, steps):
        frame.unpersist()


def _read(spark: SparkSession, files: Sequence[str]) -> DataFrame:
    user = F.trim(F.lower("user_id"))
    return spark.read.parquet(*files).select(
        "event_id",
        F.when(user != "", user).alias("user_id"),
        "event_name",
        "event_at",
        "received_at",
        F.to_date("event_at").alias("event_date"),
        F.lower(F.trim("platform")).alias("platform"),
        F.replace("device_type", F.lit("mobile"), F.lit("handset")).alias("device_type"),
        "channel",
        "value",
        "currency",
        F.to_json(F.struct("page")).alias("properties"),
    )


def _judge(sent: DataFrame, *, cap: int) -> DataFrame:
    """Add the verdict on every record."""
    arrival = Window.partitionBy("event_id", F.col("user_id").isNull()).orderBy("received_at", "event_at")
    since = _seconds("received_at") - _seconds(F.lag("received_at").over(arrival))
    new = F.coalesce(since > c.DEDUP_WINDOW_DAYS * 86_400, F.lit(True)).cast("int")
    runs = sent.select("*", F.sum(new).over(arrival).alias("run"))
    of_run = Window.partitionBy("event_id", F.col("user_id").isNull(), "run").orderBy("received_at", "event_at")
    payload = F.struct(*PAYLOAD)
    placed = runs.select(
        "*",
        F.row_number().over(of_run).alias("place"),
        payload.eqNullSafe(F.first(payload).over(of_run)).alias("same"),
    )
    first = placed.select(
        *sent.columns,
        F.when(F.col("user_id").isNull(), "null_user")
        .when((F.col("place") > 1) & F.col("same"), "duplicate")
        .when(F.col("place") > 1, "conflict")
        .when(_seconds("received_at") - _seconds("event_at") > c.ALLOWED_LATENESS_DAYS * 86_400, "too_late")
        .alias("rejected"),
    )
    of_day = Window.partitionBy("user_id", "event_date", F.col("rejected").isNull()).orderBy("received_at", "event_id")
    return first.select(
        *sent.columns,
        F.coalesce("rejected", F.when(F.row_number().over(of_day) > cap, "over_cap"), F.lit("accepted")).alias(
            "verdict"
        ),
    )


REASONS = ("null_user", "duplicate", "conflict", "too_late", "over_cap")


def _counts() -> list[Column]:
    return [F.count(F.when(F.col("verdict") == reason, 1)).alias(reason) for reason in REASONS]


def _rejections(spark: SparkSession, counted: Observation) -> DataFrame:
    rows = [(reason, records) for reason, records in counted.get.items() if records]
    return spark.createDataFrame(rows, "reason STRING, records BIGINT")


def _lay_out(accepted: DataFrame) -> DataFrame:
    """Add an event's session and its place in it."""
    order = Window.partitionBy("user_id").orderBy("event_at", "event_id")
    gap = _seconds("event_at") - _seconds(F.lag("event_at").over(order))
    cut = accepted.select("*", gap.alias("gap")).select(
        "*", F.coalesce(F.col("gap") > c.TIMEOUT_S, F.lit(True)).alias("starts")
    )
    numbered = cut.select("*", F.sum(F.col("starts").cast("int")).over(order).alias("session_no"))
    session = Window.partitionBy("user_id", "session_no").orderBy("event_at", "event_id")
    started = F.first("event_at").over(session)
    placed = numbered.select(
        "*",
        started.alias("session_started_at"),
        F.first("platform").over(session).alias("session_platform"),
        F.lag("event_name").over(session).alias("from_state"),
        F.lead("event_id").over(session).isNull().alias("ends"),
        F.when(~F.col("starts"), F.floor("gap").cast("bigint")).alias("gap_s"),
    )
    start_micros = F.unix_micros("session_started_at").cast("string")
    return placed.select(
        "*",
        F.substring(F.sha2(F.concat_ws("\u001f", "user_id", start_micros), 256), 1, 32).alias("session_id"),
        F.to_date("session_started_at").alias("session_date"),
        F.when(F.coalesce("currency", F.lit(c.CURRENCY)) == c.CURRENCY, F.col("value")).alias("money"),
        (F.col("event_name") == c.CONVERSION).alias("is_purchase"),
    )


def _events(laid_out: DataFrame) -> DataFrame:
    return laid_out.select(
        F.lit(c.SOURCE).alias("source"),
        F.col("user_id").alias("identifier"),
        F.col("event_name").alias("state"),
        *("event_id", "user_id", "event_name", "event_at", "received_at", "event_date", "platform", "device_type"),
        *("channel", "value", "currency", "properties", "session_id", "session_started_at"),
    )


def _sessions(laid_out: DataFrame) -> DataFrame:
    bucket = F.floor(F.unix_micros("event_at") / (c.HEARTBEAT_S * 1_000_000))
    grouped = laid_out.groupBy("session_id", "user_id", F.col("session_started_at").alias("started_at")).agg(
        F.max("event_at").alias("ended_at"),
        F.first("session_date").alias("session_date"),
        F.count("*").alias("events"),
        F.count_distinct(F.when(F.col("event_name") == c.HEARTBEAT, bucket)).alias("beats"),
        F.max(F.when(F.col("starts"), F.col("event_name"))).alias("entry_state"),
        F.max(F.when(F.col("ends"), F.col("event_name"))).alias("exit_state"),
        F.first("session_platform").alias("platform"),
        F.max("is_purchase").alias("converted"),
        F.coalesce(F.sum("money"), F.lit(0)).alias("value"),
    )
    length = F.unix_micros("ended_at") - F.unix_micros("started_at")
    engaged = (c.HEARTBEAT_S * (F.col("beats") - 1) + c.HEARTBEAT_S // 2) * 1000
    return grouped.select(
        "*",
        F.when(F.col("events") > 1, F.floor(length / 1000)).alias("duration_ms"),
        (F.col("events") == 1).alias("duration_imputed"),
        F.when(F.col("beats") > 0, engaged).alias("engaged_ms"),
        (length > c.SESSION_CAP_DAYS * 86_400_000_000).alias("capped"),
    )


def _steps(laid_out: DataFrame) -> DataFrame:
    """Count each user's transitions by day and platform of the session."""
    key = ("user_id", "session_date", F.col("session_platform").alias("platform"))
    entered = F.coalesce("from_state", F.lit("START")).alias("from_state")
    moves = laid_out.select(*key, entered, F.col("event_name").alias("to_state"))
    exits = laid_out.where("ends").select(
        *key, F.col("event_name").alias("from_state"), F.lit("EXIT").alias("to_state")
    )
    columns = ("user_id", "session_date", "platform", "from_state", "to_state")
    return moves.unionByName(exits).groupBy(*columns).agg(F.count("*").alias("n"))


def _transitions(steps: DataFrame) -> DataFrame:
    cells = steps.groupBy("session_date", "platform", "from_state", "to_state")
    return cells.agg(F.sum("n").alias("transitions"), F.count("*").alias("users"))


def _user_days(laid_out: DataFrame, sessions: DataFrame) -> DataFrame:
    of_events = laid_out.groupBy(*DAY_KEY).agg(
        F.count("*").alias("events"),
        F.count(F.when(F.col("is_purchase"), 1)).alias("purchases"),
        F.sum("money").alias("value"),
        F.sum(F.when(F.col("is_purchase"), F.col("money"))).alias("purchase_value"),
        F.count(F.when(F.col("value").isNotNull() & F.col("money").isNull(), 1)).alias("no_rate"),
        F.sum("gap_s").alias("gap_s_sum"),
        F.sum(F.col("gap_s") * F.col("gap_s")).alias("gap_s2_sum"),
    )
    of_sessions = sessions.groupBy("user_id", F.col("session_date").alias("event_date")).agg(
        F.count("*").alias("sessions"),
        F.sum(F.when(~F.col("capped"), F.col("duration_ms"))).alias("duration_ms"),
        F.sum(F.when(~F.col("capped"), F.col("engaged_ms"))).alias("engaged_ms"),
        F.count(F.when(F.col("duration_ms").isNull(), 1)).alias("sessions_without_duration"),
    )
    return of_events.join(of_sessions, list(DAY_KEY), "left").fillna(0)


def _user_day_counts(laid_out: DataFrame, steps: DataFrame) -> DataFrame:
    def count(dimension: str, item: Column) -> DataFrame:
        items = laid_out.select(*DAY_KEY, F.lit(dimension).alias("dimension"), item.alias("item"))
        counts = items.where(F.col("item").isNotNull()).groupBy(*DAY_KEY, "dimension", "item")
        return counts.agg(F.count("*").alias("n"))

    dimensions = {name: F.col(name) for name in ("event_name", "platform", "channel")}
    dimensions["hour"] = F.date_format("event_at", "HH")
    item = F.concat_ws(c.STEP_SEPARATOR, "platform", "from_state", "to_state")
    of_steps = steps.select(
        "user_id",
        F.col("session_date").alias("event_date"),
        F.lit("transition").alias("dimension"),
        item.alias("item"),
        "n",
    )
    return reduce(DataFrame.unionByName, [*(count(*one) for one in dimensions.items()), of_steps])


def _write(task: Task, table: str, df: DataFrame) -> None:
    df.write.parquet(str(task.state / table))


def _seconds(at: str | Column) -> Column:
    """Return an instant in seconds, exact to the microsecond."""
    return F.unix_micros(at).cast("decimal(20,0)") / 1_000_000


if __name__ == "__main__":
    main({"full": build})
