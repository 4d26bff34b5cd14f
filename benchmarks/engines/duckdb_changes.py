"""What laid-out events change in DuckDB's tables, and its writing: rows are taken back by place and added anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks import contract as c
from benchmarks.engines.duckdb_peer import DAY, MONEY, STEP_SEPARATOR, as_day, as_instant

if TYPE_CHECKING:
    import duckdb

BEAT = c.HEARTBEAT_S * 1000
START, EXIT = "START", "EXIT"

_RENEWED = f"""
    CREATE TEMP TABLE renewed AS
    WITH stored AS (
        SELECT uid, begun, min(started) AS started, max(ended) AS ended, sum(events) AS events, sum(value) AS value,
            bool_or(converted) AS converted, sum((engaged_ms - {BEAT // 2}) // {BEAT} + 1) AS beats,
            arg_min(entry_state, started) AS entry_state, arg_min(platform, started) AS platform,
            arg_max(exit_state, started) AS exit_state
        FROM moved GROUP BY ALL),
    lines AS (
        SELECT uid, begun, min(happened) AS started, max(happened) AS ended,
            max(if(starts, event_name, NULL)) AS entry_state, max(if(starts, platform, NULL)) AS platform,
            max(if(ends, event_name, NULL)) AS exit_state, count_if(is_new) AS events,
            sum({MONEY}) AS value, bool_or(is_new AND event_name = '{c.CONVERSION}') AS converted
        FROM laid GROUP BY ALL),
    beats AS (
        SELECT uid, begun, count(*) AS beats FROM (
            SELECT uid, begun FROM laid WHERE event_name = '{c.HEARTBEAT}'
            GROUP BY uid, begun, happened // {c.HEARTBEAT_S * 1_000_000} HAVING bool_and(is_new))
        GROUP BY ALL),
    summed AS (
        SELECT uid, begun, if(s.started < l.started, s.started, l.started) AS started,
            if(s.started < l.started, s.entry_state, l.entry_state) AS entry_state,
            if(s.started < l.started, s.platform, l.platform) AS platform,
            if(s.ended > l.ended, s.ended, l.ended) AS ended,
            if(s.ended > l.ended, s.exit_state, l.exit_state) AS exit_state,
            l.events + coalesce(s.events, 0) AS events, coalesce(l.value, 0) + coalesce(s.value, 0) AS value,
            l.converted OR coalesce(s.converted, false) AS converted,
            if(s.beats IS NULL AND b.beats IS NULL, NULL, coalesce(s.beats, 0) + coalesce(b.beats, 0)) AS beats
        FROM lines l LEFT JOIN stored s USING (uid, begun) LEFT JOIN beats b USING (uid, begun))
    SELECT left(sha256(user_id || chr(31) || started), 32) AS session_id, *,
        if(events > 1, (ended - started) // 1000, NULL) AS duration_ms,
        ((beats - 1) * {BEAT} + {BEAT // 2})::BIGINT AS engaged_ms,
        ended - started > {c.SESSION_CAP_DAYS * DAY} AS capped
    FROM summed JOIN persons USING (uid)"""
"""Sessions as they are now. Values and conversions of stored events are in `stored`, not in `laid`."""

_STEPS = f"""
    CREATE TEMP TABLE steps AS
    WITH changes AS (
        SELECT uid, r.started // {DAY} AS day, r.platform, from_state, event_name AS to_state, 1 AS n
        FROM laid JOIN renewed r USING (uid, begun) WHERE steps
        UNION ALL
        SELECT uid, started // {DAY}, m.platform, state_before, event_name, -1
        FROM laid JOIN moved m USING (uid, started) WHERE stepped
        UNION ALL SELECT uid, started // {DAY}, platform, '{START}', entry_state, 1 FROM renewed
        UNION ALL SELECT uid, started // {DAY}, platform, '{START}', entry_state, -1 FROM moved
        UNION ALL SELECT uid, started // {DAY}, platform, exit_state, '{EXIT}', 1 FROM renewed
        UNION ALL SELECT uid, started // {DAY}, platform, exit_state, '{EXIT}', -1 FROM moved)
    SELECT uid, day, platform, from_state, to_state, sum(n)::BIGINT AS n FROM changes GROUP BY ALL HAVING sum(n) <> 0"""

_GAPS = "coalesce(sum({0}) FILTER (steps), 0) - coalesce(sum({1}) FILTER (stepped), 0)"
_DAYS = f"""
    CREATE TEMP TABLE day_changes AS
    WITH changes AS (
        SELECT uid, happened // {DAY} AS day, count(*) AS events, count_if(event_name = '{c.CONVERSION}') AS purchases,
            sum({MONEY}) AS value, sum(if(event_name = '{c.CONVERSION}', {MONEY}, NULL)) AS purchase_value,
            count_if(value IS NOT NULL AND {MONEY} IS NULL) AS no_rate
        FROM accepted GROUP BY ALL
        UNION ALL BY NAME
        SELECT uid, happened // {DAY} AS day, {_GAPS.format("gap", "gap_before")} AS gap_s_sum,
            {_GAPS.format("gap * gap", "gap_before * gap_before")} AS gap_s2_sum
        FROM laid WHERE steps OR stepped GROUP BY ALL
        UNION ALL BY NAME
        SELECT uid, started // {DAY} AS day, sum(sign) AS sessions,
            sum(if(capped, NULL, sign * duration_ms)) AS duration_ms,
            sum(if(capped, NULL, sign * engaged_ms)) AS engaged_ms,
            coalesce(sum(sign) FILTER (duration_ms IS NULL), 0) AS sessions_without_duration
        FROM (SELECT 1 AS sign, uid, started, capped, duration_ms, engaged_ms FROM renewed
            UNION ALL SELECT -1, uid, started, capped, duration_ms, engaged_ms FROM moved)
        GROUP BY ALL)
    SELECT user_id, {as_day("day")} AS event_date, {{sums}} FROM changes JOIN persons USING (uid) GROUP BY ALL"""

SUMS = [name for name, kind in c.TABLES["user_days"].items() if kind in (c.COUNT, c.MONEY)]


def _coalesced(names: list[str]) -> str:
    return ", ".join(f"coalesce(sum({name}), 0) AS {name}" for name in names)


def _count_changes() -> str:
    """Count each dimension of the new events; transitions come from `steps`."""
    items = {name: name for name in ("event_name", "platform", "channel")}
    items["hour"] = "lpad((happened // 3600000000 % 24)::VARCHAR, 2, '0')"
    counts = [
        f"SELECT uid, happened // {DAY} AS day, '{name}' AS dimension, {item} AS item, count(*) AS n FROM accepted "
        f"WHERE {item} IS NOT NULL GROUP BY ALL"
        for name, item in items.items()
    ]
    item = f"concat_ws({STEP_SEPARATOR}, platform, from_state, to_state)"
    union = " UNION ALL ".join([*counts, f"SELECT uid, day, 'transition', {item}, n FROM steps"])
    return f"""
        CREATE TEMP TABLE count_changes AS
        SELECT user_id, {as_day("day")} AS event_date, dimension, item, n FROM ({union}) JOIN persons USING (uid)"""


CHANGES = (_RENEWED, _STEPS, _DAYS.format(sums=_coalesced(SUMS)), _count_changes())

_EVENTS_MOVED = """
    UPDATE kept.events AS e SET session_id = r.session_id, session_started_at = make_timestamp(r.started)
    FROM nearby n JOIN renewed r USING (uid, begun)
    WHERE e.rowid = n.place AND n.started <> n.begun"""

_EVENTS_NEW = f"""
    INSERT INTO kept.events BY NAME
    SELECT '{c.SOURCE}' AS source, event_id, a.user_id, a.user_id AS identifier, a.event_name, a.event_name AS state,
        {as_instant("a.happened")} AS event_at, {as_instant("received")} AS received_at,
        {as_day(f"a.happened // {DAY}")} AS event_date, a.platform, device_type, channel, a.value, a.currency,
        '{{"page":"' || page || '"}}' AS properties, session_id, {as_instant("renewed.started")} AS session_started_at
    FROM accepted a JOIN (FROM laid SELECT line, uid, begun) l ON line = a.rowid
        JOIN renewed ON renewed.uid = l.uid AND renewed.begun = l.begun"""

_SESSIONS = f"""
    INSERT INTO kept.sessions BY NAME
    SELECT session_id, user_id, {as_instant("started")} AS started_at, {as_instant("ended")} AS ended_at,
        {as_day(f"started // {DAY}")} AS session_date, events, duration_ms, duration_ms IS NULL AS duration_imputed,
        engaged_ms, entry_state, exit_state, platform, converted, value, capped
    FROM renewed"""

_TRANSITIONS = f"""
    CREATE TEMP TABLE transition_changes AS
    SELECT {as_day("day")} AS session_date, platform, from_state, to_state, sum(s.n)::BIGINT AS transitions,
        sum((coalesce(b.n, 0) + s.n > 0)::INT - (coalesce(b.n, 0) > 0)::INT)::BIGINT AS users
    FROM steps s JOIN persons p USING (uid) LEFT JOIN user_day_counts_before b
        ON p.user_id = b.user_id AND b.event_date = {as_day("day")} AND dimension = 'transition'
            AND item = concat_ws({STEP_SEPARATOR}, platform, from_state, to_state)
    GROUP BY ALL"""

_REJECTIONS = """
    CREATE TEMP TABLE rejections_now AS
    SELECT reason, sum(records)::BIGINT AS records
    FROM (FROM kept.rejections UNION ALL FROM rejected) GROUP BY reason HAVING sum(records) > 0;
    DELETE FROM kept.rejections;
    INSERT INTO kept.rejections FROM rejections_now"""

_SEEN = f"""
    INSERT INTO kept.seen BY NAME
    SELECT h, event_id, received, payload AS head FROM sent ANTI JOIN twice USING (h) WHERE user_id IS NOT NULL
    UNION ALL SELECT h, event_id, received, head FROM judged;
    UPDATE kept.known SET received = (SELECT max(received) FROM sent),
        day = greatest(day, (SELECT max(happened) // {DAY} FROM accepted))"""


def apply_changes(db: duckdb.DuckDBPyConnection) -> None:
    """Write everything that changed, in the transaction that is open."""
    last = db.execute("SELECT day FROM kept.known").fetchone()[0]
    db.execute(_EVENTS_MOVED)
    db.execute(_EVENTS_NEW)
    db.execute("DELETE FROM kept.sessions WHERE rowid IN (SELECT place FROM touched)")
    db.execute(_SESSIONS)
    _merge(db, "user_days", "day_changes", ("user_id", "event_date"), SUMS, last)
    _merge(db, "user_day_counts", "count_changes", ("user_id", "event_date", "dimension", "item"), ["n"], last)
    db.execute(_TRANSITIONS)
    _merge(
        db,
        "transitions",
        "transition_changes",
        ("session_date", "platform", "from_state", "to_state"),
        ["transitions", "users"],
        last,
    )
    db.execute(_REJECTIONS)
    db.execute(_SEEN)


def _merge(
    db: duckdb.DuckDBPyConnection, table: str, changes: str, key: tuple[str, ...], sums: list[str], last: int
) -> None:
    """Add changes to a table's sums. Rows that may be there already are those of days that were known."""
    names, day = ", ".join(key), key[0] if key[0].endswith("_date") else key[1]
    first = db.execute(f"SELECT min({day}) FROM {changes}").fetchone()[0]
    db.execute(f"""
        CREATE TEMP TABLE {table}_before AS
        SELECT rowid AS place, t.* FROM kept.{table} t
            SEMI JOIN (FROM {changes} WHERE {day} <= {as_day(last)}) USING ({names})
        WHERE {day} >= DATE '{first or "1970-01-01"}'""")
    db.execute(f"DELETE FROM kept.{table} WHERE rowid IN (SELECT place FROM {table}_before)")
    added = ", ".join(f"c.{name} + coalesce(b.{name}, 0) AS {name}" for name in sums)
    db.execute(f"""
        INSERT INTO kept.{table} BY NAME
        SELECT {", ".join("c." + name for name in key)}, {added}
        FROM {changes} c LEFT JOIN {table}_before b USING ({names})
        WHERE c.{sums[0]} + coalesce(b.{sums[0]}, 0) <> 0""")
