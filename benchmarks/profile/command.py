"""The options of `python -m benchmarks profile`, and what they run."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.contract import MAX_EVENTS_PER_USER_DAY
from benchmarks.profile.run import FIRST, MODES, SMALL, ProfilePlan, profile_first, profile_ingest, profile_job
from benchmarks.profile.table import ProfileStore, format_table, to_json
from benchmarks.scales import SCALES, Inputs

if TYPE_CHECKING:
    from typing import Any

ABOUT = """Profile one run from Spark's event log: Spark jobs, SQL executions, stages, tasks, seconds and bytes of each
step. A step is named by the job description; jobs without one are in "(none)". Profiles are appended to
<results>/profiles/<name>.jsonl."""
COLUMNS = """
modes:
  full       all days of the generated history into an empty lake, in a warm session
  increment  the next day on a copy of the lake that full left (built if there is none; run full again after
             a change of the tables), in a warm session
  small      batches of 1,000 records each, into a lake that already has two
  first      the ecom data set into an empty lake, in a new process

columns:
  SQL        SQL executions, nested ones included
  task s     executor run time of tasks; cpu s: their processor time; gc s: collections during them
  shuffle    megabytes written for exchanges; spill: megabytes written to disk by sorts and aggregates
  wall s     time in which a SQL execution or a job of the step runs; the total is that of the run
  plan s     from the start of a SQL execution to its first job; planning before that start is not in the log
  no job s   time without a running job, credited to the step of the next one: planning, Python, commits

a job (its options follow --):
  python -m benchmarks profile --job jobs/run_pipeline.py -- --source ecom --input shop.csv --lake lake/shop
"""


def add_parser(actions: Any) -> None:
    """Add the action to the command line."""
    raw = argparse.RawDescriptionHelpFormatter
    parser = actions.add_parser(
        "profile", help="what each step of a run costs", description=ABOUT, epilog=COLUMNS, formatter_class=raw
    )
    parser.add_argument("--mode", choices=MODES, default=SMALL, help="which ingest to profile (default: small)")
    parser.add_argument("--events", choices=SCALES, default="1M", help="events of the history (default: 1M)")
    parser.add_argument("--day-events", type=int, help="events of the next day (default: an average day)")
    parser.add_argument("--batches", type=int, default=3, help="measured batches of mode small (default: 3)")
    parser.add_argument(
        "--threads", type=int, default=2, help="tasks at a time (default: 2); first has the shipped setting"
    )
    parser.add_argument("--memory", default="4GB", help="heap of the JVM (default: 4GB); first has the shipped setting")
    parser.add_argument("--cap", type=int, default=MAX_EVENTS_PER_USER_DAY, help="cap on the events of a user's day")
    parser.add_argument("--job", type=Path, metavar="SCRIPT", help="profile this job's script instead of a mode")
    parser.add_argument("--json", action="store_true", help="print one line of JSON instead of the table")
    parser.add_argument("arguments", nargs="*", metavar="-- OPTION", help="options of the job's script")


def reads_history(options: argparse.Namespace) -> bool:
    """Return whether the run reads the generated files."""
    return options.job is None and options.mode != FIRST


def run_profile(options: argparse.Namespace, day_events: int, results: Path) -> None:
    """Profile, store and print."""
    if options.job is not None:
        profile = profile_job(options.work, options.job, options.arguments)
    elif options.mode == FIRST:
        profile = profile_first(options.work)
    else:
        profile = profile_ingest(
            ProfilePlan(
                work=options.work,
                inputs=Inputs(options.work / "data", SCALES[options.events], day_events),
                mode=options.mode,
                batches=options.batches,
                threads=options.threads,
                memory=options.memory,
                cap=options.cap,
            )
        )
    ProfileStore(results / "profiles").add(profile)
    print(to_json(profile) if options.json else format_table(profile))
