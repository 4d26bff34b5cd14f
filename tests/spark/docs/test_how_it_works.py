"""docs/how-it-works.md shows what the ingest job does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.spark.docs.walk import PAGE, ingest_walk, with_blocks

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import SparkSession


@pytest.mark.spark
def test_every_output_of_the_page_is_what_the_ingest_job_returns(spark: SparkSession, tmp_path: Path) -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page == with_blocks(page, ingest_walk(spark, tmp_path)), "run: python -m tests.spark.docs.walk"
