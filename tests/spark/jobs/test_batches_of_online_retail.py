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
from segmentation.tables import (
    DUPLICATES,
    EVENTS,
    INGEST_LEDGER,
    QUARANTINE,
    SESSIONS,
    TRANSITIONS,
    USER_DAYS,
)
from tests.conftest import data_set
from tests.digest import digest
from tests.online_retail import LEDGER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import SparkSession

    Digest = dict[str, tuple[int, str]]

pytestmark = [pytest.mark.spark, pytest.mark.truths, pytest.mark.endurance]

TABLES = (EVENTS, SESSIONS, TRANSITIONS, USER_DAYS, QUARANTINE, DUPLICATES, INGEST_LEDGER)
CONF = Path(__file__).parents[3] / "conf"
ALL_ALLOWED = ("ingest.max_rejected_share=1",)
"""In some weeks most lines have no customer."""
SEED = 305


@pytest.fixture(scope="module")
def days() -> list[Path]:
    found = sorted(data_set("online_retail_by_day").glob("*.csv"))
    assert len(found) == 305
    return found


@pytest.fixture(scope="module")
def one_go(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory, days: list[Path]) -> Digest:
    found = take_in(spark, tmp_path_factory.mktemp("one-go"), [days])
    assert found[EVENTS.name][0] == LEDGER["accepted"]
    return found


def test_weeks_in_any_order_give_the_tables_of_one_go(
    spark: SparkSession, tmp_path: Path, days: list[Path], one_go: Digest
) -> None:
    weeks = [list(files) for _, files in groupby(days, key=lambda day: date.fromisoformat(day.stem).isocalendar()[:2])]
    random.Random(SEED).shuffle(weeks)
    assert take_in(spark, tmp_path / "lake", weeks) == one_go


def test_days_one_by_one_give_the_tables_of_one_go(
    spark: SparkSession, tmp_path: Path, days: list[Path], one_go: Digest
) -> None:
    assert take_in(spark, tmp_path / "lake", [[day] for day in days]) == one_go


def take_in(spark: SparkSession, lake: Path, batches: Sequence[Sequence[Path]]) -> Digest:
    """Take in batch after batch; print the hashes of the tables (`pytest -s`) and return them."""
    for batch in batches:
        options = {"source": "online_retail", "input": [str(file) for file in batch]}
        ctx = open_context(conf_dir=CONF, lake=str(lake), overrides=ALL_ALLOWED, options=options, spark=spark)
        ingest_events.run(ctx)
    found = digest(spark, lake, TABLES)
    lines = (f"  {table:<16} {rows:>9} rows  {total}" for table, (rows, total) in found.items())
    print(f"{len(batches)} batches", *lines, sep="\n")  # noqa: T201  what it is run for
    return found
