"""Parse files under a mapping that a test writes, and tell what became of their records."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segmentation.ingest.batches import parse_batch
from segmentation.ingest.params import IngestParams
from segmentation.parameters import WorkspaceParams
from segmentation.sources.mapping import SourceMapping, load_mapping
from segmentation.sources.readers.files import named_read_errors
from segmentation.sources.readers.units import list_units
from segmentation.sources.tracking_plan import TrackingPlan

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import Row, SparkSession


def write_mapping(folder: Path, text: str) -> SourceMapping:
    (folder / "sources").mkdir(exist_ok=True)
    (folder / "sources" / "shop.yaml").write_text(text, encoding="utf-8")
    return load_mapping(folder, "shop")


def parse_files(spark: SparkSession, mapping: SourceMapping, *paths: Path) -> list[Row]:
    units = list_units(spark, mapping, [str(path) for path in paths])
    with named_read_errors(units, must_be_named=True):
        batch = parse_batch(
            spark, mapping, units, ingest=IngestParams(), workspace=WorkspaceParams(), plan=TrackingPlan()
        )
        return batch.records.orderBy("row_key").collect()


def fates(rows: list[Row]) -> list[object]:
    """Return the user of an accepted record, the reasons of a rejected one."""
    return [row["reasons"] if row["rejected"] else row["user_id"] for row in rows]
