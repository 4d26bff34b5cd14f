"""Months that are not kept: the tables are those of the records of later months, whatever was received before or after.

The ledger alone still counts the records, as excluded.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import pytest
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from jobs import ingest_events, maintain_tables, reconcile_counts
from segmentation.errors import ConfigurationError
from segmentation.frames import small_frame
from segmentation.runtime.expiring import Removed, expire_months
from segmentation.runtime.main import open_context
from segmentation.sources.expiry import Expiry
from segmentation.tables import COHORTS
from tests.spark.ingest.cases import choose_seed, differences, draw_cases, ingest
from tests.spark.ingest.oracle import DAY, SECOND, Limits, Record, day, is_excluded, tables

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from pyspark.sql import SparkSession

    from segmentation.lake.lake import Lake
    from segmentation.runtime.context import Context

pytestmark = pytest.mark.spark

LIMITS = Limits(cap=6)
UNITS = ("unit_0_v1", "second", "third", "unit_0_v2")
"""Files; the last one supersedes the first."""
AS_OF, FIRST_KEPT = date(2024, 2, 10), "2024-01-01"
BACK = (0, 1800 * SECOND, DAY // 2, 2 * DAY)
"""Cases begin at the turn of the year or up to three days after it; they are moved back by one of these."""
SHORT = (
    "features.windows_days=[7]",
    "features.sum_windows_days=[]",
    "propensity.training_cuts=1",
    "monitoring.baseline_days=1",
    "monitoring.reference_days=20",
    "lifetimes.check_days=1",
)
"""Windows that one month and ten days hold."""


def draw_units(seed: int, cases: int) -> dict[str, list[Record]]:
    """Draw records of the turn of the year, with sessions, copies and orders across it."""
    units: dict[str, list[Record]] = {name: [] for name in UNITS}
    for number, case in enumerate(draw_cases(cases, seed)):
        back = BACK[number % len(BACK)]
        for record, batch, again in case:
            sent = replace(record, event_at=record.event_at - back, received_at=record.received_at - back)
            units[UNITS[batch]].append(sent)
            if again is not None:
                units[UNITS[again]].append(sent)
    return units


def expected(records: Iterable[Record]) -> dict:
    """Return the tables of the records of kept months; the ledger counts the others, unless a rule excludes them."""
    sent = list(records)
    kept = [record for record in sent if day(record.event_at) >= FIRST_KEPT or is_excluded(record)]
    found = tables(kept, LIMITS)
    return {**found, "ledger": found["ledger"] + Counter({"excluded: expired": len(sent) - len(kept)})}


def open_lake(spark: SparkSession, folder: Path, *overrides: str, **options: object) -> Context:
    keep = ("maintenance.keep_months={case: 1}", f"ingest.max_events_per_user_day={LIMITS.cap}")
    context = open_context(
        conf_dir=folder / "conf",
        lake=str(folder / "lake"),
        as_of=AS_OF,
        overrides=[*keep, *SHORT, *overrides],
        options=options,
        spark=spark,
    )
    context.lake.recover()
    return context


def add_cohorts(lake: Lake) -> None:
    """Add a member at the cut that is the first day kept, of which all events are removed, and one at the next day."""
    rows = [("u1", "new", date(2024, 1, number), "v1", [], []) for number in (1, 2)]
    lake.append(COHORTS, small_frame(lake.spark, rows, COHORTS.schema))
    lake.publish({})


def take_in(spark: SparkSession, folder: Path, units: dict[str, list[Record]], *names: str) -> Lake:
    return ingest(spark, folder, [units[name] for name in names], LIMITS, names)


@pytest.mark.faults  # three ingests
def test_expire_months__received_before_and_after(spark: SparkSession, tmp_path: Path) -> None:
    units = draw_units(choose_seed(), 25)
    first, second, third, _ = UNITS
    take_in(spark, tmp_path, units, first, second)
    context = open_lake(spark, tmp_path)
    removed = expire_months(context)
    assert removed["case"].first_day_kept == FIRST_KEPT
    assert removed["case"].events > 0
    assert differences(context.lake, expected(units[first] + units[second])) == {}
    lake = take_in(spark, tmp_path, units, third)
    assert differences(lake, expected(units[first] + units[second] + units[third])) == {}
    again = expire_months(open_lake(spark, tmp_path))
    assert again["case"] == Removed(FIRST_KEPT, 0)
    with pytest.raises(ConfigurationError, match=r"keeps 40 days of source 'case' .* 60 days are read"):
        expire_months(open_lake(spark, tmp_path, "monitoring.reference_days=53"))
    with pytest.raises(ConfigurationError, match="give the date of today as --as-of"):
        expire_months(replace(context, given_as_of=None))


@pytest.mark.endurance  # five runs, upkeep and a rebuild
def test_expire_months__superseded_and_rebuilt(spark: SparkSession, tmp_path: Path) -> None:
    units = draw_units(choose_seed(), 60)
    first, second, third, newer = UNITS
    add_cohorts(take_in(spark, tmp_path, units, third, first))
    report = maintain_tables.run(open_lake(spark, tmp_path, "ingest.small_lake_mb=0"))
    assert report.quality["expired"]["case"]["first_day_kept"] == FIRST_KEPT
    assert [str(row["as_of"]) for row in open_lake(spark, tmp_path).lake.read(COHORTS).collect()] == ["2024-01-02"]
    lake = take_in(spark, tmp_path, units, newer, second)
    left = units[second] + units[third] + units[newer]
    assert differences(lake, expected(left)) == {}
    context = open_lake(spark, tmp_path, source="case", rebuild=True)
    ingest_events.run(context)
    assert differences(context.lake, expected(left)) == {}
    counts = tmp_path / "counts.csv"
    counts.write_text("event_date,events\n2023-12-30,3\n2023-12-31,4\n")
    compared = reconcile_counts.run(open_lake(spark, tmp_path, source="case", counts=str(counts)))
    assert compared.notes == [f"7 events counted outside before {FIRST_KEPT} are not compared: maintenance.keep_months"]
    assert (compared.quality["cells"], compared.quality["greatest_share"]) == (0, 0.0)


def test_expiry__drops(spark: SparkSession) -> None:
    expiry = Expiry(date(2024, 1, 1), ("consent",))
    cases = [
        ("the day before", date(2023, 12, 31), "view", True),
        ("the first day", date(2024, 1, 1), "view", False),
        ("an old statement of consent", date(2020, 1, 1), "consent", False),
        ("an old record without a name", date(2020, 1, 1), None, True),
        ("a record without a day", None, "view", False),
    ]
    schema = StructType().add("case", "string").add("day", "date").add("name", "string").add("expected", "boolean")
    found = small_frame(spark, cases, schema).where(expiry.drops(F.col("day"), F.col("name")) != F.col("expected"))
    assert [row["case"] for row in found.collect()] == []
