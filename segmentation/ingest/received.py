"""What was received so far, and what becomes of the units that are given now."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pyspark.sql import functions as F

from segmentation.frames import conform, small_frame
from segmentation.ingest.state import Addition, Retraction
from segmentation.sources.supersede import Delivery, find_superseded
from segmentation.tables import INPUT_UNITS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pyspark.sql import DataFrame, Row, SparkSession

    from segmentation.ingest.state import Increment
    from segmentation.lake.lake import Lake
    from segmentation.sources.readers.units import InputUnit
    from segmentation.sources.supersede import SupersedeParams


class Received(NamedTuple):
    """The units that are given, told apart."""

    standing: list[InputUnit]
    """New, to be taken in."""
    outdated: list[InputUnit]
    """New, but superseded by what is there or comes now: only their names are noted."""
    withdrawn: Mapping[str, str]
    """batch_id of units taken in before that are superseded now -> the new unit in whose slice they leave."""
    by: Mapping[str, str]
    """batch_id of every superseded unit, old or new -> a unit that stands in its place."""
    unchanged: int
    """How many of those given were received before."""

    def replaced_by(self, units: Sequence[InputUnit]) -> dict[str, str]:
        """Return the units that leave with a slice of these."""
        names = {unit.batch_id for unit in units}
        return {old: new for old, new in self.withdrawn.items() if new in names}

    def notes(self) -> list[str]:
        """Say what was not simply taken in."""
        given = len(self.standing) + len(self.outdated) + self.unchanged
        said = {
            f"{self.unchanged} of {given} input units were taken in before: unchanged": self.unchanged,
            f"{len(self.withdrawn)} input units of earlier runs were superseded: their records left": self.withdrawn,
            f"{len(self.outdated)} of {given} input units are superseded by newer ones: not read": self.outdated,
        }
        return [note for note, happened in said.items() if happened]


def read_units(lake: Lake, source: str) -> list[Row]:
    """Return what is known of a source's units, a row per file."""
    stored = lake.read(INPUT_UNITS).where(F.col("source") == source)
    modified_us = F.unix_micros("modified_at").alias("modified_us")
    return stored.select("batch_id", "path", "format", modified_us, "bytes", "superseded_by").collect()


def stands_of(stored: Iterable[Row], params: SupersedeParams | None) -> dict[str, str]:
    """Return batch_id -> path of the stored units (:func:`read_units`) that none of the others supersedes."""
    known = {row["batch_id"]: _delivery(row) for row in stored}
    outdated = find_superseded(known.values(), params)
    return {batch_id: one.path for batch_id, one in known.items() if batch_id not in outdated}


def receive(units: Sequence[InputUnit], stored: Sequence[Row], params: SupersedeParams | None) -> Received:
    """Tell the given units apart, by all that was ever received of the source."""
    known = {row["batch_id"] for row in stored}
    news = [unit for unit in units if unit.batch_id not in known]
    deliveries = list(map(_delivery, stored))
    deliveries += [Delivery(unit.batch_id, unit.path, unit.modified_us, unit.bytes) for unit in news]
    by = find_superseded(deliveries, params, news=[unit.batch_id for unit in news])
    stood = (row["batch_id"] for row in stored if row["superseded_by"] is None)
    return Received(
        standing=[unit for unit in news if unit.batch_id not in by],
        outdated=[unit for unit in news if unit.batch_id in by],
        withdrawn={batch_id: by[batch_id] for batch_id in stood if batch_id in by},
        by=by,
        unchanged=len(units) - len(news),
    )


def _delivery(row: Row) -> Delivery:
    return Delivery(row["batch_id"], row["path"], row["modified_us"], row["bytes"])


def unit_rows(
    spark: SparkSession, units: Iterable[InputUnit], source: str, run_id: str, by: Mapping[str, str] | None = None
) -> DataFrame:
    """Make the rows of `input_units` of new units."""
    by = by or {}
    rows = [(u.batch_id, source, u.path, u.format, u.bytes, u.modified_at, run_id, by.get(u.batch_id)) for u in units]
    return small_frame(spark, rows, INPUT_UNITS.schema)


def add_units(increment: Increment, new: DataFrame, stored: DataFrame, replaced: Mapping[str, str]) -> None:
    """Plan the rows of new units, and that units which they replace are marked.

    Args:
        increment: the slice's.
        new: rows of the slice's units.
        stored: rows of all units.
        replaced: batch_id of a unit that leaves -> of one in its place.
    """
    increment.additions.append(Addition(INPUT_UNITS, new))
    if not replaced:
        return
    names = F.create_map(*(F.lit(name) for pair in replaced.items() for name in pair))
    left = stored.where(F.col("batch_id").isin(*replaced)).withColumn("superseded_by", names[F.col("batch_id")])
    increment.retractions.append(Retraction(INPUT_UNITS, left.select("batch_id"), ("batch_id",)))
    increment.additions.append(Addition(INPUT_UNITS, conform(left, INPUT_UNITS)))
