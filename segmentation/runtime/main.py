"""The one command line of all jobs: parse, open, run, report, exit code."""

from __future__ import annotations

import argparse
import json
import sys
import time
import traceback
import uuid
from contextlib import contextmanager, nullcontext
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from pyspark.errors import PySparkException

from segmentation.config import ENVIRONMENTS, Config, load_config
from segmentation.errors import ExecutorLostError, SegmentationError
from segmentation.jvm import Py4JError
from segmentation.lake.commits import rivals_named
from segmentation.lake.lake import Lake
from segmentation.lake.lock import exclusive
from segmentation.runtime.context import Context, RunReport
from segmentation.runtime.local_jvm import has_local_default, is_short_run
from segmentation.runtime.outside import explain_state
from segmentation.runtime.progress import LOGGER, Progress, start_logging
from segmentation.runtime.session import configure, open_session
from segmentation.tracking import Tracking

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pyspark.sql import SparkSession

    from segmentation.tables import Table

LOG_SETTINGS = "log4j2.properties"
"""File of the configuration folder: what Spark's JVM says on stderr."""
LOST_BLOCK = "CHECKPOINT_RDD_BLOCK_ID_NOT_FOUND"


class Job(Protocol):
    """Interface of a module in jobs/."""

    __name__: str
    __doc__: str | None
    READS: tuple[Table, ...]
    WRITES: tuple[Table, ...]

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the job's own options."""

    def run(self, ctx: Context) -> RunReport:
        """Do the work."""


def run_job(job: Job, argv: Sequence[str] | None = None) -> int:
    """Run a job from its command line; prints one JSON line on stdout and returns the exit code."""
    name = _name(job)
    options = build_parser(job).parse_args(argv)
    start_logging()
    started = time.monotonic()
    try:
        result = _dry_run(job, options) if options.dry_run else _run(job, name, options)
        code = 0
    except SegmentationError as error:
        result, code = {"status": "failed", "error": str(error)}, error.exit_code
        print(f"{name}: {error}", file=sys.stderr)  # noqa: T201
    except Exception as error:  # noqa: BLE001  the last resort: a traceback and exit code 1
        state = explain_state(error)
        if state is None:
            traceback.print_exc()
            result, code = {"status": "failed", "error": type(error).__name__}, 1
        else:
            result, code = {"status": "failed", "error": str(state)}, state.exit_code
            print(f"{name}: {state}", file=sys.stderr)  # noqa: T201
    print(json.dumps({"job": name, **result, "seconds": round(time.monotonic() - started, 1)}, default=str))  # noqa: T201
    return code


def open_context(  # noqa: PLR0913  one keyword per part of the interface of every job
    *,
    environment: str = "local",
    conf_dir: str | Path = "conf",
    lake: str | None = None,
    as_of: date | None = None,
    overrides: Sequence[str] = (),
    options: dict[str, Any] | None = None,
    spark: SparkSession | None = None,
    name: str = "segmentation",
) -> Context:
    """Open what a job's `run` needs; notebooks pass the session they already have."""
    conf_dir = Path(conf_dir)
    config = load_config(conf_dir, environment, overrides)
    if spark is None:
        places = _places(lake or config.lake, options or {})
        is_short = places is not None and has_local_default(config.spark) and is_short_run(places)
        session = open_session(name, config.spark, conf_dir / LOG_SETTINGS, is_short=is_short)
    else:
        session = configure(spark)
    run_id = uuid.uuid4().hex
    opened = Lake(session, lake or config.lake, run_id)
    return Context(
        spark=session,
        config=config,
        lake=opened,
        tracking=Tracking(config.tracking, opened.root),
        run_id=run_id,
        progress=Progress(session),
        given_as_of=as_of,
        options={**(options or {}), "conf_dir": conf_dir},
    )


def _places(lake: str, options: Mapping[str, Any]) -> list[str] | None:
    """Return the places of a run's data; None if their size is unknown, because a topic or a database is read."""
    inputs = options.get("input")
    return None if options.get("source") and not inputs else [lake, *(inputs or ())]


def build_parser(job: Job) -> argparse.ArgumentParser:
    """Build the parser of a job: the options of every job, then its own."""
    parser = argparse.ArgumentParser(
        prog=f"{_name(job)}.py",
        description=(job.__doc__ or "").strip(),
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--env", choices=ENVIRONMENTS, default="local", help="overlay in the configuration folder")
    parser.add_argument("--conf-dir", default="conf", help="configuration folder")
    parser.add_argument(
        "--lake", default=None, help="root of the lake: folder or URI (default: `lake` of the configuration)"
    )
    parser.add_argument(
        "--as-of", type=_day, default=None, help="cut, exclusive, YYYY-MM-DD (default: day after the latest event)"
    )
    parser.add_argument(
        "--set", action="append", default=[], metavar="SECTION.KEY=VALUE", help="override one parameter"
    )
    parser.add_argument("--dry-run", action="store_true", help="say what would be read and written, and stop")
    job.add_arguments(parser)
    return parser


def _run(job: Job, name: str, options: argparse.Namespace) -> dict[str, Any]:
    """Run a job, and from its start where an executor took frames with it: what was not published is undone first."""
    try:
        return _attempt(job, name, options)
    except ExecutorLostError as error:
        LOGGER.warning("%s; starting over", error)
        return _attempt(job, name, options)


def _attempt(job: Job, name: str, options: argparse.Namespace) -> dict[str, Any]:
    ctx = open_context(
        environment=options.env,
        conf_dir=options.conf_dir,
        lake=options.lake,
        as_of=options.as_of,
        overrides=options.set,
        options=vars(options),
        name=name,
    )
    lock = exclusive(ctx.spark, ctx.lake.root, ctx.run_id) if job.WRITES else nullcontext()
    with lock, _lost_frames_named(), rivals_named():
        if job.WRITES:  # without the lock, what lies ahead of the published versions may be a running writer's
            ctx.lake.recover()
        report = job.run(ctx)
        return _result(ctx, job, report)


@contextmanager
def _lost_frames_named() -> Iterator[None]:
    """Tell the loss of a frame that was worked out and kept, which Spark cannot work out again, from other errors."""
    try:
        yield
    except (PySparkException, Py4JError) as error:
        if LOST_BLOCK not in str(error):
            raise
        raise ExecutorLostError("an executor was lost with frames that it held") from error


def _result(ctx: Context, job: Job, report: RunReport) -> dict[str, Any]:
    written = {
        t.name: {"version": ctx.lake.version(t), "rows": ctx.lake.rows(t)}
        for t in job.WRITES
        if ctx.lake.version(t) is not None
    }
    return {
        "run_id": ctx.run_id,
        "status": report.status,
        "as_of": report.as_of,
        "lake": ctx.lake.root,
        "tables": written,
        "quality": report.quality,
        "notes": [*ctx.lake.notes, *report.notes],
    }


def _dry_run(job: Job, options: argparse.Namespace) -> dict[str, Any]:
    config: Config = load_config(Path(options.conf_dir), options.env, options.set)
    return {
        "status": "dry-run",
        "lake": options.lake or config.lake,
        "as_of": options.as_of,
        "reads": [table.name for table in job.READS],
        "writes": [table.name for table in job.WRITES],
    }


def _name(job: Job) -> str:
    return Path(sys.modules[job.__name__].__file__ or job.__name__).stem


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"'{text}' is not a day (YYYY-MM-DD)") from error
