"""Ours: the shipped reading and parsing of a source, up to judged records; no table is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from benchmarks.contract import PARSED_TEXTS, PARSES, SOURCE
from benchmarks.engines.suite import TINY, open_task
from benchmarks.engines.task import Clock, Task, main
from benchmarks.formats import folder_of
from benchmarks.scales import SCALES, Inputs
from segmentation.sources.mapping import load_mapping
from segmentation.sources.parse import parse_records
from segmentation.sources.readers.files import one_task_per_block, read_records
from segmentation.sources.readers.units import list_units

if TYPE_CHECKING:
    from pathlib import Path

    from segmentation.runtime.context import Context

DAY_US = 86_400_000_000


def parse(task: Task, clock: Clock) -> None:
    """Time reading, mapping and checking all files, and adding every field up."""
    with clock.phase("prepare"):
        context = open_task(task, task.scratch / "lake")
        tiny = Inputs(task.work / "data", SCALES[TINY], SCALES[TINY].day_events)
        for _ in range(2):
            _add_up(context, folder_of(tiny, PARSES[task.mode]), task.scratch / "warm-up")
    with clock.phase("job"):
        for folder in task.inputs:
            _add_up(context, folder, task.state / "parsed")


def _add_up(context: Context, folder: Path, target: Path) -> None:
    ingest, workspace = context.config.ingest, context.config.workspace
    mapping = load_mapping(context.options["conf_dir"], SOURCE)
    units = list_units(context.spark, mapping, [str(folder)])
    with one_task_per_block(context.spark):
        parsed = parse_records(
            read_records(context.spark, mapping, units),
            mapping=mapping,
            allowed_lateness_days=ingest.allowed_lateness_days,
            clock_skew_hours=ingest.clock_skew_hours,
            workspace=workspace,
        )
        accepted = ~F.col("rejected")
        times = sum(F.pmod(F.unix_micros(name), F.lit(DAY_US)) for name in ("event_at", "received_at"))
        octets = sum(F.coalesce(F.octet_length(name), F.lit(0)) for name in PARSED_TEXTS)
        sums = parsed.agg(
            F.count_if(accepted).alias("accepted"),
            F.count_if("rejected").alias("rejected"),
            F.sum(F.when(accepted, F.col("value"))).alias("value"),
            F.sum(F.when(accepted, times)).alias("day_us"),
            F.sum(F.when(accepted, octets)).alias("octets"),
        )
        sums.coalesce(1).write.parquet(str(target), mode="overwrite")


if __name__ == "__main__":
    main(dict.fromkeys(PARSES, parse))
