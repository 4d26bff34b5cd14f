"""DuckDB's hand-written increment: its tables in one DuckDB file, changed in one transaction.

Only what new events touch is read: the sessions within the timeout of them and, unless a session's start moves, of
those only the events from just before the first new one. Made easier than ours by one assumption, which it checks:
batches come in the order of receipt, so nothing known is ever judged again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks import contract as c
from benchmarks.engines import duckdb_peer as full
from benchmarks.engines.duckdb_changes import CHANGES, apply_changes
from benchmarks.engines.duckdb_peer import DAY, SECOND
from benchmarks.engines.task import Clock, Task, main

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb

FILE = "tables.duckdb"
TIMEOUT, HORIZON = c.TIMEOUT_S * SECOND, c.DEDUP_WINDOW_DAYS * DAY
SLICE_DAYS = 7
"""The basis is laid down in the order of weeks, which prunes well enough and sorts little at once."""
_ONE_CHECKPOINT = "SET checkpoint_threshold = '1TB'; SET max_vacuum_tasks = 0"
"""At the end, and not at the commit too; merging small row groups is left to maintenance."""
KEYS = {
    "events": "event_date",
    "sessions": "session_date",
    "user_days": "event_date",
    "user_day_counts": "event_date",
    "transitions": "session_date",
    "rejections": None,
}
_TEXT = ", ".join(f"coalesce({name}::VARCHAR, chr(0))" for name in full.PAYLOAD)
DIGEST = f"md5_number(concat_ws(chr(31), {_TEXT}))"


def lay_basis(task: Task, _clock: Clock) -> None:
    """Turn the Parquet tables of a full build into the file that increments work on; no part of any figure."""
    db = full.open_database(task)
    db.execute(f"SET preserve_insertion_order = true; ATTACH '{task.state / FILE}' AS kept")
    for table, key in KEYS.items():
        parquet = f"read_parquet('{task.state}/{table}/*.parquet')"
        db.execute(f"CREATE TABLE kept.{table} AS FROM {parquet} LIMIT 0")
        for where in _slices(db, parquet, key):
            db.execute(f"INSERT INTO kept.{table} FROM {parquet} {where}")
    full.read_records(db, task.files)
    full.judge_copies(db)
    _remember(db)
    db.execute("DETACH kept")
    for table in KEYS:
        _remove(task.state / table)


def take_in(task: Task, clock: Clock) -> None:
    """Take a batch in; the file holds what a full build over everything would give."""
    with clock.phase("prepare"):
        db = full.open_database(task)
    with clock.phase("judge"):
        db.execute(f"{_ONE_CHECKPOINT}; ATTACH '{task.state / FILE}' AS kept; BEGIN")
        _read(db, task.files)
        _judge(db)
        _apply_cap(db, task.cap)
    with clock.phase("sessions"):
        _lay_out(db)
        for change in CHANGES:
            db.execute(change)
    with clock.phase("write"):
        apply_changes(db)
        db.execute("COMMIT")
        db.execute("DETACH kept")  # and with it the one checkpoint


def export(task: Task, _clock: Clock) -> None:
    """Write the tables as Parquet, for the comparison; no part of any figure."""
    db = full.open_database(task)
    db.execute(f"ATTACH '{task.state / FILE}' AS kept (READ_ONLY)")
    for table in KEYS:
        (task.scratch / table).mkdir(parents=True)
        db.execute(f"COPY kept.{table} TO '{task.scratch}/{table}/0.parquet'")


def _slices(db: duckdb.DuckDBPyConnection, parquet: str, key: str | None) -> list[str]:
    if key is None:
        return [""]
    week = f"({key} - DATE '1970-01-01') // {SLICE_DAYS}"
    weeks = db.execute(f"SELECT DISTINCT {week} FROM {parquet} ORDER BY 1").fetchall()
    return [f"WHERE {week} = {number} ORDER BY {key}" for (number,) in weeks]


def _remember(db: duckdb.DuckDBPyConnection) -> None:
    """Keep of each record of the last horizon its identity, receipt and the digest of its survivor's payload."""
    latest, last_day = db.execute(f"SELECT max(received), max(happened) // {DAY} FROM sent").fetchone() or (0, 0)
    db.execute(f"""
        CREATE TABLE kept.seen AS
        WITH heads AS (SELECT event_id, received, {DIGEST} AS head FROM judged WHERE verdict = 'head'),
        single AS (SELECT * FROM sent ANTI JOIN twice ON h = hash(event_id) WHERE user_id IS NOT NULL),
        known AS (
            SELECT event_id, received, {DIGEST} AS head FROM single
            UNION ALL
            SELECT judged.event_id, judged.received, head FROM judged
                ASOF JOIN heads ON judged.event_id = heads.event_id AND judged.received >= heads.received)
        SELECT hash(event_id) AS h, * FROM known WHERE received >= {latest - HORIZON} ORDER BY received""")
    db.execute(f"CREATE TABLE kept.known AS SELECT {latest}::BIGINT AS received, {last_day}::BIGINT AS day")


def _read(db: duckdb.DuckDBPyConnection, files: list[str]) -> None:
    db.execute(f"""
        CREATE TEMP TABLE sent AS
        WITH named AS (
            SELECT event_id, hash(event_id) AS h, nullif(trim(lower(user_id)), '') AS user_id, event_name,
                epoch_us(event_at) AS happened, epoch_us(received_at) AS received, lower(trim(platform)) AS platform,
                replace(device_type, 'mobile', 'handset') AS device_type, channel, value, currency, page
            FROM read_parquet({files}))
        SELECT *, {DIGEST} AS payload FROM named""")
    row = db.execute("SELECT min(received), (SELECT received FROM kept.known) FROM sent").fetchone()
    if row is None or row[0] is None or row[0] <= row[1]:
        raise RuntimeError(f"received not after what is known: {row}")


def _judge(db: duckdb.DuckDBPyConnection) -> None:
    """Judge copies among the new records and those that were seen within the horizon."""
    lowest = db.execute(f"SELECT min(received) - {HORIZON} FROM sent").fetchone()[0]
    db.execute(f"""
        CREATE TEMP TABLE met AS
        SELECT rowid AS place FROM kept.seen
        WHERE received >= {lowest} AND h IN (SELECT h FROM sent WHERE user_id IS NOT NULL)""")
    db.execute("""
        CREATE TEMP TABLE earlier AS
        SELECT h, event_id, max(received) AS received, arg_max(head, received) AS payload
        FROM kept.seen WHERE rowid IN (SELECT place FROM met) GROUP BY ALL""")
    db.execute("""
        CREATE TEMP TABLE twice AS
        SELECT h FROM sent WHERE user_id IS NOT NULL GROUP BY h HAVING count(*) > 1
        UNION SELECT h FROM earlier""")
    db.execute(f"""
        CREATE TEMP TABLE judged AS
        WITH copies AS (
            SELECT * FROM sent SEMI JOIN twice USING (h) WHERE user_id IS NOT NULL
            UNION ALL BY NAME SELECT * FROM earlier),
        spaced AS (SELECT *, received - lag(received) OVER w AS since FROM copies WINDOW w AS ({_ARRIVAL})),
        runs AS (
            SELECT *, sum(if(since <= {HORIZON}, 0, 1)) OVER (w ROWS UNBOUNDED PRECEDING) AS run
            FROM spaced WINDOW w AS ({_ARRIVAL})),
        placed AS (
            SELECT *, row_number() OVER w AS place, first_value(payload) OVER w AS head
            FROM runs WINDOW w AS (PARTITION BY event_id, run ORDER BY received, happened))
        SELECT * EXCLUDE (since, run, place),
            CASE WHEN place = 1 THEN 'head' WHEN head = payload THEN 'duplicate' ELSE 'conflict' END AS verdict
        FROM placed WHERE happened IS NOT NULL""")
    late = f"received - happened > {c.ALLOWED_LATENESS_DAYS * DAY}"
    db.execute(f"""
        CREATE TEMP VIEW heads AS
        SELECT * FROM sent ANTI JOIN twice USING (h) WHERE user_id IS NOT NULL
        UNION ALL BY NAME SELECT * EXCLUDE (verdict, head) FROM judged WHERE verdict = 'head';
        CREATE TEMP VIEW punctual AS FROM heads WHERE NOT ({late});
        CREATE TEMP TABLE rejected AS
        SELECT 'null_user' AS reason, count(*) AS records FROM sent WHERE user_id IS NULL
        UNION ALL SELECT verdict, count(*) FROM judged WHERE verdict <> 'head' GROUP BY verdict
        UNION ALL SELECT 'too_late', count(*) FROM heads WHERE {late}""")


_ARRIVAL = "PARTITION BY event_id ORDER BY received, happened"


def _apply_cap(db: duckdb.DuckDBPyConnection, cap: int) -> None:
    """Leave out what goes beyond the cap; all that is known of a user's day was received earlier, so it ranks first."""
    db.execute(f"""
        CREATE TEMP TABLE arrived AS
        SELECT user_id, happened // {DAY} AS day, count(*) AS n FROM punctual GROUP BY ALL""")
    most, first = db.execute("SELECT coalesce(max(n), 0), coalesce(min(day), 0) FROM arrived").fetchone()
    db.execute(f"""
        CREATE TEMP TABLE heavy AS
        WITH stored AS (
            SELECT user_id, event_date - DATE '1970-01-01' AS day, events FROM kept.user_days
            WHERE events > {cap - most} AND event_date >= {full.as_day(first)})
        SELECT user_id, day, {cap} - coalesce(events, 0) AS room
        FROM arrived LEFT JOIN stored USING (user_id, day) WHERE n > {cap} - coalesce(events, 0)""")
    db.execute(f"""
        CREATE TEMP TABLE over_cap AS
        SELECT event_id FROM punctual JOIN heavy ON heavy.user_id = punctual.user_id AND day = happened // {DAY}
        QUALIFY row_number() OVER (PARTITION BY punctual.user_id, day ORDER BY received, event_id) > room;
        INSERT INTO rejected SELECT 'over_cap', count(*) FROM over_cap""")


def _lay_out(db: duckdb.DuckDBPyConnection) -> None:
    """Find the sessions that new events touch, what they become, and lay their events out."""
    db.execute(_ACCEPTED)
    db.execute(_CLUSTERS)
    reach = db.execute(f"SELECT min(first) - {TIMEOUT}, max(last) + {TIMEOUT} FROM clusters").fetchone()
    db.execute(_TOUCHED.format(since=reach[0] or 0, until=reach[1] or 0))
    db.execute(_MOVED)
    since = db.execute(f"SELECT min(since) // {DAY} FROM moved").fetchone()[0]
    db.execute(_NEARBY.format(since=full.as_day(since or 0)))
    db.execute(_LAID)


_ACCEPTED = """
    CREATE TEMP TABLE persons AS
    SELECT user_id, row_number() OVER ()::UINTEGER AS uid FROM (SELECT DISTINCT user_id FROM punctual);
    CREATE TEMP TABLE accepted AS
    SELECT uid, p.* EXCLUDE (h, payload)
    FROM punctual p JOIN persons USING (user_id) ANTI JOIN over_cap USING (event_id)"""

_CLUSTERS = f"""
    CREATE TEMP TABLE clusters AS
    WITH cut AS (
        SELECT uid, happened, coalesce(happened - lag(happened) OVER w > {TIMEOUT}, true) AS starts,
            coalesce(lead(happened) OVER w - happened > {TIMEOUT}, true) AS ends
        FROM accepted WINDOW w AS (PARTITION BY uid ORDER BY happened)),
    edges AS (
        SELECT uid, happened AS first, starts, if(ends, happened, lead(happened) OVER w) AS last
        FROM cut WHERE starts OR ends WINDOW w AS (PARTITION BY uid ORDER BY happened, starts DESC))
    SELECT * EXCLUDE (starts) FROM edges WHERE starts"""
"""The sessions that new events would be by themselves."""

_TOUCHED = f"""
    CREATE TEMP TABLE touched AS
    WITH near AS (
        SELECT s.rowid AS place, uid, epoch_us(started_at) AS started, epoch_us(ended_at) AS ended, s.*
        FROM kept.sessions s JOIN persons USING (user_id)
        WHERE ended_at >= make_timestamp({{since}}) AND started_at <= make_timestamp({{until}}))
    SELECT * FROM near WHERE EXISTS (
        FROM clusters WHERE clusters.uid = near.uid AND ended >= first - {TIMEOUT} AND started <= last + {TIMEOUT})"""

_MOVED = f"""
    CREATE TEMP TABLE moved AS
    WITH parts AS (
        SELECT uid, started AS first, ended AS last, place FROM touched
        UNION ALL SELECT *, NULL FROM clusters SEMI JOIN touched USING (uid)),
    cut AS (
        SELECT *, coalesce(first - max(last) OVER {{before}} > {TIMEOUT}, true) AS starts
        FROM parts WINDOW w AS (PARTITION BY uid ORDER BY first, last)),
    begun AS (
        SELECT uid, place, first, max(if(starts, first, NULL)) OVER (PARTITION BY uid ORDER BY first) AS begun
        FROM cut),
    news AS (
        SELECT place, begun, min(if(place IS NULL, first, NULL)) OVER (PARTITION BY uid, begun) AS first_new FROM begun)
    SELECT touched.*, begun, started > begun OR first_new <= started AS restarted,
        if(restarted, started, first_new - {TIMEOUT}) AS since
    FROM touched JOIN news USING (place)""".format(before="(w ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)")
"""Touched sessions and the start of those they become. One is restarted if its first event changes: all its events are
read then, else those from just before the first new one."""

_NEARBY = """
    CREATE TEMP TABLE nearby AS
    SELECT e.rowid AS place, uid, e.event_id, event_name, epoch_us(event_at) AS happened, e.platform, started, begun,
        restarted, lag(happened) OVER w AS happened_before, lag(event_name) OVER w AS state_before
    FROM kept.events e JOIN moved ON e.user_id = moved.user_id AND session_started_at = started_at
    WHERE event_date >= {since} AND epoch_us(event_at) >= since
    WINDOW w AS (PARTITION BY uid, started ORDER BY event_at, event_id)"""

_LAID = f"""
    CREATE TEMP TABLE laid AS
    WITH lines AS (
        FROM nearby
        UNION ALL BY NAME
        SELECT rowid AS line, uid, event_id, event_name, happened, platform, value, currency FROM accepted),
    next_to AS (
        SELECT * EXCLUDE (event_id, place), line IS NOT NULL AS is_new, lag(line) OVER w IS NOT NULL AS after_new,
            lag(happened) OVER w AS before, lag(event_name) OVER w AS from_state,
            coalesce(happened - before > {TIMEOUT}, true) AS starts,
            coalesce(lead(happened) OVER w - happened > {TIMEOUT}, true) AS ends
        FROM lines WINDOW w AS (PARTITION BY uid ORDER BY happened, event_id))
    SELECT * EXCLUDE (begun), NOT starts AND (is_new OR after_new OR restarted) AS steps,
        happened_before IS NOT NULL AND (after_new OR restarted) AS stepped,
        (happened - before) // {SECOND} AS gap, (happened - happened_before) // {SECOND} AS gap_before,
        max(coalesce(begun, if(starts, happened, NULL))) OVER (PARTITION BY uid ORDER BY happened) AS begun
    FROM next_to"""
"""`steps`: a transition from the event before that is there now; `stepped`: one that was there and may not be any more.
Of sessions that keep their start, transitions between events far from new ones are in neither."""


def _remove(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()


if __name__ == "__main__":
    main({"basis": lay_basis, "increment": take_in, "backfill": take_in, "export": export})
