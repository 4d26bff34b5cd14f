"""Add up an event log by step.

A step is named by the job description (`segmentation.steps.step`). Some figures are approximations, because the log
does not contain more:

- **wall** of a step: the time in which at least one of its SQL executions or jobs runs. Steps on several threads
  overlap, so walls can add up to more than the run. Building plans in Python is in no step's wall.
- **planning**: from the start of a SQL execution to its first job or first nested execution; all of it if it starts
  none. Spark analyses and optimises most plans before it logs the start, and a command plans again after its first
  job, so the true figure is higher. Executions on several threads are added up.
- **no job**: the time in which no job of the run is active, credited to the step of the job that ends it.
  It contains planning, Python, commits and the listing of files. The time after the last job is credited to `(none)`.
- **garbage collection**: Spark reports the collections of the JVM during each task. With several tasks at a time a
  collection counts once for each, so the figure can exceed the true one by the number of threads.
- A stage that several jobs share is counted for the first that lists it.
- A job belongs to the step of its SQL execution's root, else to that of its SQL execution, else to its own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from benchmarks.profile.event_log import EventLog, SparkJob, SqlExecution, TaskMetrics

NO_STEP = "(none)"
TOTAL = "total"
CALL_SITE = re.compile(r".* at \S+:\d+$")
"""Spark's description of an execution without one: `count at File.java:0`."""
DELTA = "Delta: "
"""Delta puts this before a description, and `: <what it does>` after it."""
DELTA_VERSION = re.compile(r"(for version): (?=\d)")


class Interval(NamedTuple):
    """A span of time in milliseconds since 1970."""

    start_ms: int
    end_ms: int


@dataclass(frozen=True)
class StepUsage:
    """Resources used by a step, or in total."""

    step: str
    jobs: int = 0
    executions: int = 0
    """SQL executions, nested ones included."""
    stages: int = 0
    tasks: int = 0
    task_s: float = 0.0
    task_cpu_s: float = 0.0
    gc_s: float = 0.0
    shuffle_bytes: int = 0
    spilled_bytes: int = 0
    wall_s: float = 0.0
    planning_s: float = 0.0
    no_job_s: float = 0.0


@dataclass(frozen=True)
class RunUsage:
    """Resources used by a run, by step in the order of their start."""

    steps: tuple[StepUsage, ...]
    total: StepUsage


class _Parts(NamedTuple):
    """Contents of a log within the windows, and the step of each."""

    executions: tuple[SqlExecution, ...]
    jobs: tuple[SparkJob, ...]
    stages: tuple[int, ...]
    tasks: tuple[TaskMetrics, ...]
    step_of_execution: Mapping[int, str]
    step_of_job: Mapping[int, str]
    step_of_stage: Mapping[int, str]

    @property
    def steps(self) -> list[str]:
        """Steps in the order in which they start."""
        starts = [(one.started_ms, self.step_of_execution[one.id]) for one in self.executions]
        starts += [(one.started_ms, self.step_of_job[one.id]) for one in self.jobs]
        return list(dict.fromkeys(step for _, step in sorted(starts)))


def step_of(description: str | None) -> str | None:
    """Return the step that a description names; None for a place in the code or a message of Delta alone."""
    if not description or CALL_SITE.match(description):
        return None
    own, nested = description, 0
    while own.startswith(DELTA):
        own, nested = own.removeprefix(DELTA), nested + 1
    if not nested:
        return own
    parts = DELTA_VERSION.sub(r"\1 ", own).split(": ")
    return step_of(": ".join(parts[: len(parts) - nested]))


def usage_by_step(log: EventLog, windows: Sequence[Interval] = ()) -> RunUsage:
    """Add up what starts within the windows, which must not overlap; without windows all of the log."""
    windows = sorted(windows) or [Interval(log.started_ms, log.ended_ms)]
    parts = _parts(log, windows)
    planning, no_job = _planning(parts), _no_job(parts, windows)
    names = [*parts.steps, *(name for name in no_job if name not in parts.steps)]
    steps = tuple(_usage(name, parts, planning.get(name, 0), no_job.get(name, 0)) for name in names)
    counted = [field.name for field in fields(StepUsage) if field.name not in ("step", "wall_s")]
    sums = {name: sum(getattr(step, name) for step in steps) for name in counted}
    wall_s = sum(window.end_ms - window.start_ms for window in windows) / 1000
    return RunUsage(steps, StepUsage(TOTAL, wall_s=wall_s, **sums))


def _parts(log: EventLog, windows: Sequence[Interval]) -> _Parts:
    """Select what starts within the windows; stages and tasks come with their job."""
    roots = {one.id: one for one in log.executions}

    def within(started_ms: int) -> bool:
        return any(window.start_ms <= started_ms <= window.end_ms for window in windows)

    of_execution = {
        one.id: step_of(roots.get(one.root_id, one).description) or step_of(one.description) or NO_STEP
        for one in log.executions
    }
    jobs = tuple(job for job in log.jobs if within(job.started_ms))
    of_job = {job.id: _step_of_job(job, of_execution) for job in jobs}
    owners: dict[int, int] = {}
    for job in log.jobs:
        for stage in job.stage_ids:
            owners.setdefault(stage, job.id)
    of_stage = {stage: of_job[job] for stage, job in owners.items() if job in of_job}
    return _Parts(
        executions=tuple(one for one in log.executions if within(one.started_ms)),
        jobs=jobs,
        stages=tuple(stage for stage in log.stages if stage in of_stage),
        tasks=tuple(task for task in log.tasks if task.stage_id in of_stage),
        step_of_execution=of_execution,
        step_of_job=of_job,
        step_of_stage=of_stage,
    )


def _step_of_job(job: SparkJob, of_execution: Mapping[int, str]) -> str:
    step = NO_STEP if job.execution_id is None else of_execution.get(job.execution_id, NO_STEP)
    return step if step != NO_STEP else step_of(job.description) or NO_STEP


def _usage(step: str, parts: _Parts, planning_ms: int, no_job_ms: int) -> StepUsage:
    executions = [one for one in parts.executions if parts.step_of_execution[one.id] == step]
    jobs = [one for one in parts.jobs if parts.step_of_job[one.id] == step]
    tasks = [one for one in parts.tasks if parts.step_of_stage[one.stage_id] == step]
    return StepUsage(
        step=step,
        jobs=len(jobs),
        executions=len(executions),
        stages=sum(parts.step_of_stage[stage] == step for stage in parts.stages),
        tasks=len(tasks),
        task_s=sum(task.run_ms for task in tasks) / 1e3,
        task_cpu_s=sum(task.cpu_ns for task in tasks) / 1e9,
        gc_s=sum(task.gc_ms for task in tasks) / 1e3,
        shuffle_bytes=sum(task.shuffle_bytes for task in tasks),
        spilled_bytes=sum(task.spilled_bytes for task in tasks),
        wall_s=covered_ms(Interval(one.started_ms, one.ended_ms) for one in (*executions, *jobs)) / 1e3,
        planning_s=planning_ms / 1e3,
        no_job_s=no_job_ms / 1e3,
    )


def covered_ms(intervals: Iterable[Interval]) -> int:
    """Return the length of the union of intervals."""
    total, reached = 0, 0
    for start, end in sorted(intervals):
        total += max(0, end - max(start, reached))
        reached = max(reached, end)
    return total


def _planning(parts: _Parts) -> dict[str, int]:
    first: dict[int, int] = {}
    begun = [(job.execution_id, job.started_ms) for job in parts.jobs]
    begun += [(one.root_id, one.started_ms) for one in parts.executions if one.root_id != one.id]
    for execution, started_ms in begun:
        if execution is not None:
            first[execution] = min(started_ms, first.get(execution, started_ms))
    by_step: dict[str, int] = {}
    for one in parts.executions:
        step = parts.step_of_execution[one.id]
        by_step[step] = by_step.get(step, 0) + max(0, first.get(one.id, one.ended_ms) - one.started_ms)
    return by_step


def _no_job(parts: _Parts, windows: Iterable[Interval]) -> dict[str, int]:
    by_step: dict[str, int] = {}

    def credit(step: str, milliseconds: int) -> None:
        if milliseconds > 0:
            by_step[step] = by_step.get(step, 0) + milliseconds

    jobs = sorted(parts.jobs, key=lambda job: job.started_ms)
    for window in windows:
        reached = window.start_ms
        for job in jobs:
            if window.start_ms <= job.started_ms <= window.end_ms:
                credit(parts.step_of_job[job.id], job.started_ms - reached)
                reached = max(reached, job.ended_ms)
        credit(NO_STEP, window.end_ms - reached)
    return by_step
