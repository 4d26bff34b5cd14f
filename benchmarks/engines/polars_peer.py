"""Polars, written to win: lazy frames through the streaming engine, one sort, neighbours instead of window functions.

Users are independent, so a history too long for memory is built in parts by user. Polars has no SHA-256: session ids
are hashed by Python, once a session. It takes no memory limit either.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import polars as pl

from benchmarks import contract as c
from benchmarks.engines.task import Clock, Task, main

if TYPE_CHECKING:
    from collections.abc import Sequence

SECOND = 1_000_000
DAY = 86_400 * SECOND
PART_RECORDS = 25_000_000
PAYLOAD = ("user_id", "event_name", "happened", "platform", "device_type", "channel", "value", "currency", "page")
ORDER = ("event_id", "received", "happened")
USER_DAY, STEP = ["user_id", "day"], ["platform", "from_state", "to_state"]
START, EXIT = "START", "EXIT"


def build(task: Task, clock: Clock) -> None:
    """Build all tables from all files."""
    with clock.phase("judge"):
        sent = _read(task.files)
        user_days, twice = pl.collect_all([_count_days(sent), _find_twice(sent)], engine="streaming")
        judged = _judge(sent, twice)
        accepted = _accept(sent, twice, judged)
        over = _over_cap(accepted, user_days, task.cap)
        if over is not None:
            accepted = accepted.join(over.lazy(), on="event_id", how="anti")
    for table in c.TABLES:
        (task.state / table).mkdir(parents=True)
    records, kept = int(user_days["records"].sum()), 0
    parts = -(-records // PART_RECORDS)
    cells = []
    for part in range(parts):
        with clock.phase("sessions"):
            mine = accepted.filter(pl.col("user_id").hash() % parts == part) if parts > 1 else accepted
            laid = _lay_out(mine).collect(engine="streaming")
            sessions = _sessions(laid.lazy())
            steps = _steps(laid.lazy(), sessions.lazy())
        with clock.phase("write"):
            kept += laid.height
            cells.append(_cells(steps.lazy()))
            _write_part(task, part, laid, sessions, steps)
    with clock.phase("write"):
        transitions = pl.concat(cells).group_by("day", *STEP).agg(pl.col("transitions", "users").sum())
        _sink(task, "transitions", 0, transitions.lazy().with_columns(_date("day").alias("session_date")).drop("day"))
        _sink(task, "rejections", 0, _rejections(user_days, judged, over, kept).lazy())


def _read(files: Sequence[str]) -> pl.LazyFrame:
    few = {"event_name": pl.col("event_name"), "platform": pl.col("platform").str.strip_chars(" ").str.to_lowercase()}
    few |= {name: pl.col(name) for name in ("channel", "currency")}
    few["device_type"] = pl.col("device_type").str.replace("mobile", "handset", literal=True)
    user = pl.col("user_id").str.to_lowercase().str.strip_chars(" ")
    return pl.scan_parquet(files).select(
        "event_id",
        pl.when(user != "").then(user).alias("user_id"),
        pl.col("event_at").dt.timestamp("us").alias("happened"),
        pl.col("received_at").dt.timestamp("us").alias("received"),
        *(value.cast(pl.Categorical).alias(name) for name, value in few.items()),
        "value",
        "page",
        pl.col("event_id").hash().alias("h"),
    )


def _count_days(sent: pl.LazyFrame) -> pl.LazyFrame:
    return sent.group_by("user_id", (pl.col("happened") // DAY).alias("day")).agg(pl.len().alias("records"))


def _find_twice(sent: pl.LazyFrame) -> pl.LazyFrame:
    """Find the hashes that several records have; the identity itself decides."""
    named = sent.filter(pl.col("user_id").is_not_null())
    return named.group_by("h").agg(pl.len().alias("n")).filter(pl.col("n") > 1).select("h")


def _judge(sent: pl.LazyFrame, twice: pl.DataFrame) -> pl.DataFrame:
    """Judge the few records whose identity has several."""
    copies = sent.filter(pl.col("user_id").is_not_null()).join(twice.lazy(), on="h", how="semi")
    found = copies.sort(ORDER).collect(engine="streaming")
    since = pl.col("received") - pl.col("received").shift(1)
    again = (pl.col("event_id") == pl.col("event_id").shift(1)) & (since <= c.DEDUP_WINDOW_DAYS * DAY)
    placed = found.with_columns((~again.fill_null(value=False)).alias("is_head")).with_columns(
        pl.col("is_head").cum_sum().alias("run")
    )
    same = pl.all_horizontal(pl.col(name).eq_missing(pl.col(name).first().over("run")) for name in PAYLOAD)
    verdict = pl.when("is_head").then(pl.lit("head")).when(same).then(pl.lit("duplicate")).otherwise(pl.lit("conflict"))
    return placed.with_columns(verdict.alias("verdict")).drop("is_head", "run")


def _accept(sent: pl.LazyFrame, twice: pl.DataFrame, judged: pl.DataFrame) -> pl.LazyFrame:
    single = sent.filter(pl.col("user_id").is_not_null()).join(twice.lazy(), on="h", how="anti")
    heads = judged.lazy().filter(pl.col("verdict") == "head").drop("verdict")
    punctual = pl.col("received") - pl.col("happened") <= c.ALLOWED_LATENESS_DAYS * DAY
    return pl.concat([single, heads]).filter(punctual).drop("h")


def _over_cap(accepted: pl.LazyFrame, user_days: pl.DataFrame, cap: int) -> pl.DataFrame | None:
    """Rank the events of user-days with more records than the cap, if there are any."""
    heavy = user_days.filter(pl.col("user_id").is_not_null() & (pl.col("records") > cap)).select(USER_DAY)
    if heavy.is_empty():
        return None
    day = (pl.col("happened") // DAY).alias("day")
    events = accepted.select("user_id", day, "received", "event_id").join(heavy.lazy(), on=USER_DAY, how="semi")
    ranked = events.sort("received", "event_id").collect(engine="streaming")
    return ranked.filter(pl.int_range(pl.len()).over(USER_DAY) >= cap).select("event_id")


def _rejections(user_days: pl.DataFrame, judged: pl.DataFrame, over: pl.DataFrame | None, kept: int) -> pl.DataFrame:
    counts = {
        "null_user": int(user_days.filter(pl.col("user_id").is_null())["records"].sum()),
        "duplicate": judged.filter(pl.col("verdict") == "duplicate").height,
        "conflict": judged.filter(pl.col("verdict") == "conflict").height,
        "over_cap": 0 if over is None else over.height,
    }
    counts["too_late"] = int(user_days["records"].sum()) - kept - sum(counts.values())
    found = {reason: records for reason, records in counts.items() if records}
    return pl.DataFrame({"reason": list(found), "records": list(found.values())})


def _lay_out(accepted: pl.LazyFrame) -> pl.LazyFrame:
    """Sort once by user and time: neighbours are neighbouring rows, sessions are numbered through."""
    user = pl.col("user_id").cast(pl.Categorical)
    ordered = accepted.with_columns(user, user.to_physical().alias("uid")).sort("uid", "happened", "event_id")
    gap = pl.col("happened") - pl.col("happened").shift(1)
    goes_on = (pl.col("uid") == pl.col("uid").shift(1)) & (gap <= c.TIMEOUT_S * SECOND)
    return (
        ordered.with_columns(
            (~goes_on).fill_null(value=True).alias("starts"),
            gap.alias("gap"),
            pl.col("event_name").shift(1).alias("from_state"),
        )
        .with_columns(
            pl.col("starts").cum_sum().alias("session"),
            pl.col("starts").shift(-1).fill_null(value=True).alias("ends"),
            pl.when(~pl.col("starts")).then(pl.col("gap") // SECOND).alias("gap"),
            pl.when(~pl.col("starts")).then(pl.col("from_state")).alias("from_state"),
            pl.when(pl.col("currency").is_null() | (pl.col("currency") == c.CURRENCY))
            .then(pl.col("value"))
            .alias("money"),
        )
        .drop("uid")
    )


def _sessions(laid: pl.LazyFrame) -> pl.DataFrame:
    beat = pl.col("happened").filter(pl.col("event_name") == c.HEARTBEAT) // (c.HEARTBEAT_S * SECOND)
    beats = laid.filter(pl.col("event_name") == c.HEARTBEAT).group_by("session").agg(beat.n_unique().alias("beats"))
    sums = laid.group_by("session").agg(
        pl.col("user_id").first(),
        pl.col("happened").min().alias("started"),
        pl.col("happened").max().alias("ended"),
        pl.len().cast(pl.Int64).alias("events"),
        pl.col("event_name").filter("starts").first().alias("entry_state"),
        pl.col("event_name").filter("ends").first().alias("exit_state"),
        pl.col("platform").filter("starts").first().alias("platform"),
        (pl.col("event_name") == c.CONVERSION).any().alias("converted"),
        pl.col("money").sum().alias("value"),
    )
    found = sums.join(beats, on="session", how="left").sort("session").collect(engine="streaming")
    length = pl.col("ended") - pl.col("started")
    engaged = (c.HEARTBEAT_S * (pl.col("beats").cast(pl.Int64) - 1) + c.HEARTBEAT_S // 2) * 1000
    return found.with_columns(
        _session_ids(found).alias("session_id"),
        pl.when(pl.col("events") > 1).then(length // 1000).alias("duration_ms"),
        engaged.alias("engaged_ms"),
        (length > c.SESSION_CAP_DAYS * DAY).alias("capped"),
    ).drop("beats")


def _session_ids(sessions: pl.DataFrame) -> pl.Series:
    texts = sessions.select(pl.format("{}\u001f{}", pl.col("user_id").cast(pl.String), "started"))
    ids = [hashlib.sha256(text.encode()).hexdigest()[:32] for text in texts.to_series()]
    return pl.Series(ids, dtype=pl.String)


def _steps(laid: pl.LazyFrame, sessions: pl.LazyFrame) -> pl.DataFrame:
    """Count each user's transitions by day and platform of the session."""
    of_session = sessions.select("session", "started", pl.col("platform").alias("first_platform"))
    moves = laid.select("session", "user_id", "from_state", "event_name").join(of_session, on="session")
    day = (pl.col("started") // DAY).alias("day")
    counted = moves.group_by("user_id", day, "first_platform", "from_state", "event_name").agg(pl.len().alias("n"))
    exits = sessions.group_by("user_id", day, "platform", "exit_state").agg(pl.len().alias("n"))
    text = [pl.col(name).cast(pl.String) for name in STEP]
    return (
        pl.concat(
            [
                counted.rename({"first_platform": "platform", "event_name": "to_state"}).with_columns(text),
                exits.rename({"exit_state": "from_state"})
                .with_columns(pl.lit(EXIT).alias("to_state"))
                .with_columns(text),
            ],
            how="diagonal",
        )
        .with_columns(pl.col("from_state").fill_null(START))
        .collect(engine="streaming")
    )


def _cells(steps: pl.LazyFrame) -> pl.DataFrame:
    sums = (pl.col("n").sum().cast(pl.Int64).alias("transitions"), pl.len().cast(pl.Int64).alias("users"))
    return steps.group_by("day", *STEP).agg(*sums).collect(engine="streaming")


def _write_part(task: Task, part: int, laid: pl.DataFrame, sessions: pl.DataFrame, steps: pl.DataFrame) -> None:
    of_event = laid.lazy().join(sessions.lazy().select("session", "session_id", "started"), on="session")
    _sink(task, "events", part, _events(of_event))
    _sink(task, "sessions", part, _stored_sessions(sessions.lazy()))
    _sink(task, "user_days", part, _user_days(laid.lazy(), sessions.lazy()))
    _sink(task, "user_day_counts", part, _user_day_counts(laid.lazy(), steps.lazy()))


def _events(of_event: pl.LazyFrame) -> pl.LazyFrame:
    return of_event.select(
        pl.lit(c.SOURCE).alias("source"),
        "event_id",
        "user_id",
        pl.col("user_id").alias("identifier"),
        "event_name",
        pl.col("event_name").alias("state"),
        _instant("happened").alias("event_at"),
        _instant("received").alias("received_at"),
        _date(pl.col("happened") // DAY).alias("event_date"),
        *("platform", "device_type", "channel", "value", "currency"),
        pl.concat_str(pl.lit('{"page":"'), "page", pl.lit('"}')).alias("properties"),
        "session_id",
        _instant("started").alias("session_started_at"),
    )


def _stored_sessions(sessions: pl.LazyFrame) -> pl.LazyFrame:
    return sessions.with_columns(
        _instant("started").alias("started_at"),
        _instant("ended").alias("ended_at"),
        _date(pl.col("started") // DAY).alias("session_date"),
        pl.col("duration_ms").is_null().alias("duration_imputed"),
    ).drop("session", "started", "ended")


def _user_days(laid: pl.LazyFrame, sessions: pl.LazyFrame) -> pl.LazyFrame:
    purchase = pl.col("event_name") == c.CONVERSION
    of_events = laid.group_by("user_id", (pl.col("happened") // DAY).alias("day")).agg(
        pl.len().cast(pl.Int64).alias("events"),
        purchase.sum().cast(pl.Int64).alias("purchases"),
        pl.col("money").sum().alias("value"),
        pl.col("money").filter(purchase).sum().alias("purchase_value"),
        (pl.col("value").is_not_null() & pl.col("money").is_null()).sum().cast(pl.Int64).alias("no_rate"),
        pl.col("gap").sum().alias("gap_s_sum"),
        (pl.col("gap") * pl.col("gap")).sum().alias("gap_s2_sum"),
    )
    counted = ~pl.col("capped")
    of_sessions = sessions.group_by("user_id", (pl.col("started") // DAY).alias("day")).agg(
        pl.len().cast(pl.Int64).alias("sessions"),
        pl.col("duration_ms").filter(counted).sum(),
        pl.col("engaged_ms").filter(counted).sum(),
        pl.col("duration_ms").is_null().sum().cast(pl.Int64).alias("sessions_without_duration"),
    )
    days = of_events.join(of_sessions, on=USER_DAY, how="left")
    zero = pl.col("sessions", "duration_ms", "engaged_ms", "sessions_without_duration").fill_null(0)
    return days.with_columns(zero, _date("day").alias("event_date")).drop("day")


def _user_day_counts(laid: pl.LazyFrame, steps: pl.LazyFrame) -> pl.LazyFrame:
    hour = (pl.col("happened") // (3600 * SECOND) % 24).alias("hour")
    day = (pl.col("happened") // DAY).alias("day")
    counts = [
        laid.group_by("user_id", day, key)
        .agg(pl.len().alias("n"))
        .select("user_id", "day", pl.lit(name).alias("dimension"), _item(name).alias("item"), "n")
        .filter(pl.col("item").is_not_null())
        for name, key in {
            "event_name": "event_name",
            "platform": "platform",
            "channel": "channel",
            "hour": hour,
        }.items()
    ]
    item = pl.concat_str(STEP, separator=c.STEP_SEPARATOR).alias("item")
    of_steps = steps.select("user_id", "day", pl.lit("transition").alias("dimension"), item, "n")
    return pl.concat([*counts, of_steps]).with_columns(_date("day").alias("event_date")).drop("day")


def _item(name: str) -> pl.Expr:
    text = pl.col(name).cast(pl.String)
    return text.str.zfill(2) if name == "hour" else text


def _sink(task: Task, table: str, part: int, frame: pl.LazyFrame) -> None:
    path = task.state / table / f"{part}.parquet"
    frame.sink_parquet(path, compression="zstd", compression_level=1, maintain_order=False, engine="streaming")


def _instant(micros: str) -> pl.Expr:
    return pl.col(micros).cast(pl.Datetime("us"))


def _date(number: str | pl.Expr) -> pl.Expr:
    return (pl.col(number) if isinstance(number, str) else number).cast(pl.Int32).cast(pl.Date)


if __name__ == "__main__":
    main({"full": build})
