"""DuckDB, written to win: narrow codes through the windows, copies judged among the few rows that have any.

Output is zstd Parquet, one folder a table. What only our engine keeps (raw text and place of rejected records, the
ledger by file) is not asked of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb

from benchmarks import contract as c
from benchmarks.engines.task import Clock, Task, main

if TYPE_CHECKING:
    from collections.abc import Iterator

SECOND = 1_000_000
DAY = 86_400 * SECOND
PAYLOAD = ("user_id", "event_name", "happened", "platform", "device_type", "channel", "value", "currency", "page")
CODES = {"event_name": "event_name", "platform": "lower(trim(platform))"} | {
    "device_type": "replace(device_type, 'mobile', 'handset')",
    "channel": "channel",
    "currency": "currency",
}
"""Columns of few values: enumerations, a byte each."""


def build(task: Task, clock: Clock) -> None:
    """Build all tables from all files."""
    with clock.phase("prepare"):
        db = open_database(task)
    with clock.phase("judge"):
        read_records(db, task.files)
        judge_copies(db)
        _apply_cap(db, task.cap)
    with clock.phase("sessions"):
        db.execute(_LAID)
        db.execute(_TOO_LATE)
        db.execute(_SESSIONS)
        db.execute(_STEPS)
    with clock.phase("write"):
        for table, query in _outputs():
            (task.state / table).mkdir(parents=True)
            db.execute(f"COPY ({query}) TO '{task.state}/{table}/0.parquet' (COMPRESSION zstd, COMPRESSION_LEVEL 1)")


def open_database(task: Task) -> duckdb.DuckDBPyConnection:
    """Open a database in memory, which spills to the scratch folder."""
    return duckdb.connect(
        config={
            "threads": task.threads,
            "memory_limit": task.memory,
            "temp_directory": str(task.scratch / "duckdb"),
            "preserve_insertion_order": False,
        }
    )


def read_records(db: duckdb.DuckDBPyConnection, files: list[str]) -> None:
    """Name the records of all files; count them by user and day, which gives users, codes of users and the cap."""
    source = f"read_parquet({files})"
    for name, value in CODES.items():
        db.execute(
            f"CREATE TYPE {name}_code AS ENUM (SELECT DISTINCT {value} v FROM {source} WHERE v IS NOT NULL ORDER BY 1)"
        )
    coded = ", ".join(f"({value})::{name}_code AS {name}" for name, value in CODES.items())
    db.execute(f"""
        CREATE VIEW sent AS
        SELECT event_id, nullif(trim(lower(user_id)), '') AS user_id, epoch_us(event_at) AS happened,
            epoch_us(received_at) AS received, {coded}, value, page
        FROM {source}""")
    db.execute(f"CREATE TABLE days AS SELECT user_id, happened // {DAY} AS day, count(*) AS n FROM sent GROUP BY ALL")
    db.execute("""
        CREATE TABLE users AS
        SELECT user_id, row_number() OVER ()::UINTEGER AS uid
        FROM (SELECT DISTINCT user_id FROM days WHERE user_id IS NOT NULL)""")
    db.execute("CREATE TABLE rejections (reason VARCHAR, records BIGINT)")
    db.execute("INSERT INTO rejections SELECT 'null_user', sum(n) FROM days WHERE user_id IS NULL HAVING sum(n) > 0")


def judge_copies(db: duckdb.DuckDBPyConnection) -> None:
    """Judge records whose identity has several; a 64-bit hash finds them, the identity itself decides."""
    db.execute("""
        CREATE TABLE twice AS
        SELECT hash(event_id) AS h FROM sent WHERE user_id IS NOT NULL GROUP BY h HAVING count(*) > 1""")
    payload = ", ".join(PAYLOAD)
    db.execute(f"""
        CREATE TABLE judged AS
        WITH copies AS (SELECT * FROM sent SEMI JOIN twice ON h = hash(event_id) WHERE user_id IS NOT NULL),
        spaced AS (
            SELECT *, received - lag(received) OVER (PARTITION BY event_id ORDER BY received, happened) AS since
            FROM copies),
        runs AS (
            SELECT *, sum(CASE WHEN since <= {c.DEDUP_WINDOW_DAYS * DAY} THEN 0 ELSE 1 END)
                OVER (PARTITION BY event_id ORDER BY received, happened ROWS UNBOUNDED PRECEDING) AS run
            FROM spaced),
        placed AS (
            SELECT *, row_number() OVER w AS place, first_value(row({payload})) OVER w AS head
            FROM runs WINDOW w AS (PARTITION BY event_id, run ORDER BY received, happened))
        SELECT * EXCLUDE (since, run, place, head),
            CASE WHEN place = 1 THEN 'head' WHEN head = row({payload}) THEN 'duplicate' ELSE 'conflict' END AS verdict
        FROM placed""")
    db.execute("INSERT INTO rejections SELECT verdict, count(*) FROM judged WHERE verdict <> 'head' GROUP BY verdict")
    db.execute("""
        CREATE VIEW heads AS
        SELECT * FROM sent ANTI JOIN twice ON h = hash(event_id) WHERE user_id IS NOT NULL
        UNION ALL SELECT * EXCLUDE (verdict) FROM judged WHERE verdict = 'head'""")
    late = f"received - happened > {c.ALLOWED_LATENESS_DAYS * DAY}"
    db.execute(f"CREATE VIEW punctual AS SELECT * FROM heads WHERE NOT ({late})")


def _apply_cap(db: duckdb.DuckDBPyConnection, cap: int) -> None:
    """Rank the events of user-days with more records than the cap, if there are any."""
    heavy = f"SELECT user_id, day FROM days WHERE n > {cap} AND user_id IS NOT NULL"
    accepted = "punctual"
    if db.execute(heavy).fetchall():
        db.execute(f"""
            CREATE TABLE over_cap AS
            SELECT event_id FROM punctual SEMI JOIN ({heavy}) heavy
                ON heavy.user_id = punctual.user_id AND heavy.day = happened // {DAY}
            QUALIFY row_number() OVER (PARTITION BY user_id, happened // {DAY} ORDER BY received, event_id) > {cap}""")
        db.execute("INSERT INTO rejections SELECT 'over_cap', count(*) FROM over_cap HAVING count(*) > 0")
        accepted = "(SELECT * FROM punctual ANTI JOIN over_cap USING (event_id))"
    coded = f"SELECT users.uid, e.* EXCLUDE (user_id) FROM {accepted} e JOIN users USING (user_id)"
    db.execute(f"CREATE VIEW accepted AS {coded}")


_TOO_LATE = """
    INSERT INTO rejections
    SELECT 'too_late', records - (SELECT count(*) FROM laid) - (SELECT sum(records) FROM rejections) AS records
    FROM (SELECT sum(n) AS records FROM days)
    WHERE records > 0"""
"""What is left when all else is counted, which saves a pass over the records."""

_LAID = f"""
    CREATE TABLE laid AS
    WITH next_to AS (
        SELECT *, lag(happened) OVER w AS before, lead(happened) OVER w AS after, lag(event_name) OVER w AS from_state
        FROM accepted WINDOW w AS (PARTITION BY uid ORDER BY happened, event_id)),
    cut AS (
        SELECT * EXCLUDE (before, after), coalesce(happened - before > {c.TIMEOUT_S * SECOND}, true) AS starts,
            coalesce(after - happened > {c.TIMEOUT_S * SECOND}, true) AS ends, (happened - before) // {SECOND} AS gap
        FROM next_to)
    SELECT * REPLACE (if(starts, NULL, gap) AS gap, if(starts, NULL, from_state) AS from_state),
        max(if(starts, happened * 256 + enum_code(platform), NULL))
            OVER (PARTITION BY uid ORDER BY happened) AS start_key,
        start_key // 256 AS started
    FROM cut"""
"""A session's start and first platform come out of one running maximum. It goes by instant: any event at the instant
at which a session starts belongs to it."""

MONEY = f"if(coalesce(currency, '{c.CURRENCY}') = '{c.CURRENCY}', value, NULL)"
_SESSIONS = f"""
    CREATE TABLE sessions AS
    WITH sums AS (
        SELECT uid, started, max(happened) AS ended, count(*) AS events,
            max(if(starts, event_name, NULL)) AS entry_state, max(if(ends, event_name, NULL)) AS exit_state,
            max(if(starts, platform, NULL)) AS platform,
            bool_or(event_name = '{c.CONVERSION}') AS converted, coalesce(sum({MONEY}), 0) AS value
        FROM laid GROUP BY uid, started),
    beats AS (
        SELECT uid, started, count(DISTINCT happened // {c.HEARTBEAT_S * SECOND}) AS beats
        FROM laid WHERE event_name = '{c.HEARTBEAT}' GROUP BY uid, started)
    SELECT left(sha256(user_id || chr(31) || started), 32) AS session_id, user_id, sums.*,
        if(events > 1, (ended - started) // 1000, NULL) AS duration_ms,
        ({c.HEARTBEAT_S} * (beats - 1) + {c.HEARTBEAT_S // 2}) * 1000 AS engaged_ms,
        ended - started > {c.SESSION_CAP_DAYS * DAY} AS capped
    FROM sums LEFT JOIN beats USING (uid, started) JOIN users USING (uid)"""

_STEPS = f"""
    CREATE TABLE steps AS
    WITH moves AS (
        SELECT uid, started // {DAY} AS day, start_key % 256 AS code, from_state, event_name AS to_state, count(*) AS n
        FROM laid GROUP BY ALL),
    exits AS (SELECT uid, started // {DAY} AS day, platform, exit_state, count(*) AS n FROM sessions GROUP BY ALL)
    SELECT uid, day, enum_range(NULL::platform_code)[code + 1] AS platform,
        coalesce(from_state::VARCHAR, 'START') AS from_state, to_state::VARCHAR AS to_state, n FROM moves
    UNION ALL SELECT uid, day, platform::VARCHAR, exit_state::VARCHAR, 'EXIT', n FROM exits"""


STEP_SEPARATOR = f"chr({ord(c.STEP_SEPARATOR)})"


def as_instant(micros: str) -> str:
    """Return the SQL of an instant from its microseconds since 1970."""
    return f"make_timestamp({micros})"


def as_day(number: str | int) -> str:
    """Return the SQL of a day from its number since 1970."""
    return f"DATE '1970-01-01' + ({number})::INTEGER"


def _outputs() -> Iterator[tuple[str, str]]:
    """Give each table's query."""
    yield (
        "events",
        f"""
        SELECT '{c.SOURCE}' AS source, event_id, user_id, user_id AS identifier, event_name, event_name AS state,
            {as_instant("happened")} AS event_at, {as_instant("received")} AS received_at,
            {as_day(f"happened // {DAY}")} AS event_date, laid.platform, device_type, channel, laid.value, currency,
            '{{"page":"' || page || '"}}' AS properties,
            session_id, {as_instant("started")} AS session_started_at
        FROM laid JOIN sessions USING (uid, started)""",
    )
    yield (
        "sessions",
        f"""
        SELECT session_id, user_id, {as_instant("started")} AS started_at, {as_instant("ended")} AS ended_at,
            {as_day(f"started // {DAY}")} AS session_date, events, duration_ms, duration_ms IS NULL AS duration_imputed,
            engaged_ms, entry_state, exit_state, platform, converted, value, capped
        FROM sessions""",
    )
    yield "user_days", _USER_DAYS
    yield "user_day_counts", _user_day_counts()
    yield (
        "transitions",
        f"""
        SELECT {as_day("day")} AS session_date, platform, from_state, to_state, sum(n) AS transitions,
            count(*) AS users
        FROM steps GROUP BY ALL""",
    )
    yield "rejections", "SELECT * FROM rejections"


_USER_DAYS = f"""
    WITH of_events AS (
        SELECT uid, happened // {DAY} AS day, count(*) AS events, count_if(event_name = '{c.CONVERSION}') AS purchases,
            sum({MONEY}) AS value, sum(if(event_name = '{c.CONVERSION}', {MONEY}, NULL)) AS purchase_value,
            count_if(value IS NOT NULL AND {MONEY} IS NULL) AS no_rate,
            sum(gap) AS gap_s_sum, sum(gap * gap) AS gap_s2_sum
        FROM laid GROUP BY ALL),
    of_sessions AS (
        SELECT uid, started // {DAY} AS day, count(*) AS sessions, sum(if(capped, NULL, duration_ms)) AS duration_ms,
            sum(if(capped, NULL, engaged_ms)) AS engaged_ms, count_if(duration_ms IS NULL) AS sessions_without_duration
        FROM sessions GROUP BY ALL)
    SELECT user_id, {as_day("day")} AS event_date, events, coalesce(sessions, 0) AS sessions, purchases,
        coalesce(value, 0) AS value, coalesce(purchase_value, 0) AS purchase_value, no_rate,
        coalesce(duration_ms, 0)::BIGINT AS duration_ms, coalesce(engaged_ms, 0)::BIGINT AS engaged_ms,
        coalesce(sessions_without_duration, 0) AS sessions_without_duration,
        coalesce(gap_s_sum, 0)::BIGINT AS gap_s_sum, coalesce(gap_s2_sum, 0)::BIGINT AS gap_s2_sum
    FROM of_events LEFT JOIN of_sessions USING (uid, day) JOIN users USING (uid)"""


def _user_day_counts() -> str:
    """Count each dimension of a user's day by codes, and write items out at the end."""
    keys = {name: name for name in ("event_name", "platform", "channel")} | {"hour": "happened // 3600000000 % 24"}
    counts = "SELECT uid, happened // {day} AS day, {key} AS key, count(*) AS n FROM laid GROUP BY ALL"
    text = {"hour": "lpad(key::VARCHAR, 2, '0')"}
    dimensions = [
        f"SELECT uid, day, '{name}' AS dimension, {text.get(name, 'key::VARCHAR')} AS item, n "
        f"FROM ({counts.format(day=DAY, key=key)}) WHERE key IS NOT NULL"
        for name, key in keys.items()
    ]
    item = f"concat_ws({STEP_SEPARATOR}, platform, from_state, to_state)"
    steps = f"SELECT uid, day, 'transition' AS dimension, {item} AS item, n FROM steps"
    union = " UNION ALL ".join([*dimensions, steps])
    date = as_day("day")
    return f"SELECT user_id, {date} AS event_date, dimension, item, n FROM ({union}) JOIN users USING (uid)"


if __name__ == "__main__":
    main({"full": build})
