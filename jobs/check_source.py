"""Look at a source before anything is written: what would be accepted, what rejected and why; draft a new mapping."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from segmentation.checkpoints import checkpoint
from segmentation.errors import ConfigurationError
from segmentation.runtime.context import Context, RunReport
from segmentation.runtime.main import run_job
from segmentation.sources.device_types import device_types_of, fill_device_types
from segmentation.sources.drafts import is_unfinished_draft, mark_draft
from segmentation.sources.infer import draft_mapping
from segmentation.sources.mapping import check_input, load_mapping
from segmentation.sources.parse import parse_records
from segmentation.sources.preview import (
    describe_conversions,
    describe_late,
    describe_preview,
    preview_records,
)
from segmentation.sources.properties import count_not_numeric, describe_not_numeric
from segmentation.sources.readers.absent_columns import find_absent_columns, notes_on_absent_columns
from segmentation.sources.readers.files import named_read_errors, one_task_per_block, read_records
from segmentation.sources.readers.jdbc import read_rows
from segmentation.sources.readers.kafka import read_newest
from segmentation.sources.readers.messages import place_messages
from segmentation.sources.readers.sample import read_sample
from segmentation.sources.readers.units import list_units
from segmentation.sources.tracking_plan import describe_coverage, load_tracking_plan, plan_coverage

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Sequence
    from pathlib import Path

    from pyspark.sql import DataFrame, Row

    from segmentation.sources.mapping import SourceMapping
    from segmentation.tables import Table

READS: tuple[Table, ...] = ()
WRITES: tuple[Table, ...] = ()
DRAFTED_FROM = 1_000


def add_arguments(parser: ArgumentParser) -> None:
    """Declare what is looked at."""
    parser.add_argument("--source", required=True, help="name of the mapping in <conf-dir>/sources")
    parser.add_argument(
        "--input", nargs="+", metavar="PATH", help="files or folders; none where the mapping names a topic or table"
    )
    parser.add_argument(
        "--records", type=int, default=100_000, help="look at this many records (the newest of a topic)"
    )
    parser.add_argument(
        "--infer", action="store_true", help="first draft <conf-dir>/sources/<source>.yaml from the first input"
    )


def run(ctx: Context) -> RunReport:
    """Report on a sample; with --infer write the draft that it is read by, never over an existing mapping.

    Raises:
        ConfigurationError: --infer, and the mapping exists or leaves something to be filled in.
    """
    if not ctx.options.get("infer"):
        return _check(ctx)
    target = _draft(ctx)
    try:
        return _check(ctx)
    except Exception:  # a draft that cannot be used would stand in the way of the next one
        target.unlink(missing_ok=True)
        raise


def _check(ctx: Context) -> RunReport:
    mapping = load_mapping(ctx.options["conf_dir"], ctx.options["source"])
    check_input(mapping, ctx.options.get("input"))
    with ctx.progress.step(f"look at {mapping.name}"):
        parsed = _parse(ctx, mapping)
        preview = preview_records(parsed)
        coverage = _coverage(ctx, mapping, parsed)
        wrong = count_not_numeric(parsed)
    late = describe_late(preview["late"], mapping, ctx.config.ingest.allowed_lateness_days)
    conversions = describe_conversions(parsed, mapping, ctx.config.workspace)
    numbers = describe_not_numeric(wrong, mapping.name)
    for line in (*describe_preview(preview), *late, *conversions, *numbers, *describe_coverage(coverage)):
        ctx.progress.say(line)
    preview["not_numeric"] = wrong
    preview["off_plan"] = {row["event_name"]: row["broken"] for row in coverage if row["parameter"] is None}
    return RunReport(status="checked", quality=preview)


def _draft(ctx: Context) -> Path:
    if not ctx.options.get("input"):
        raise ConfigurationError("--infer drafts from a file: give one with --input")
    name, path = ctx.options["source"], ctx.options["input"][0]
    target: Path = ctx.options["conf_dir"] / "sources" / f"{name}.yaml"
    if target.exists() and not is_unfinished_draft(target.read_text(encoding="utf-8")):
        raise ConfigurationError(f"{target} exists already: leave --infer out, or draft under another name")
    sample = read_sample(ctx.spark, path, DRAFTED_FROM)
    if sample.format == "access_log":
        draft = _copy_of_access_log(ctx.options["conf_dir"], name)
    else:
        draft = mark_draft(draft_mapping(name, sample))
    target.write_text(draft, encoding="utf-8")
    ctx.progress.say(f"{target}:\n{draft}")
    if is_unfinished_draft(draft):
        raise ConfigurationError(f"{target} was drafted, but not all could be told: fill in what it calls TODO")
    return target


def _copy_of_access_log(conf_dir: Path, name: str) -> str:
    shipped = conf_dir / "sources" / "access_log.yaml"
    if not shipped.exists():
        raise ConfigurationError(f"this is the access log of a web server, and {shipped}, which reads those, is absent")
    about = f"# Drafted: these are lines of a web server's access log, and {name} reads them as source access_log does."
    return f"{about}\n{shipped.read_text(encoding='utf-8')}"


def _parse(ctx: Context, mapping: SourceMapping) -> DataFrame:
    records = int(ctx.options.get("records") or 100_000)
    if mapping.kafka is not None:
        return _judge(ctx, mapping, place_messages(read_newest(ctx.spark, mapping, records), mapping))
    if mapping.jdbc is not None:
        return _judge(ctx, mapping, read_rows(ctx.spark, mapping, records))
    units = list_units(ctx.spark, mapping, ctx.options["input"])
    units = [unit for unit in units if unit.format == units[0].format]
    with named_read_errors(units), one_task_per_block(ctx.spark):
        raw = read_records(ctx.spark, mapping, units)
        if units[0].format == "parquet":
            for note in notes_on_absent_columns(find_absent_columns(raw, mapping)):
                ctx.progress.say(note)
        return _judge(ctx, mapping, raw.limit(records))


def _judge(ctx: Context, mapping: SourceMapping, raw: DataFrame) -> DataFrame:
    ingest = ctx.config.ingest
    parsed = parse_records(
        raw,
        mapping=mapping,
        allowed_lateness_days=ingest.allowed_lateness_days,
        clock_skew_hours=ingest.clock_skew_hours,
        workspace=ctx.config.workspace,
        plan=load_tracking_plan(ctx.options["conf_dir"]),
    )
    held = checkpoint(parsed)
    return fill_device_types(held, device_types_of(held))


def _coverage(ctx: Context, mapping: SourceMapping, parsed: DataFrame) -> list[Row]:
    """Compare accepted records with the tracking plan: a row per planned event and parameter."""
    plan = load_tracking_plan(ctx.options["conf_dir"])
    if not plan.covers(mapping.name):
        return []
    counted = plan_coverage(plan.named_for(mapping.name), parsed.where(~F.col("rejected"))).where("goal IS NOT NULL")
    return counted.orderBy("event_name", F.asc_nulls_first("parameter")).collect()


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    return run_job(sys.modules[__name__], argv)


if __name__ == "__main__":
    sys.exit(main())
