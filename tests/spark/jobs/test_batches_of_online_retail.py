"""A year of published purchases in one go, day by day and by weeks in any order: the same tables."""

from __future__ import annotations

import random
from datetime import date
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from jobs import ingest_events
from segmentation.runtime.main import open_context
from segmentation.tables.duplicates import DUPLICATES
from segmentation.tables.events import EVENTS
from segmentation.tables.ingest_ledger import INGEST_LEDGER
from segmentation.tables.quarantine import QUARANTINE
from segmentation.tables.sessions import SESSIONS
from segmentation.tables.transitions import TRANSITIONS
from segmentation.tables.user_day_counts import USER_DAY_COUNTS
from segmentation.tables.user_days import USER_DAYS
from tests.digest import digest
from tests.online_retail import LEDGER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from pyspark.sql import SparkSession

pytestmark = [pytest.mark.spark, pytest.mark.truths, pytest.mark.long]

TABLES = (EVENTS, SESSIONS, TRANSITIONS, USER_DAYS, USER_DAY_COUNTS, QUARANTINE, DUPLICATES, INGEST_LEDGER)
CONF = Path(__file__).parents[3] / "conf"
SEED = 305


def test_days_shuffled_weeks_and_one_go_give_the_same_tables(
    spark: SparkSession, tmp_path: Path, published: Callable[..., Path]
) -> None:
    """305 daily files; `pytest -s` prints the hashes."""
    days = sorted(published("online_retail_by_day").glob("*.csv"))
    assert len(days) == 305
    weeks = [list(files) for _, files in groupby(days, key=lambda day: date.fromisoformat(day.stem).isocalendar()[:2])]
    random.Random(SEED).shuffle(weeks)
    ways: dict[str, Iterable[Sequence[Path]]] = {"one go": [days], "shuffled": weeks, "daily": [[day] for day in days]}
    found = {}
    for way, batches in ways.items():
        lake = tmp_path / way.replace(" ", "-")
        for batch in batches:
            options = {"source": "online_retail", "input": [str(file) for file in batch]}
            ingest_events.run(open_context(conf_dir=CONF, lake=str(lake), options=options, spark=spark))
        found[way] = digest(spark, lake, TABLES)
        print(way, *(f"  {table:<16} {rows:>9} rows  {total}" for table, (rows, total) in found[way].items()), sep="\n")  # noqa: T201
    assert found["one go"][EVENTS.name][0] == LEDGER["accepted"]
    assert found["shuffled"] == found["one go"]
    assert found["daily"] == found["one go"]
