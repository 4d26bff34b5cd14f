"""DuckDB's readers, told every type beforehand, on the same files: the same fields, spelled and added up the same."""

from __future__ import annotations

from benchmarks.contract import PARSED_TEXTS, PARSES
from benchmarks.engines.duckdb_peer import open_database
from benchmarks.engines.task import Clock, Task, main
from benchmarks.formats import SENT

_COLUMNS = "{" + ", ".join(f"'{name}': '{kind}'" for name, kind in SENT.items()) + "}"
READERS = {
    "csv": "read_csv({files}, header = true, auto_detect = false, columns = {columns})",
    "json": "read_json({files}, format = 'newline_delimited', columns = {columns})",
    "parquet": "read_parquet({files})",
}
_SPELLED = """
    SELECT nullif(trim(event_id), '') AS event_id, nullif(trim(lower(user_id)), '') AS user_id,
        nullif(trim(event_name), '') AS event_name, event_at, received_at,
        coalesce(nullif(trim(lower(platform)), ''), 'unknown') AS platform,
        replace(nullif(trim(device_type), ''), 'mobile', 'handset') AS device_type,
        nullif(trim(channel), '') AS channel, value, nullif(trim(currency), '') AS currency,
        '{{"page":"' || page || '"}}' AS properties
    FROM {reader}"""


def parse(task: Task, clock: Clock) -> None:
    """Time reading all files and adding every field up."""
    format_ = PARSES[task.mode]
    with clock.phase("prepare"):
        db = open_database(task)
        (task.state / "parsed").mkdir(parents=True)
    reader = READERS[format_].format(files=task.files_of(format_), columns=_COLUMNS)
    octets = " + ".join(f"coalesce(octet_length({name}::BLOB), 0)" for name in PARSED_TEXTS)
    with clock.phase("job"):
        db.execute(f"""
            COPY (
                SELECT count(*) FILTER (known) AS accepted, count(*) FILTER (NOT known) AS rejected,
                    sum(value) FILTER (known) AS value,
                    (sum(epoch_us(event_at) % 86400000000 + epoch_us(received_at) % 86400000000) FILTER (known))::BIGINT
                        AS day_us,
                    (sum({octets}) FILTER (known))::BIGINT AS octets
                FROM (SELECT *, event_id IS NOT NULL AND user_id IS NOT NULL AND event_name IS NOT NULL
                        AND event_at IS NOT NULL AND received_at IS NOT NULL AS known
                    FROM ({_SPELLED.format(reader=reader)})))
            TO '{task.state}/parsed/0.parquet'""")


if __name__ == "__main__":
    main(dict.fromkeys(PARSES, parse))
