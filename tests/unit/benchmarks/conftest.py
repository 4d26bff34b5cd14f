"""A small tracker's days with everything that hurts, as Parquet files in the order of receipt."""

from __future__ import annotations

import random
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SECOND, DAY = 1_000_000, 86_400_000_000
START = 19_800 * DAY
NAMES = ("page_view", "page_ping", "page_ping", "purchase", "search")
GAPS = (0, 3 * SECOND, 40 * SECOND, 1800 * SECOND, 1800 * SECOND - 1, 1800 * SECOND + 1, 5 * 3600 * SECOND, DAY)
DELAYS = (SECOND, SECOND, SECOND, 20 * 3600 * SECOND, 3 * DAY, 8 * DAY)
SCHEMA = (
    "event_id VARCHAR, user_id VARCHAR, event_name VARCHAR, happened BIGINT, received BIGINT, platform VARCHAR, "
    "device_type VARCHAR, channel VARCHAR, value DECIMAL(18, 4), currency VARCHAR, page VARCHAR"
)


@pytest.fixture
def write_days(tmp_path: Path) -> Callable[[int, int], list[Path]]:
    """Write so many batches, a folder with a file each; no two records are received at the same instant."""

    def write(seed: int, batches: int) -> list[Path]:
        duckdb = pytest.importorskip("duckdb")
        rows = sorted(_records(random.Random(seed)), key=lambda row: row[4])
        cuts = [len(rows) * i // batches for i in range(batches + 1)]
        folders = []
        with duckdb.connect() as db:
            for number, (first, last) in enumerate(pairwise(cuts)):
                folder = tmp_path / f"batch-{number}"
                folder.mkdir()
                db.execute(f"CREATE OR REPLACE TABLE sent ({SCHEMA})")
                db.executemany(f"INSERT INTO sent VALUES ({', '.join('?' * 11)})", rows[first:last])
                instants = "make_timestamp(happened) AS event_at, make_timestamp(received) AS received_at"
                selected = f"SELECT * EXCLUDE (happened, received), {instants} FROM sent"
                db.execute(f"COPY ({selected}) TO '{folder}/day={number:03}.parquet'")
                folders.append(folder)
        return folders

    return write


def _records(source: random.Random) -> list[tuple[object, ...]]:
    rows, taken = [], set()

    def send(user: str, name: str, happened: int, received: int, event_id: str, page: str) -> None:
        while received in taken:
            received += 1
        taken.add(received)
        sent_user = source.choice([user] * 12 + [user.upper(), f" {user}  ", None, "  "])
        value = source.choice([None, "12.5000", "0.3300"]) if name == "purchase" else None
        platform = source.choice(["web", "web", "WEB", "ios "])
        currency = source.choice([None, "USD", "EUR"]) if value else None
        channel = source.choice([None, "email"])
        sent = (event_id, sent_user, name, happened, received, platform, "mobile", channel, value, currency, page)
        rows.append(sent)

    for number in range(6):
        happened = START + source.randrange(DAY)
        for _ in range(90):
            happened += source.choice(GAPS)
            name, page = source.choice(NAMES), f"/p/{source.randrange(9)}"
            event_id = f"{source.randrange(16**32):032x}"
            received = happened + source.choice(DELAYS) + source.randrange(SECOND)
            send(f"user{number}", name, happened, received, event_id, page)
            if source.random() < 0.3:  # another event at the same instant, received much later
                twin = f"{source.randrange(16**32):032x}"
                send(f"user{number}", source.choice(NAMES), happened, received + 6 * DAY, twin, page)
            copies = source.choice([0] * 8 + [1, 2])
            for _ in range(copies):  # again, with another time, or after the horizon
                moved = source.choice([0, 0, 700 * SECOND])
                later = source.choice([60 * SECOND, DAY, 29 * DAY, 31 * DAY]) + source.randrange(SECOND)
                row = rows[-1]
                send(f"user{number}", name, happened + moved, row[4] + later, event_id, page)
                if not moved and source.random() < 0.7:  # exactly the same payload
                    rows[-1] = (*row[:4], rows[-1][4], *row[5:])
    return rows
