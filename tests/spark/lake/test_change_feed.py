"""The rows that changed between two versions of a table, for each kind of commit."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest
from pyspark.sql import functions as F

from segmentation.lake.change_feed import SIGN, changed_rows, deletion_vector_path
from segmentation.lake.lake import Lake
from segmentation.tables.table import COUNT, DAY, Column, Table

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import DataFrame, SparkSession

pytestmark = pytest.mark.spark

NUMBERS = Table(
    name="numbers",
    grain="a number",
    key=("number",),
    columns=(Column("number", COUNT, "the number"), Column("day", DAY, "a day")),
    clustered_by=("day",),
    deletion_vectors=True,
    written_by="this test",
)


def numbers(spark: SparkSession, first: int, last: int) -> DataFrame:
    rows = spark.range(first, last + 1, 1, 1)
    return rows.select(F.col("id").alias("number"), F.to_date(F.lit("2024-01-01")).alias("day"))


def delete(lake: Lake, first: int, last: int) -> None:
    lake.delete(NUMBERS, numbers(lake.spark, first, last).select("number"), ("number",))


def begin(spark: SparkSession, folder: Path) -> tuple[Lake, int]:
    lake = Lake(spark, str(folder), "first run")
    lake.append(NUMBERS, numbers(spark, 0, 9_999))
    lake.publish({})
    return lake, lake.version(NUMBERS) or 0


def changes(lake: Lake, since: int) -> dict[int, int] | None:
    """Return number -> how often it was added less how often it was removed, without those that cancel out."""
    rows = changed_rows(lake, NUMBERS, since)
    if rows is None:
        return None
    found: Counter[int] = Counter()
    for row in rows.collect():
        found[row["number"]] += row[SIGN]
    return {number: count for number, count in found.items() if count}


def test_changed_rows__rows_are_added_and_marked_and_files_are_compacted(spark: SparkSession, tmp_path: Path) -> None:
    lake, since = begin(spark, tmp_path)
    assert changes(lake, since) == {}
    delete(lake, 10, 14)
    lake.append(NUMBERS, numbers(spark, 12, 14))
    lake.append(NUMBERS, numbers(spark, 20_000, 20_003))
    expected = {10: -1, 11: -1, 20_000: 1, 20_001: 1, 20_002: 1, 20_003: 1}
    assert changes(lake, since) == expected
    lake.publish({})
    lake.compact(NUMBERS)
    assert changes(lake, since) == expected
    delete(lake, 20_003, 20_003)
    delete(lake, 15, 15)  # the second mark in a file
    lake.purge(NUMBERS)
    assert changes(lake, since) == {10: -1, 11: -1, 15: -1, 20_000: 1, 20_001: 1, 20_002: 1}


def test_changed_rows__a_crashed_run_is_undone(spark: SparkSession, tmp_path: Path) -> None:
    lake, since = begin(spark, tmp_path)
    lake.append(NUMBERS, numbers(spark, 20_000, 20_001))
    lake.publish({})
    crashed = Lake(spark, str(tmp_path), "crashed run")
    crashed.append(NUMBERS, numbers(spark, 30_000, 30_001))
    delete(crashed, 1, 2)
    next_run = Lake(spark, str(tmp_path), "next run")
    next_run.recover()
    assert changes(next_run, since) == {20_000: 1, 20_001: 1}


def test_changed_rows__the_log_does_not_tell(spark: SparkSession, tmp_path: Path) -> None:
    lake, since = begin(spark, tmp_path)
    delete(lake, 1, 2)
    delete(lake, 3, 4)
    assert changes(lake, since) == {1: -1, 2: -1, 3: -1, 4: -1}
    between = lake.version(NUMBERS) or 0
    first, second = sorted((tmp_path / "numbers").glob("deletion_vector_*.bin"), key=lambda file: file.stat().st_mtime)
    first.rename(first.with_suffix(".gone"))
    assert changes(lake, since) is None
    first.with_suffix(".gone").rename(first)
    log = tmp_path / "numbers" / "_delta_log" / f"{since + 1:020d}.json"
    log.rename(log.with_suffix(".gone"))
    assert changes(lake, since) is None
    log.with_suffix(".gone").rename(log)
    lake.replace(NUMBERS, numbers(spark, 0, 9_999))
    assert changes(lake, since) is None  # to read the table costs less
    assert changes(lake, between) is None
    assert changes(lake, lake.version(NUMBERS) or 0) == {}
    assert second.exists()


@pytest.mark.parametrize(
    ("vector", "expected"),
    [
        pytest.param(
            {"storageType": "u", "pathOrInlineDv": "ab^-aqEH.-t@S}K{vb[*k^"},
            "s3://bucket/t/ab/deletion_vector_d2c639aa-8816-431a-aaf6-d3fe2512ff61.bin",
            id="a UUID after a folder, the example of Delta's protocol",
        ),
        pytest.param(
            {"storageType": "p", "pathOrInlineDv": "s3://bucket/t/deletion_vector_d2c6.bin"},
            "s3://bucket/t/deletion_vector_d2c6.bin",
            id="a path",
        ),
        pytest.param({"storageType": "i", "pathOrInlineDv": "wi5b=000010000siXQKl0rr91000f55c8Xg0"}, None, id="inline"),
    ],
)
def test_deletion_vector_path(vector: dict[str, str], expected: str | None) -> None:
    assert deletion_vector_path("s3://bucket/t", vector) == expected
