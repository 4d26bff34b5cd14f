"""A small file of clicks in the shape of `conf/sources/ecom.yaml`."""

from __future__ import annotations

import csv
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

COLUMNS = (
    "user_id", "session_id", "event", "timestamp", "platform", "acquisition_channel", "user_cohort", "user_lifecycle",
)  # fmt: skip
EVENTS = ("main", "catalog", "product1", "cart", "purchase")


def write_clicks(path: Path) -> None:
    """Write 200 clicks of 20 users over four days, 1 to 60 minutes apart, and the last one again."""
    begin = datetime(2024, 5, 1, 8, tzinfo=timezone.utc)
    rows = []
    for number in range(200):
        user, step = divmod(number, 10)
        at = begin + timedelta(hours=5 * user, minutes=step * (1 + 59 * (user % 3) // 2))
        who = (f"u{user:02d}", f"s{user:02d}")
        what = (EVENTS[(user + step) % len(EVENTS)], f"{at:%Y-%m-%d %H:%M:%S}")
        rows.append((*who, *what, ("web", "ios")[user % 2], "ads", "2024-05", "new"))
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([COLUMNS, *rows, rows[-1]])
