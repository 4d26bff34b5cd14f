"""The generated history written down again as CSV and as JSON lines: the same records in the same files."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.scales import Inputs

SENT = {
    **dict.fromkeys(("event_id", "user_id", "event_name"), "VARCHAR"),
    **dict.fromkeys(("event_at", "received_at"), "TIMESTAMP"),
    **dict.fromkeys(("platform", "device_type", "channel"), "VARCHAR"),
    "value": "DECIMAL(18, 4)",
    **dict.fromkeys(("currency", "page"), "VARCHAR"),
}
"""What a record holds, in the order in which it is written."""
WRITTEN = {"csv": "FORMAT csv, HEADER", "json": "FORMAT json"}
"""Format -> how DuckDB writes it."""


def folder_of(inputs: Inputs, format_: str) -> Path:
    """Return where the history lies in a format."""
    return inputs.history if format_ == "parquet" else inputs.history.parent / format_


def write_formats(inputs: Inputs) -> None:
    """Write what is missing, file by file; a file that has its name is whole."""
    import duckdb  # noqa: PLC0415  a peer: the report and the tests do without it

    with duckdb.connect() as db:
        for format_, how in WRITTEN.items():
            folder = folder_of(inputs, format_)
            folder.mkdir(exist_ok=True)
            for file in sorted(inputs.history.glob("*.parquet")):
                whole = folder / f"{file.stem}.{format_}"
                if not whole.exists():
                    part = folder / f"_{whole.name}"
                    sent = f"SELECT {', '.join(SENT)} FROM read_parquet('{file}', hive_partitioning = false)"
                    db.execute(f"COPY ({sent}) TO '{part}' ({how})")
                    part.rename(whole)
