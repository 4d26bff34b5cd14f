"""Profiles from a small event log: which step is credited with what."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks.profile.batches import write_batches
from benchmarks.profile.event_log import SQL, EventLog, event_log_settings, parse_events, read_log_folder
from benchmarks.profile.table import ProfileStore, RunProfile, format_table, to_json
from benchmarks.profile.usage import NO_STEP, Interval, covered_ms, step_of, usage_by_step

if TYPE_CHECKING:
    from pathlib import Path

Event = dict[str, Any]


def execution(number: int, description: str, start: int, end: int, root: int | None = None) -> list[Event]:
    started = {"executionId": number, "rootExecutionId": root, "description": description, "sparkPlanInfo": {}}
    return [
        {"Event": f"{SQL}Start", **started, "time": start},
        {"Event": f"{SQL}End", "executionId": number, "time": end},
    ]


def job(number: int, stages: list[int], start: int, end: int, **properties: str) -> list[Event]:
    named = {"description": "spark.job.description", "execution": "spark.sql.execution.id"}
    given = {named[key]: value for key, value in properties.items()}
    started = {"Job ID": number, "Submission Time": start, "Stage IDs": stages, "Properties": given}
    return [
        {"Event": "SparkListenerJobStart", **started},
        {"Event": "SparkListenerJobEnd", "Job ID": number, "Completion Time": end},
    ]


def stage(number: int, end: int, tasks: int = 1) -> list[Event]:
    metrics = {
        "Executor Run Time": 1500,
        "Executor CPU Time": 1_000_000_000,
        "JVM GC Time": 100,
        "Disk Bytes Spilled": 7,
        "Shuffle Write Metrics": {"Shuffle Bytes Written": 1000},
    }
    task = {"Event": "SparkListenerTaskEnd", "Stage ID": number, "Task Info": {"Finish Time": end}}
    info = {"Stage ID": number, "Completion Time": end}
    return [{**task, "Task Metrics": metrics}] * tasks + [{"Event": "SparkListenerStageCompleted", "Stage Info": info}]


EVENTS = [
    {"Event": "SparkListenerLogStart", "Spark Version": "4.2.0"},
    {"Event": "SparkListenerApplicationStart", "Timestamp": 1000},
    # A query of step "index": planned for a second, then one job of two stages.
    *execution(0, "index", 3000, 9000),
    *job(0, [0, 1], 4000, 8000, description="index", execution="0"),
    *stage(0, 6000, tasks=2),
    *stage(1, 8000),
    # A command of step "write events": Delta looks at its table in a nested execution, with a description of its own.
    *execution(1, "write events", 10_000, 20_000),
    *execution(2, "Delta: write events: Filtering files for query", 11_000, 13_000, root=1),
    *job(1, [2], 12_000, 13_000, description="Delta: write events: Filtering files for query", execution="2"),
    *stage(2, 13_000),
    *job(2, [1, 3], 14_000, 19_000, description="write at Writer.scala:7", execution="1"),
    *stage(3, 19_000),
    # Something without a step, without a job.
    *execution(3, "head at context.py:59", 21_000, 21_500),
    {"Event": "SparkListenerApplicationEnd", "Timestamp": 22_000},
]


@pytest.fixture
def log() -> EventLog:
    return parse_events(EVENTS)


@pytest.mark.parametrize(
    ("description", "step"),
    [
        ("index", "index"),
        ("take in: two units", "take in: two units"),
        (None, None),
        ("count at NativeMethodAccessorImpl.java:0", None),
        ("$anonfun$record$1 at DatabricksLogging.scala:128", None),
        ("Delta: Filtering files for query", None),
        ("Delta: Compute snapshot for version: 3", None),
        ("Delta: index: Compute snapshot for version: 3", "index"),
        ("Delta: Delta: index: Filtering files for query: Compute snapshot for version: 3", "index"),
        ("Delta: Delta: Filtering files for query: Compute snapshot for version: 3", None),
    ],
)
def test_step_of__descriptions_of_spark_and_delta(description: str | None, step: str | None) -> None:
    assert step_of(description) == step


def test_usage_by_step__counts_and_resources(log: EventLog) -> None:
    index, write, none = usage_by_step(log).steps
    assert (index.step, write.step, none.step) == ("index", "write events", NO_STEP)
    assert (index.jobs, index.executions, index.stages, index.tasks) == (1, 1, 2, 3)
    assert (index.task_s, index.task_cpu_s, index.gc_s) == pytest.approx((4.5, 3.0, 0.3))
    assert (index.shuffle_bytes, index.spilled_bytes) == (3000, 21)
    assert (write.jobs, write.executions, write.stages, write.tasks) == (2, 2, 2, 2)
    assert (none.jobs, none.executions, none.stages, none.tasks) == (0, 1, 0, 0)


def test_usage_by_step__seconds_of_planning_and_without_a_job(log: EventLog) -> None:
    index, write, none = usage_by_step(log).steps
    assert (index.wall_s, index.planning_s, index.no_job_s) == (6.0, 1.0, 3.0)
    # Until the nested execution starts, and until that one's job does.
    assert (write.wall_s, write.planning_s, write.no_job_s) == (10.0, 2.0, 5.0)
    # Without a job the whole execution counts; and the time after the last job.
    assert (none.wall_s, none.planning_s, none.no_job_s) == (0.5, 0.5, 3.0)


def test_usage_by_step__total(log: EventLog) -> None:
    total = usage_by_step(log).total
    assert (total.jobs, total.executions, total.stages, total.tasks) == (3, 4, 4, 5)
    assert (total.wall_s, total.planning_s, total.no_job_s) == (21.0, 3.5, 11.0)


def test_usage_by_step__only_what_starts_within_the_windows(log: EventLog) -> None:
    usage = usage_by_step(log, [Interval(9500, 13_500), Interval(20_500, 22_000)])
    assert [step.step for step in usage.steps] == ["write events", NO_STEP]
    assert (usage.total.jobs, usage.total.executions, usage.total.tasks) == (1, 3, 1)
    assert usage.total.wall_s == 5.5
    assert usage.total.no_job_s == 4.5


def test_usage_by_step__a_shared_stage_counts_for_the_first_job_that_lists_it(log: EventLog) -> None:
    assert sum(step.stages for step in usage_by_step(log).steps) == len(log.stages)


def test_parse_events__a_run_that_was_interrupted() -> None:
    unfinished = [*execution(0, "index", 3000, 9000)[:1], *job(0, [0], 4000, 8000)[:1], *stage(0, 6000)]
    log = parse_events(unfinished)
    assert (log.executions[0].ended_ms, log.jobs[0].ended_ms) == (6000, 6000)


def test_parse_events__a_lost_task_has_no_metrics() -> None:
    lost = {"Event": "SparkListenerTaskEnd", "Stage ID": 0, "Task Info": {"Finish Time": 5}, "Task Metrics": None}
    assert parse_events([lost]).tasks[0].run_ms == 0


@pytest.mark.parametrize(
    ("intervals", "length"),
    [([], 0), ([(0, 5), (2, 3)], 5), ([(4, 6), (0, 2)], 4), ([(0, 2), (1, 4)], 4)],
)
def test_covered_ms__overlapping_intervals(intervals: list[tuple[int, int]], length: int) -> None:
    assert covered_ms(Interval(*one) for one in intervals) == length


def test_read_log_folder__needs_one_log(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="found 0"):
        read_log_folder(tmp_path)
    (tmp_path / "local-1").write_text("".join(json.dumps(event) + "\n" for event in EVENTS))
    (tmp_path / ".local-1.crc").write_text("")
    assert read_log_folder(tmp_path) == parse_events(EVENTS)
    (tmp_path / "local-2").write_text("")
    with pytest.raises(ValueError, match="found 2"):
        read_log_folder(tmp_path)


def test_event_log_settings__one_plain_file(tmp_path: Path) -> None:
    settings = event_log_settings(tmp_path)
    assert settings["spark.eventLog.dir"].startswith("file://")
    assert (settings["spark.eventLog.compress"], settings["spark.eventLog.rolling.enabled"]) == ("false", "false")


def test_profile__table_and_json(log: EventLog, tmp_path: Path) -> None:
    usage = usage_by_step(log)
    profile = RunProfile("1M small", usage.steps, usage.total, 20.0, 12.3456, batches=(usage.total,))
    table = format_table(profile).splitlines()
    assert [line.split("  ")[0] for line in table if not line.startswith("-")] == [
        *("1M small", "step", "index", "write events", NO_STEP, "total", "total"),
        "process: 20.0 s wall, 12.3 s processor",
    ]
    path = ProfileStore(tmp_path / "profiles").add(profile)
    assert path.name == "1M-small.jsonl"
    stored = json.loads(path.read_text())
    assert stored == json.loads(to_json(profile))
    assert (stored["total"]["jobs"], stored["process_cpu_s"]) == (3, 12.346)


def test_write_batches__cut_in_the_order_of_receipt(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet  # noqa: PLC0415  needs pyarrow

    for day, received in enumerate(([3, 1, 2], [6, 5, 4])):
        parquet.write_table(pa.table({"received_at": received}), tmp_path / f"day={day}.parquet")
    files = write_batches(tmp_path, tmp_path / "batches", count=2, records=2)
    assert [parquet.read_table(file)["received_at"].to_pylist() for file in files] == [[1, 2], [3, 4]]
    with pytest.raises(SystemExit, match="more than the 6"):
        write_batches(tmp_path, tmp_path / "batches", count=4, records=2)
