"""What is asked of behaviour, by Polars, from the Parquet of its full build: one sort, then neighbouring rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from benchmarks import contract as c
from benchmarks.engines.task import Clock, Task, main

if TYPE_CHECKING:
    from collections.abc import Callable

EVENTS_WINDOWS, SESSIONS_WINDOWS = {"7d": 7, "30d": 30, "90d": 90, "life": None}, {"30d": 30, "life": None}
MICROS = 1_000_000


def answer(task: Task, clock: Clock) -> None:
    """Answer everything, each as a table of its own."""
    with clock.phase("steps"):
        steps = _lay_out(pl.scan_parquet(task.state / "events" / "*.parquet"))
    questions: dict[str, Callable[[], pl.DataFrame]] = {
        "flows": lambda: _flows(steps),
        "paths": lambda: _paths(steps),
        "funnel": lambda: _funnel(steps),
        "sequences": lambda: _sequences(steps),
        "features": lambda: _features(task),
    }
    for table, ask in questions.items():
        with clock.phase(table):
            (folder := task.state / "behaviour" / table).mkdir(parents=True)
            ask().write_parquet(folder / "0.parquet", compression_level=1)
    clock.records = steps.height


def _lay_out(events: pl.LazyFrame) -> pl.DataFrame:
    """Sort once by user and time: a user's sessions follow each other."""
    started = pl.col("session_started_at")
    ordered = (
        events.select(
            pl.col("user_id").cast(pl.Categorical).to_physical().alias("user"),
            pl.col("state").cast(pl.Categorical),
            pl.col("event_at").dt.timestamp("us").alias("happened"),
            "event_id",
            started.dt.timestamp("us").alias("started"),
        )
        .sort("user", "happened", "event_id")
        .collect(engine="streaming")
        .drop("event_id")
    )
    same = (pl.col("user") == pl.col("user").shift(1)) & (pl.col("started") == pl.col("started").shift(1))
    starts = (~same).fill_null(value=True)
    row = pl.int_range(pl.len())
    return (
        ordered.with_columns(starts.alias("starts"))
        .with_columns(
            pl.when(~pl.col("starts")).then(pl.col("state").shift(1)).alias("before"),
            pl.col("starts").shift(-1, fill_value=True).alias("ends"),
            pl.col("starts").cum_sum().alias("session"),
            (row - pl.when("starts").then(row).forward_fill()).alias("position"),
        )
        .drop("started")
    )


def _flows(steps: pl.DataFrame) -> pl.DataFrame:
    entered = steps.group_by("before", "state").len("transitions")
    left = steps.filter("ends").group_by("state").len("transitions")
    moves = pl.concat(
        [
            entered.select(
                pl.col("before").cast(pl.String).fill_null("START").alias("from_state"),
                pl.col("state").cast(pl.String).alias("to_state"),
                "transitions",
            ),
            left.select(
                pl.col("state").cast(pl.String).alias("from_state"), pl.lit("EXIT").alias("to_state"), "transitions"
            ),
        ]
    )
    return moves.with_columns(pl.col("transitions").sum().over("from_state").alias("departures"))


def _paths(steps: pl.DataFrame) -> pl.DataFrame:
    changed = steps.lazy().filter(pl.col("starts") | (pl.col("state") != pl.col("before")))
    of_session = changed.group_by("session", maintain_order=True).agg(
        pl.col("state").head(c.PATH_STEPS).alias("path"),
        (pl.len() <= c.PATH_STEPS).alias("ended"),
        (pl.col("state") == c.CONVERSION).any().alias("converted"),
    )
    text = pl.concat_str(pl.lit('["'), pl.col("path").cast(pl.List(pl.String)).list.join('","'), pl.lit('"]'))
    counted = of_session.group_by(text.alias("path"), pl.col("path").list.len().alias("size"), "ended").agg(
        pl.len().alias("sessions"), pl.col("converted").sum()
    )
    order = ("sessions", "size", "path", "ended")
    ranked = counted.sort(order, descending=[True, False, False, False]).with_row_index("place").collect()
    named = pl.col("place") < c.NAMED_PATHS
    return ranked.group_by(
        pl.when(named).then("path").otherwise(pl.lit(c.OTHER_PATHS)).alias("path"),
        pl.when(named).then("ended").alias("ended"),
    ).agg(pl.col("sessions", "converted").sum())


def _sequences(steps: pl.DataFrame) -> pl.DataFrame:
    first = steps.lazy().filter(pl.col("position") < c.SEQUENCE_STEPS)
    lists = first.group_by("session", maintain_order=True).agg("state")
    states = pl.col("state").cast(pl.List(pl.String)).list.join(">").alias("states")
    return lists.group_by(states).agg(pl.len().alias("sessions")).collect()


def _funnel(steps: pl.DataFrame) -> pl.DataFrame:
    """Carry, for every step, the latest start of an attempt that took it; starts never go back in time."""
    seen = steps.lazy().filter(pl.col("state").cast(pl.String).is_in(c.FUNNEL)).select("user", "state", "happened")
    start = pl.when(pl.col("state") == c.FUNNEL[0]).then("happened")
    seen = seen.with_columns(start.alias("start_1"))
    for number, state in enumerate(c.FUNNEL[1:], 2):
        before = pl.col(f"start_{number - 1}").forward_fill().shift(1).over("user")
        in_time = (pl.col("state") == state) & (pl.col("happened") - before <= c.FUNNEL_WINDOW_S * MICROS)
        seen = seen.with_columns(pl.when(in_time).then(before).alias(f"start_{number}"))
    found = seen.collect()
    numbers = range(1, len(c.FUNNEL) + 1)
    reached = [found.filter(pl.col(f"start_{n}").is_not_null())["user"].n_unique() for n in numbers]
    return pl.DataFrame({"step": list(numbers), "reached": reached})


def _features(task: Task) -> pl.DataFrame:
    ago = (pl.lit(c.CUT) - pl.col("event_date")).dt.total_days().alias("ago")
    before = pl.col("event_date") < pl.lit(c.CUT)
    days = pl.scan_parquet(task.state / "user_days" / "*.parquet").filter(before).with_columns(ago)
    counts = pl.scan_parquet(task.state / "user_day_counts" / "*.parquet").filter(before).with_columns(ago)

    def inside(window: int | None) -> pl.Expr:
        return pl.lit(value=True) if window is None else pl.col("ago") <= window

    bought = pl.col("ago").filter(pl.col("purchases") > 0)
    of_days = days.group_by("user_id").agg(
        pl.col("ago").min().alias("days_since_last_event"),
        pl.col("ago").max().alias("days_since_first_event"),
        *(pl.col("events").filter(inside(w)).sum().alias(f"events_count_{n}") for n, w in EVENTS_WINDOWS.items()),
        *(pl.col("sessions").filter(inside(w)).sum().alias(f"sessions_count_{n}") for n, w in SESSIONS_WINDOWS.items()),
        ((pl.col("events") > 0) & inside(30)).sum().alias("active_days_count_30d"),
        pl.col("purchases").sum().alias("purchases_count_life"),
        (bought.len().cast(pl.Int64) - 1).clip(lower_bound=0).alias("rfm_frequency_count"),
        (bought.max() - bought.min()).alias("rfm_recency_days"),
        pl.col("value").sum().alias("value_sum_life"),
    )
    named = counts.filter((pl.col("dimension") == "event_name") & (pl.col("n") > 0))
    last = named.group_by("user_id", "item").agg(pl.col("ago").min())
    of_items = last.group_by("user_id").agg(
        *(inside(w).sum().alias(f"event_names_distinct_count_{n}") for n, w in {"30d": 30}.items()),
        pl.len().alias("event_names_distinct_count_life"),
    )
    joined = of_days.join(of_items, on="user_id", how="left")
    return joined.with_columns(pl.col("^event_names_.*$").fill_null(0)).collect(engine="streaming")


if __name__ == "__main__":
    main({"behaviour": answer})
