"""Compare the given input units with those received before: which are new, and which are superseded."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, NamedTuple

from pyspark.sql import functions as F

from segmentation.frames import conform, small_frame
from segmentation.ingest.changes import Deletion, TableChange
from segmentation.sources.supersede import Delivery, find_superseded
from segmentation.tables import INPUT_UNITS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pyspark.sql import DataFrame, Row, SparkSession

    from segmentation.lake.lake import Lake
    from segmentation.sources.readers.units import InputUnit
    from segmentation.sources.supersede import SupersedeParams


class Received(NamedTuple):
    """The given units by what happens to them."""

    to_ingest: list[InputUnit]
    """New units that no other unit supersedes."""
    not_read: list[InputUnit]
    """New units that are already superseded. Only their rows in `input_units` are written."""
    superseded: Mapping[str, str]
    """unit_id of a unit ingested before and superseded now -> unit_id of the new unit that supersedes it."""
    successors: Mapping[str, str]
    """unit_id of every superseded unit, old or new -> unit_id of a unit that supersedes it."""
    unchanged: int
    """Number of given units that were received before."""

    def superseded_by(self, units: Sequence[InputUnit]) -> dict[str, str]:
        """Return the entries of `superseded` whose new unit is one of these."""
        names = {unit.unit_id for unit in units}
        return {old: new for old, new in self.superseded.items() if new in names}

    def notes(self) -> list[str]:
        """Return a note for each kind of unit that is not ingested as new."""
        given, not_read = len(self.to_ingest) + len(self.not_read) + self.unchanged, len(self.not_read)
        counted = {
            f"{self.unchanged} of {given} input units were ingested before: unchanged": self.unchanged,
            f"{len(self.superseded)} input units of earlier runs were superseded: records removed": self.superseded,
            f"{not_read} of {given} input units are superseded by newer ones: not read": not_read,
        }
        return [note for note, count in counted.items() if count]


def read_units(lake: Lake, source: str) -> list[Row]:
    """Read the stored units of a source. Grain: a row per unit."""
    stored = lake.read(INPUT_UNITS).where(F.col("source") == source)
    modified_us = F.unix_micros("modified_at").alias("modified_us")
    return stored.select("unit_id", "path", "format", modified_us, "bytes", "arrived_at", "superseded_by").collect()


def list_current(stored: Iterable[Row], params: SupersedeParams | None) -> dict[str, str]:
    """Return unit_id -> path of the stored units (:func:`read_units`) that no other unit supersedes."""
    known = {row["unit_id"]: _delivery(row) for row in stored}
    superseded = find_superseded(known.values(), params)
    return {unit_id: one.path for unit_id, one in known.items() if unit_id not in superseded}


def sort_units(units: Sequence[InputUnit], stored: Sequence[Row], params: SupersedeParams | None) -> Received:
    """Sort the given units by comparing them with all units that were ever received from the source."""
    known = {row["unit_id"] for row in stored}
    news = [unit for unit in units if unit.unit_id not in known]
    deliveries = list(map(_delivery, stored))
    deliveries += [Delivery(unit.unit_id, unit.path, unit.modified_us, unit.bytes) for unit in news]
    successors = find_superseded(deliveries, params, news=[unit.unit_id for unit in news])
    current = (row["unit_id"] for row in stored if row["superseded_by"] is None)
    return Received(
        to_ingest=[unit for unit in news if unit.unit_id not in successors],
        not_read=[unit for unit in news if unit.unit_id in successors],
        superseded={unit_id: successors[unit_id] for unit_id in current if unit_id in successors},
        successors=successors,
        unchanged=len(units) - len(news),
    )


def keep_arrivals(units: Iterable[InputUnit], stored: Sequence[Row]) -> list[InputUnit]:
    """Give units the time at which they were received first, as it was stored.

    A file that changed since (a person was deleted from it, or it was copied back) has the newest stored time of its
    path. Of units that were stored without such a time, the modification time of then counts.
    """
    told = {row["unit_id"]: (row["path"], _first_receipt(row)) for row in stored}
    by_path = dict(sorted(told.values(), key=lambda one: one[1]))
    by_unit = {unit_id: arrived_at for unit_id, (_, arrived_at) in told.items()}
    return [
        replace(unit, arrived_at=by_unit.get(unit.unit_id, by_path.get(unit.path, unit.arrived_at))) for unit in units
    ]


def _first_receipt(row: Row) -> datetime:
    if row["arrived_at"] is None:
        return datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(microseconds=row["modified_us"])
    # A collected instant is a naive one of this machine's zone.
    stored: datetime = row["arrived_at"]
    return stored.astimezone(timezone.utc)


def _delivery(row: Row) -> Delivery:
    return Delivery(row["unit_id"], row["path"], row["modified_us"], row["bytes"])


def unit_rows(
    spark: SparkSession, units: Iterable[InputUnit], source: str, run_id: str, by: Mapping[str, str] | None = None
) -> DataFrame:
    """Return the rows of `input_units` for new units; `by` maps the unit_id of a superseded unit to its successor."""
    by = by or {}
    rows = [
        (u.unit_id, source, u.path, u.format, u.bytes, u.modified_at, u.arrived_at, run_id, by.get(u.unit_id))
        for u in units
    ]
    return small_frame(spark, rows, INPUT_UNITS.schema)


def change_units(new: DataFrame, stored: DataFrame, superseded: Mapping[str, str]) -> TableChange:
    """Add the rows of new units, and mark the units that they supersede.

    Args:
        new: rows of the units in the batch.
        stored: rows of all units.
        superseded: unit_id of a superseded unit -> unit_id of the unit that supersedes it.
    """
    if not superseded:
        return TableChange(INPUT_UNITS, rows=new)
    names = F.create_map(*(F.lit(name) for pair in superseded.items() for name in pair))
    marked = stored.where(F.col("unit_id").isin(*superseded)).withColumn("superseded_by", names[F.col("unit_id")])
    deletion = Deletion(marked.select("unit_id"), ("unit_id",))
    return TableChange(INPUT_UNITS, (deletion,), new.unionByName(conform(marked, INPUT_UNITS)))
