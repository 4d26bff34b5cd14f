"""The law: any order, any batching, any repetition of records give the tables of the oracle."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.spark.increments.cases import BATCHES, differences, draw_cases, ingest
from tests.spark.increments.oracle import Limits, Record, tables

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import SparkSession

LIMITS = Limits(cap=6)


@pytest.mark.spark
def test_any_order_batching_and_repetition_give_the_oracles_tables(spark: SparkSession, tmp_path: Path) -> None:
    cases = draw_cases(60, seed_=int(os.environ.get("CASES_SEED", "1")))
    batches: list[list[Record]] = [[] for _ in range(BATCHES)]
    for record, batch, again in (delivery for case in cases for delivery in case):
        batches[batch].append(record)
        if again is not None:
            batches[again].append(record)
    lake = ingest(spark, tmp_path, batches, LIMITS)
    assert differences(lake, tables([record for batch in batches for record in batch], LIMITS)) == {}
