"""Notes on the batches of a run."""

from __future__ import annotations

from segmentation.runtime.ingestion import Ingested, notes_on_batches
from segmentation.sources.readers.absent_columns import AbsentColumn


def test_notes_on_batches__sum_over_the_batches_of_a_run() -> None:
    first, second = (AbsentColumn("price", ("value",), files, f"{files}.parquet") for files in (2, 1))
    notes = notes_on_batches([Ingested(3, (first,)), Ingested(0, ()), Ingested(4, (second,))], "USD")
    assert notes == [
        "values in no sum of money, whose currency has no rate to USD on their day: 7 (see conf/rates.csv)",
        "column 'price' (value) is missing in 3 Parquet files and read as null there, first in 1.parquet",
    ]


def test_notes_on_batches__nothing_to_note() -> None:
    assert notes_on_batches([Ingested(0, ())], "USD") == []
