"""Whether engines made the same tables: counts, exact sums, and a hash that does not depend on order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks.contract import COUNT, DAY, FLAG, INSTANT, MONEY, TABLES, TEXT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import duckdb

_NORMAL = {
    TEXT: "{0}::VARCHAR",
    INSTANT: "epoch_us({0})",
    DAY: "({0}::DATE - DATE '1970-01-01')::BIGINT",
    COUNT: "{0}::BIGINT",
    MONEY: "({0}::DECIMAL(28, 4) * 10000)::DECIMAL(38, 0)::HUGEINT",
    FLAG: "{0}::BOOLEAN",
}
"""Kind of column -> one representation, whatever type an engine wrote."""


def digest_tables(folder: Path, tables: Mapping[str, Mapping[str, str]] = TABLES) -> dict[str, dict[str, Any]]:
    """Digest every table of an engine's output: `<folder>/<table>/` with Parquet files.

    Returns:
        table -> rows, hash, and the sum of every count and money column (money in ten-thousandths).
    """
    import duckdb  # noqa: PLC0415  a peer: the report and the tests do without it

    with duckdb.connect() as connection:
        return {name: _digest(connection, folder / name, columns) for name, columns in tables.items()}


def differences(left: Mapping[str, Mapping[str, Any]], right: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Say in which tables and figures two digests differ."""
    return [
        f"{table}.{figure}: {left[table].get(figure)} != {right[table].get(figure)}"
        for table in left
        for figure in sorted({*left[table], *right[table]})
        if left[table].get(figure) != right[table].get(figure)
    ]


def _digest(connection: duckdb.DuckDBPyConnection, folder: Path, columns: Mapping[str, str]) -> dict[str, Any]:
    normal = {name: _NORMAL[kind].format(f'"{name}"') for name, kind in columns.items()}
    sums = {name: f"sum({normal[name]})" for name, kind in columns.items() if kind in (COUNT, MONEY)}
    row_hash = f"hash({', '.join(normal.values())})"
    figures = {
        "rows": "count(*)",
        "hash": f"md5(concat_ws('-', sum({row_hash}::HUGEINT), bit_xor({row_hash})))",
        **sums,
    }
    query = f"SELECT {', '.join(figures.values())} FROM read_parquet('{folder}/**/*.parquet')"
    found = connection.execute(query).fetchone() or ()
    return {
        name: value if isinstance(value, str) else int(value or 0) for name, value in zip(figures, found, strict=True)
    }
