"""Cut small batches from a generated history: files of equally many records in the order of receipt."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

RECORDS = 1_000


def write_batches(history: Path, folder: Path, count: int, records: int = RECORDS) -> list[Path]:
    """Write the first records of a history as `count` Parquet files; return them in order.

    Raises:
        SystemExit: the history has too few records.
    """
    import pyarrow as pa  # noqa: PLC0415  slow to import, and only needed here
    from pyarrow import parquet  # noqa: PLC0415

    read: list[pa.Table] = []
    for path in sorted(history.glob("*.parquet")):
        if sum(day.num_rows for day in read) >= count * records:
            break
        read.append(parquet.ParquetFile(path).read().sort_by("received_at"))
    found = sum(day.num_rows for day in read)
    if found < count * records:
        raise SystemExit(
            f"{count} batches of {records} records need more than the {found} of this history: see --events"
        )
    rows = pa.concat_tables(read)
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / f"batch-{number:04}.parquet" for number in range(count)]
    for number, file in enumerate(files):
        parquet.write_table(rows.slice(number * records, records), file)
    return files
