"""Parquet files without a column that the mapping uses: one behaviour, whatever files lie beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jobs import check_source, ingest_events
from segmentation.parameters import validated
from segmentation.sources.mapping import SourceMapping
from segmentation.sources.readers.absent_columns import used_columns

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import SparkSession

    from tests.spark.jobs.conftest import Outcome, Workspace

pytestmark = pytest.mark.spark

MAPPING = """
format: parquet
derive: {basket: "upper(voucher)"}
fields:
  event_id: id
  user_id: {expr: "lower(who)"}
  event_name: name
  event_at: at
  value: {expr: "CAST(amount AS DECIMAL(18,4)) / 100"}
properties: {basket: basket, city: {expr: "place.city"}}
"""
WHOLE = {
    "id": ["1", "2"],
    "WHO": ["Ana", "Ben"],  # Spark finds columns in any case
    "name": ["view", "view"],
    "at": ["2024-05-01 10:00:00", "2024-05-01 11:00:00"],
    "voucher": ["x", "y"],
    "amount": [100, 200],
    "place": [{"city": "Bonn"}, {"city": "Ulm"}],
}


def write(folder: Path, name: str, *left_out: str, first_id: int = 1) -> str:
    columns = {column: values for column, values in WHOLE.items() if column not in left_out}
    if "id" in columns:
        columns["id"] = [str(first_id), str(first_id + 1)]
    pq.write_table(pa.table(columns), folder / name)
    return str(folder / name)


def ingest(workspace: Workspace, *paths: str) -> Outcome:
    workspace.source("shop", MAPPING)
    return workspace.run(ingest_events, "--source", "shop", "--input", *paths)


def rows(workspace: Workspace) -> list[tuple[Any, ...]]:
    found = workspace.table("events").selectExpr("event_id", "user_id", "CAST(value AS DOUBLE)", "properties").collect()
    return sorted(map(tuple, found))


def test_absent_columns_of_optional_fields__alone_and_beside_other_files(workspace: Workspace) -> None:
    bare = write(workspace.folder, "bare.parquet", "amount", "voucher", "place")
    outcome = ingest(workspace, bare)
    assert outcome.code == 0, outcome.stderr
    alone = rows(workspace)
    assert alone == [("1", "ana", None, "{}"), ("2", "ben", None, "{}")]
    notes = [note.split(", first in ")[0] for note in outcome.result["notes"]]
    assert notes == [
        "column 'amount' (value) is missing in 1 Parquet files and read as null there",
        "column 'place' (properties.city) is missing in 1 Parquet files and read as null there",
        "column 'voucher' (properties.basket, derive.basket) is missing in 1 Parquet files and read as null there",
    ]
    assert all(note.endswith("/bare.parquet") for note in outcome.result["notes"])

    others = [write(workspace.folder, f"{n}.parquet", first_id=n) for n in (3, 5)]
    without = write(workspace.folder, "without.parquet", "voucher", first_id=7)
    outcome = ingest(workspace, bare, without, *others)
    notes = [note for note in outcome.result["notes"] if note.startswith("column")]
    assert [note.split(" is ")[0] for note in notes] == ["column 'voucher' (properties.basket, derive.basket)"]
    assert rows(workspace)[2:4] == [
        ("3", "ana", 1.0, '{"basket":"X","city":"Bonn"}'),
        ("4", "ben", 2.0, '{"basket":"Y","city":"Ulm"}'),
    ]

    outcome = workspace.run(ingest_events, "--source", "shop", "--rebuild")  # all files in one batch
    assert outcome.code == 0, outcome.stderr
    assert rows(workspace)[:2] == alone
    assert any("'voucher'" in note and "missing in 2 Parquet files" in note for note in outcome.result["notes"])


@pytest.mark.parametrize("beside", [False, True])
@pytest.mark.parametrize(("column", "field"), [("id", "event_id"), ("WHO", "user_id"), ("at", "event_at")])
def test_absent_column_of_a_required_field__alone_and_beside_other_files(
    workspace: Workspace, column: str, field: str, *, beside: bool
) -> None:
    bad = write(workspace.folder, "bad.parquet", column, "voucher")
    outcome = ingest(workspace, bad, *([write(workspace.folder, "good.parquet", first_id=3)] if beside else []))
    assert outcome.code == 3
    for words in (f"bad.parquet has no column '{column.lower()}'", field, "deliver the file again", f"fields.{field}"):
        assert words in outcome.stderr
    assert not (workspace.lake / "publications").exists()


def test_check_source__absent_column(workspace: Workspace) -> None:
    workspace.source("shop", MAPPING)
    outcome = workspace.run(check_source, "--source", "shop", "--input", write(workspace.folder, "a.parquet", "amount"))
    assert (outcome.code, "column 'amount' (value) is missing in 1 Parquet files" in outcome.stderr) == (0, True)


def test_used_columns__in_expressions(spark: SparkSession) -> None:
    mapping = {
        "name": "shop",
        "format": "parquet",
        "derive": {"a": "upper(x)", "b": "concat(A, `odd name`)"},
        "fields": {
            "event_id": {"key": ["k1", "k2"]},
            "user_id": {"expr": "coalesce(user.id, b)"},
            "event_name": {"constant": "view"},
            "event_at": "at",
        },
        "properties": {"n": {"expr": "size(filter(items, item -> item.price > low))"}, "_id": "_id"},
        "rules": [{"reason": "r", "expr": "_value > 0 AND q <> 'not a column'"}],
    }
    used = used_columns(spark, validated(SourceMapping, mapping, "shop"))
    assert {name: column.places for name, column in used.items()} == {
        "k1": ("event_id",),
        "k2": ("event_id",),
        "user": ("user_id",),
        "x": ("user_id", "derive.a", "derive.b"),
        "odd name": ("user_id", "derive.b"),
        "at": ("event_at",),
        "items": ("properties.n",),
        "low": ("properties.n",),
        "_id": ("properties._id",),
        "q": ("rule r",),
    }
    assert used["user"].nested == {("id",)}
