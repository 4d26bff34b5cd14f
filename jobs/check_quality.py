"""Check the ingested data against conf/quality: completeness, ranges, freshness, volume, names, drift."""

from __future__ import annotations

import sys
from collections import Counter
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from segmentation.errors import ConfigurationError, DataError, nearest
from segmentation.frames import empty_frame, small_frame
from segmentation.quality.declarations import load_checks
from segmentation.quality.results import FAILED, NOT_JUDGED, PASSED, WARNED
from segmentation.quality.run_checks import Span, check_tables
from segmentation.runtime.context import Context, RunReport
from segmentation.runtime.main import run_job
from segmentation.tables import EVENTS, INGEST_LEDGER, QUALITY_RESULTS

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Sequence

    from segmentation.quality.declarations import NamedCheck

READS = (EVENTS, INGEST_LEDGER)
WRITES = (QUALITY_RESULTS,)


def add_arguments(parser: ArgumentParser) -> None:
    """Declare which days are checked."""
    parser.add_argument("--days", type=int, default=1, metavar="N", help="check the newest N days before the cut")
    parser.add_argument("--from", type=date.fromisoformat, metavar="DAY", help="check from this day on")
    parser.add_argument("--to", type=date.fromisoformat, metavar="DAY", help="check up to this day, included")


def run(ctx: Context) -> RunReport:
    """Write `quality_results` at the cut, in the place of those of the same cut; again leaves equal rows.

    Raises:
        ConfigurationError: a file in conf/quality is wrong, or the days are.
        DataError: a check of level error failed; the results are published, so that one can read why.
    """
    as_of, checks = ctx.as_of, _load(Path(ctx.options.get("conf_dir", "conf")))
    span = _span(ctx, as_of)
    events, ledger = ctx.lake.require(EVENTS, "ingest_events"), ctx.lake.require(INGEST_LEDGER, "ingest_events")
    zone = ctx.config.workspace.time_zone
    results = check_tables(events, ledger, checks, span=span, as_of=as_of, time_zone=zone)
    rows = [result.row(as_of) for result in results]
    schema = QUALITY_RESULTS.schema
    frame = small_frame(ctx.spark, rows, schema) if rows else empty_frame(ctx.spark, schema)
    ctx.lake.replace(QUALITY_RESULTS, frame.coalesce(1), where=f"as_of = DATE'{as_of}'")
    ctx.lake.publish(ctx.lake.basis(EVENTS, WRITES))
    told = {status: [str(r) for r in results if r.status == status] for status in (FAILED, WARNED)}
    for status, lines in told.items():
        for line in lines:
            ctx.progress.say(f"{status}: {line}")
    if told[FAILED]:
        raise DataError(
            f"checks of level error failed: {'; '.join(told[FAILED])}; all results are in table 'quality_results'"
        )
    counted = Counter(result.status for result in results)
    quality = {"checks": len(checks), **{status: counted[status] for status in (PASSED, WARNED, NOT_JUDGED)}}
    return RunReport(as_of=as_of, quality=quality, notes=[f"warning: {line}" for line in told[WARNED]])


def _load(conf_dir: Path) -> tuple[NamedCheck, ...]:
    """Load the checks; a source that they name must have a mapping."""
    checks, known = load_checks(conf_dir), sorted(path.stem for path in (conf_dir / "sources").glob("*.yaml"))
    for name, rule in checks:
        if rule.source is not None and rule.source not in known:
            raise ConfigurationError(f"check {name}: unknown source '{rule.source}'{nearest(rule.source, known)}")
    return checks


def _span(ctx: Context, as_of: date) -> Span:
    first, last, days = ctx.options.get("from"), ctx.options.get("to"), ctx.options.get("days", 1)
    newest = as_of - timedelta(days=1)
    if first is None and last is None:
        if days < 1:
            raise ConfigurationError(f"--days {days}: at least one day is needed")
        return Span(as_of - timedelta(days=days), newest)
    last = last or newest
    first = first or last
    if not first <= last <= newest:
        raise ConfigurationError(f"--from {first} --to {last}: give days in order, before the cut {as_of}")
    return Span(first, last, fixed=True)


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    return run_job(sys.modules[__name__], argv)


if __name__ == "__main__":
    sys.exit(main())
