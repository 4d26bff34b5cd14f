"""Read Spark's event log: SQL executions, jobs, stages and tasks as plain values."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

Event = dict[str, Any]

SQL = "org.apache.spark.sql.execution.ui.SparkListenerSQLExecution"
DESCRIPTION, EXECUTION_ID = "spark.job.description", "spark.sql.execution.id"
SETTINGS = {"enabled": "true", "compress": "false", "rolling.enabled": "false"}
"""One file of plain JSON lines per application."""
NO_METRICS: Mapping[str, Any] = {}


@dataclass(frozen=True)
class SqlExecution:
    """A SQL execution: a query or a command. A nested one names the execution that it belongs to as its root."""

    id: int
    root_id: int
    description: str
    """Description of the thread that started it, or the place in the code where there is none."""
    started_ms: int
    ended_ms: int


@dataclass(frozen=True)
class SparkJob:
    """A Spark job."""

    id: int
    description: str | None
    execution_id: int | None
    stage_ids: tuple[int, ...]
    started_ms: int
    ended_ms: int


@dataclass(frozen=True)
class TaskMetrics:
    """Resources used by one attempt of a task."""

    stage_id: int
    run_ms: int = 0
    cpu_ns: int = 0
    gc_ms: int = 0
    shuffle_bytes: int = 0
    """Written for an exchange; they are read again, which is not counted."""
    spilled_bytes: int = 0
    """Written to disk because a sort or an aggregate exceeded its memory."""


@dataclass(frozen=True)
class EventLog:
    """Contents of an event log, each part in the order of its start (stages and tasks: of their end)."""

    executions: tuple[SqlExecution, ...]
    jobs: tuple[SparkJob, ...]
    stages: tuple[int, ...]
    """Ids of the stages that ran, once per attempt. A stage whose shuffle files exist already is skipped."""
    tasks: tuple[TaskMetrics, ...]
    started_ms: int
    ended_ms: int


@dataclass
class _Ends:
    """Times at which executions and jobs end, and the last time in the log."""

    executions: dict[int, int] = field(default_factory=dict)
    jobs: dict[int, int] = field(default_factory=dict)
    last_ms: int = 0


def event_log_settings(folder: Path) -> dict[str, str]:
    """Return the Spark settings that write the event log to a folder, which must exist."""
    return {f"spark.eventLog.{key}": value for key, value in {**SETTINGS, "dir": folder.resolve().as_uri()}.items()}


def read_log_folder(folder: Path) -> EventLog:
    """Read the only event log of a folder.

    Raises:
        ValueError: the folder holds no log, or several.
    """
    logs = [path for path in folder.iterdir() if path.is_file() and not path.name.startswith(".")]
    if len(logs) != 1:
        raise ValueError(f"expected one event log in {folder}, found {len(logs)}")
    with logs[0].open() as lines:
        return parse_events(_parse_lines(lines))


def parse_events(events: Iterable[Event]) -> EventLog:
    """Collect executions, jobs, stages and tasks from parsed lines of an event log.

    An execution or a job that did not end lasts until the last event.
    """
    kept = [event for event in events if event["Event"].rpartition("Listener")[2] in _KINDS]
    ends = _ends(kept)
    by_kind: dict[str, list[Event]] = {kind: [] for kind in _KINDS}
    for event in kept:
        by_kind[event["Event"].rpartition("Listener")[2]].append(event)
    starts = [_time(event) for event in kept]
    return EventLog(
        executions=tuple(_execution(event, ends) for event in by_kind["SQLExecutionStart"]),
        jobs=tuple(_job(event, ends) for event in by_kind["JobStart"]),
        stages=tuple(event["Stage Info"]["Stage ID"] for event in by_kind["StageCompleted"]),
        tasks=tuple(_task(event) for event in by_kind["TaskEnd"]),
        started_ms=min(starts, default=0),
        ended_ms=ends.last_ms,
    )


_KINDS = (
    *("ApplicationStart", "ApplicationEnd", "SQLExecutionStart", "SQLExecutionEnd"),
    *("JobStart", "JobEnd", "StageCompleted", "TaskEnd"),
)


def _parse_lines(lines: Iterable[str]) -> Iterator[Event]:
    for line in lines:
        event = json.loads(line)
        event.pop("sparkPlanInfo", None)  # plans are most of a log, and nothing here reads them
        event.pop("physicalPlanDescription", None)
        yield event


def _ends(events: Iterable[Event]) -> _Ends:
    ends = _Ends()
    for event in events:
        ends.last_ms = max(ends.last_ms, _time(event))
        if event["Event"] == f"{SQL}End":
            ends.executions[event["executionId"]] = event["time"]
        elif event["Event"] == "SparkListenerJobEnd":
            ends.jobs[event["Job ID"]] = event["Completion Time"]
    return ends


def _time(event: Event) -> int:
    if "Stage Info" in event:
        return int(event["Stage Info"]["Completion Time"])
    if "Task Info" in event:
        return int(event["Task Info"]["Finish Time"])
    names = ("Timestamp", "time", "Submission Time", "Completion Time")
    return next(int(event[name]) for name in names if name in event)


def _execution(event: Event, ends: _Ends) -> SqlExecution:
    number = event["executionId"]
    root = event.get("rootExecutionId")
    return SqlExecution(
        id=number,
        root_id=number if root is None else root,
        description=event["description"],
        started_ms=event["time"],
        ended_ms=ends.executions.get(number, ends.last_ms),
    )


def _job(event: Event, ends: _Ends) -> SparkJob:
    properties = event.get("Properties") or {}
    execution = properties.get(EXECUTION_ID)
    return SparkJob(
        id=event["Job ID"],
        description=properties.get(DESCRIPTION),
        execution_id=None if execution is None else int(execution),
        stage_ids=tuple(event["Stage IDs"]),
        started_ms=event["Submission Time"],
        ended_ms=ends.jobs.get(event["Job ID"], ends.last_ms),
    )


def _task(event: Event) -> TaskMetrics:
    metrics = event.get("Task Metrics") or NO_METRICS  # a lost task has none
    return TaskMetrics(
        stage_id=event["Stage ID"],
        run_ms=metrics.get("Executor Run Time", 0),
        cpu_ns=metrics.get("Executor CPU Time", 0),
        gc_ms=metrics.get("JVM GC Time", 0),
        shuffle_bytes=metrics.get("Shuffle Write Metrics", {}).get("Shuffle Bytes Written", 0),
        spilled_bytes=metrics.get("Disk Bytes Spilled", 0),
    )
