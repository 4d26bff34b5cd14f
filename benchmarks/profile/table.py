"""Print a profile as a table, or write it as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from benchmarks.profile.usage import StepUsage

if TYPE_CHECKING:
    from pathlib import Path

WIDTH = 44
"""Characters of a step's name; longer names are cut."""
COLUMNS = {
    "jobs": lambda one: f"{one.jobs:,}",
    "SQL": lambda one: f"{one.executions:,}",
    "stages": lambda one: f"{one.stages:,}",
    "tasks": lambda one: f"{one.tasks:,}",
    "task s": lambda one: f"{one.task_s:,.1f}",
    "cpu s": lambda one: f"{one.task_cpu_s:,.1f}",
    "gc s": lambda one: f"{one.gc_s:,.1f}",
    "shuffle": lambda one: f"{one.shuffle_bytes / 1e6:,.1f}",
    "spill": lambda one: f"{one.spilled_bytes / 1e6:,.1f}",
    "wall s": lambda one: f"{one.wall_s:,.1f}",
    "plan s": lambda one: f"{one.planning_s:,.1f}",
    "no job s": lambda one: f"{one.no_job_s:,.1f}",
}


@dataclass(frozen=True)
class RunProfile:
    """Profile of one run, as it is stored."""

    name: str
    """Mode and scale, or the script of a job."""
    steps: tuple[StepUsage, ...]
    total: StepUsage
    process_wall_s: float
    """Of a job its whole process, start of Python and the JVM included; of other modes the measured part."""
    process_cpu_s: float
    """Processor seconds of the Python process, the JVM and their children: compilers and collector included."""
    batches: tuple[StepUsage, ...] = ()
    """Totals of each measured batch of mode *small*."""
    commit: str = ""
    started_at: str = ""
    machine: str = ""


@dataclass(frozen=True)
class ProfileStore:
    """Profiles as JSON lines, one file per name."""

    folder: Path = field(repr=False)

    def add(self, profile: RunProfile) -> Path:
        """Append a profile; return its file."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"{profile.name.replace(' ', '-').replace('/', '-')}.jsonl"
        with path.open("a") as file:
            file.write(to_json(profile) + "\n")
        return path


def to_json(profile: RunProfile) -> str:
    """Write a profile as one line of JSON; seconds are rounded to milliseconds."""

    def rounded(value: object) -> object:
        if isinstance(value, dict):
            return {key: rounded(one) for key, one in value.items()}
        if isinstance(value, list | tuple):
            return [rounded(one) for one in value]
        return round(value, 3) if isinstance(value, float) else value

    return json.dumps(rounded(asdict(profile)), sort_keys=True)


def format_table(profile: RunProfile) -> str:
    """Format a profile as aligned text: a line per step, the total, and the batches of mode *small*."""
    rows = [("step", *COLUMNS), *(_cells(one) for one in (*profile.steps, profile.total, *profile.batches))]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = [_align(row, widths) for row in rows]
    rule = "-" * len(lines[0])
    steps = 1 + len(profile.steps)
    parts = [lines[:1], lines[1:steps], lines[steps : steps + 1], lines[steps + 1 :]]
    body = f"\n{rule}\n".join("\n".join(part) for part in parts if part)
    process = f"process: {profile.process_wall_s:,.1f} s wall, {profile.process_cpu_s:,.1f} s processor"
    return f"{profile.name}\n{body}\n{process}"


def _cells(one: StepUsage) -> tuple[str, ...]:
    name = one.step if len(one.step) <= WIDTH else f"{one.step[: WIDTH - 3]}..."
    return name, *(text(one) for text in COLUMNS.values())


def _align(cells: tuple[str, ...], widths: list[int]) -> str:
    first, *others = (
        cell.ljust(width) if i == 0 else cell.rjust(width)
        for i, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )
    return "  ".join([first, *others])
