"""Run an ingest or a job in a process of its own with Spark's event log on, and profile it."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from benchmarks.engines.profiled import KNOWN_BATCHES
from benchmarks.measure import Usage, measure
from benchmarks.profile.batches import write_batches
from benchmarks.profile.event_log import event_log_settings, read_log_folder
from benchmarks.profile.table import RunProfile
from benchmarks.profile.usage import Interval, usage_by_step
from benchmarks.run import PROJECT, describe_commit, lay_out_configuration

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.scales import Inputs

FULL, INCREMENT, SMALL, FIRST = MODES = ("full", "increment", "small", "first")
GENERATED = (FULL, INCREMENT, SMALL)
"""Modes that read the generated history; *first* reads a demonstration data set."""
FIRST_JOB, FIRST_INPUT = Path("jobs/ingest_events.py"), Path("data/ecom/ecom.csv.gz")


@dataclass(frozen=True)
class ProfilePlan:
    """An ingest to profile, and the limits it runs within."""

    work: Path
    inputs: Inputs
    mode: str
    batches: int
    threads: int
    memory: str
    cap: int

    @property
    def scratch(self) -> Path:
        """Folder for the event log, warm-up lakes and batches; emptied before and after a run."""
        return self.work / "scratch-profile"

    def state(self, mode: str) -> Path:
        """Return the lake of a mode. That of *full* stays, and *increment* starts from a copy of it."""
        return self.work / "state" / f"{self.inputs.scale.name}-{self.cap}" / "profile" / mode


def profile_ingest(plan: ProfilePlan) -> RunProfile:
    """Profile an ingest of generated files; in modes *full* and *increment* the session is warmed up first."""
    lay_out_configuration(plan.work)
    if plan.mode == INCREMENT and not plan.state(FULL).exists():
        _log(f"build the lake of {plan.inputs.scale.name}; this is not profiled")
        profile_ingest(replace(plan, mode=FULL))
    _empty(plan.scratch, plan.state(plan.mode))
    if plan.mode == INCREMENT:
        shutil.copytree(plan.state(FULL), plan.state(INCREMENT))
    usage = measure(_command(plan), _log_file(plan.work, f"{plan.inputs.scale.name}-{plan.mode}"), _environment())
    windows = [Interval(*span) for span in usage.answer["spans_ms"]["job"]]
    name = f"{plan.inputs.scale.name} {plan.mode}"
    profile = _profile(name, plan.scratch / "event-log", usage.answer["work_s"], usage.answer["work_cpu_s"], windows)
    _empty(plan.scratch, *(() if plan.mode == FULL else (plan.state(plan.mode),)))
    return profile


def profile_first(work: Path) -> RunProfile:
    """Profile the first ingest of the ecom data set into an empty lake, in a new process.

    Raises:
        SystemExit: the data set has not been fetched.
    """
    if not (PROJECT / FIRST_INPUT).exists():
        raise SystemExit(f"{FIRST_INPUT} does not exist: run scripts/fetch_data.py ecom")
    lake = work / "state" / "first"
    _empty(lake)
    arguments = ["--source", "ecom", "--input", str(PROJECT / FIRST_INPUT), "--lake", str(lake)]
    profile = profile_job(work, PROJECT / FIRST_JOB, arguments)
    _empty(lake)
    return replace(profile, name=FIRST)


def profile_job(work: Path, script: Path, arguments: Sequence[str]) -> RunProfile:
    """Profile a job's script from the start of its Spark application to its end."""
    folder = work / "scratch-profile" / "event-log"
    _empty(folder)
    folder.mkdir(parents=True)
    settings = [f"spark.{key}={value}" for key, value in event_log_settings(folder).items()]
    command = [sys.executable, str(script), *arguments, *(word for one in settings for word in ("--set", one))]
    usage: Usage = measure(command, _log_file(work, script.stem), _environment())
    profile = _profile(script.stem, folder, usage.wall_s, usage.cpu_s)
    _empty(folder)
    return profile


def _command(plan: ProfilePlan) -> list[str]:
    folder = {FULL: plan.inputs.history, INCREMENT: plan.inputs.next_day}.get(plan.mode, plan.scratch / "batches")
    if plan.mode == SMALL:
        write_batches(plan.inputs.history, folder, KNOWN_BATCHES + plan.batches)
    places = {"--input": folder, "--work": plan.work, "--state": plan.state(plan.mode), "--scratch": plan.scratch}
    limits = {"--memory": plan.memory, "--threads": plan.threads, "--cap": plan.cap}
    command = [sys.executable, "-m", "benchmarks.engines.profiled", "--mode", plan.mode]
    return command + [str(part) for option in (places | limits).items() for part in option]


def _profile(name: str, folder: Path, wall_s: float, cpu_s: float, windows: Sequence[Interval] = ()) -> RunProfile:
    log = read_log_folder(folder)
    usage = usage_by_step(log, windows)
    batches = [usage_by_step(log, [window]).total for window in windows] if len(windows) > 1 else []
    return RunProfile(
        name=name,
        steps=usage.steps,
        total=usage.total,
        process_wall_s=wall_s,
        process_cpu_s=cpu_s,
        batches=tuple(replace(one, step=f"batch {number}") for number, one in enumerate(batches, 1)),
        commit=describe_commit(),
        started_at=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        machine=f"{psutil.cpu_count()} cores, {psutil.virtual_memory().total / 2**30:.0f} GiB",
    )


def _empty(*folders: Path) -> None:
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(PROJECT)}


def _log_file(work: Path, name: str) -> Path:
    return work / "logs" / f"profile-{name}.log"


def _log(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
