"""What is asked of behaviour, by DuckDB, from the Parquet of its full build: states as codes, each window once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks import contract as c
from benchmarks.engines.duckdb_peer import SECOND, open_database
from benchmarks.engines.task import Clock, Task, main

if TYPE_CHECKING:
    from pathlib import Path

CUT = f"DATE '{c.CUT}'"


def answer(task: Task, clock: Clock) -> None:
    """Answer everything, each as a table of its own."""
    with clock.phase("prepare"):
        db = open_database(task)
        for table in ("events", "user_days", "user_day_counts"):
            db.execute(f"CREATE VIEW {table} AS SELECT * FROM read_parquet('{task.state}/{table}/*.parquet')")
    with clock.phase("steps"):
        db.execute("CREATE TYPE name AS ENUM (SELECT DISTINCT state FROM events ORDER BY 1)")
        db.execute(_STEPS)
    for table, query in _QUESTIONS.items():
        with clock.phase(table):
            (folder := _folder(task, table)).mkdir(parents=True)
            db.execute(f"COPY ({query}) TO '{folder}/0.parquet' (COMPRESSION zstd, COMPRESSION_LEVEL 1)")
    with clock.phase("prepare"):  # counting is in no figure
        clock.records = (db.execute("SELECT count(*) FROM events").fetchone() or (0,))[0]


def _folder(task: Task, table: str) -> Path:
    return task.state / "behaviour" / table


_STEPS = """
    CREATE TABLE steps AS
    SELECT user_id, session_id, state::name AS state, epoch_us(event_at) AS happened, event_id,
        lag(state::name) OVER w AS before, lead(event_id) OVER w IS NULL AS ends, row_number() OVER w AS position
    FROM events WINDOW w AS (PARTITION BY session_id ORDER BY event_at, event_id)"""

_FLOWS = """
    WITH moves AS (
        SELECT coalesce(before::VARCHAR, 'START') AS from_state, state::VARCHAR AS to_state, count(*) AS n
        FROM steps GROUP BY ALL
        UNION ALL SELECT state::VARCHAR, 'EXIT', count(*) FROM steps WHERE ends GROUP BY ALL)
    SELECT from_state, to_state, n AS transitions, sum(n) OVER (PARTITION BY from_state)::BIGINT AS departures
    FROM moves"""

_PATHS = f"""
    WITH of_session AS (
        SELECT list(state::VARCHAR ORDER BY position)[1:{c.PATH_STEPS}] AS path, count(*) <= {c.PATH_STEPS} AS ended,
            bool_or(state = '{c.CONVERSION}') AS converted
        FROM steps WHERE before IS NULL OR before <> state GROUP BY session_id),
    counted AS (
        SELECT '["' || array_to_string(path, '","') || '"]' AS path, len(path) AS size, ended,
            count(*) AS sessions, count_if(converted) AS converted
        FROM of_session GROUP BY ALL),
    ranked AS (SELECT *, row_number() OVER (ORDER BY sessions DESC, size, path, ended) AS place FROM counted)
    SELECT if(place <= {c.NAMED_PATHS}, path, '{c.OTHER_PATHS}') AS path,
        if(place <= {c.NAMED_PATHS}, ended, NULL) AS ended,
        sum(sessions)::BIGINT AS sessions, sum(converted)::BIGINT AS converted
    FROM ranked GROUP BY 1, 2"""

_SEQUENCES = f"""
    SELECT states, count(*) AS sessions
    FROM (
        SELECT string_agg(state::VARCHAR, '>' ORDER BY position) AS states
        FROM steps WHERE position <= {c.SEQUENCE_STEPS} GROUP BY session_id)
    GROUP BY states"""


def _funnel() -> str:
    """Carry, for every step, the latest start of an attempt that took it; starts never go back in time."""
    wanted = ", ".join(f"'{state}'" for state in c.FUNNEL)
    before = "(PARTITION BY user_id ORDER BY happened, event_id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)"
    first = f"if(state = '{c.FUNNEL[0]}', happened, NULL) AS s1"
    parts = [f"t1 AS (SELECT user_id, happened, event_id, state, {first} FROM steps WHERE state IN ({wanted}))"]
    for number, state in enumerate(c.FUNNEL[1:], 2):
        last = number - 1
        taken = f"if(state = '{state}' AND happened - b <= {c.FUNNEL_WINDOW_S * SECOND}, b, NULL) AS s{number}"
        parts += [
            f"p{number} AS (SELECT *, last_value(s{last} IGNORE NULLS) OVER {before} AS b FROM t{last})",
            f"t{number} AS (SELECT * EXCLUDE (b), {taken} FROM p{number})",
        ]
    numbers = range(1, len(c.FUNNEL) + 1)
    counts = ", ".join(f"count(DISTINCT if(s{n} IS NULL, NULL, user_id)) AS c{n}" for n in numbers)
    rows = " UNION ALL ".join(f"SELECT {n} AS step, c{n} AS reached FROM counted" for n in numbers)
    return f"WITH {', '.join(parts)}, counted AS (SELECT {counts} FROM t{len(c.FUNNEL)}) {rows}"


_FEATURES = f"""
    WITH days AS (SELECT *, date_diff('day', event_date, {CUT}) AS ago FROM user_days WHERE event_date < {CUT}),
    of_days AS (
        SELECT user_id, min(ago) AS days_since_last_event, max(ago) AS days_since_first_event,
            coalesce(sum(events) FILTER (ago <= 7), 0)::BIGINT AS events_count_7d,
            coalesce(sum(events) FILTER (ago <= 30), 0)::BIGINT AS events_count_30d,
            coalesce(sum(events) FILTER (ago <= 90), 0)::BIGINT AS events_count_90d,
            sum(events)::BIGINT AS events_count_life,
            coalesce(sum(sessions) FILTER (ago <= 30), 0)::BIGINT AS sessions_count_30d,
            sum(sessions)::BIGINT AS sessions_count_life,
            count_if(ago <= 30 AND events > 0) AS active_days_count_30d,
            sum(purchases)::BIGINT AS purchases_count_life,
            greatest(count_if(purchases > 0) - 1, 0) AS rfm_frequency_count,
            max(ago) FILTER (purchases > 0) - min(ago) FILTER (purchases > 0) AS rfm_recency_days,
            sum(value) AS value_sum_life
        FROM days GROUP BY user_id),
    items AS (
        SELECT user_id, item, min(date_diff('day', event_date, {CUT})) AS ago
        FROM user_day_counts WHERE dimension = 'event_name' AND n > 0 AND event_date < {CUT} GROUP BY ALL),
    of_items AS (
        SELECT user_id, count_if(ago <= 30) AS event_names_distinct_count_30d,
            count(*) AS event_names_distinct_count_life
        FROM items GROUP BY user_id)
    SELECT of_days.*, coalesce(event_names_distinct_count_30d, 0) AS event_names_distinct_count_30d,
        coalesce(event_names_distinct_count_life, 0) AS event_names_distinct_count_life
    FROM of_days LEFT JOIN of_items USING (user_id)"""

_QUESTIONS = {
    "flows": _FLOWS,
    "paths": _PATHS,
    "funnel": _funnel(),
    "sequences": _SEQUENCES,
    "features": _FEATURES,
}

if __name__ == "__main__":
    main({"behaviour": answer})
