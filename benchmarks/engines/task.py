"""What an engine is asked, and how it answers: each runs as a process of its own."""

from __future__ import annotations

import argparse
import json
import sys
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


@dataclass(frozen=True)
class Task:
    """A measurement."""

    mode: str
    """full, increment, backfill, features, train, behaviour, sequences, or parse_<format>."""
    inputs: tuple[Path, ...]
    """Folders with the Parquet files to take in."""
    work: Path
    """The benchmark's folder: holds `conf` and the tiny history for warming up."""
    state: Path
    """The engine's own store: empty for *full*, else a copy of what *full* left, to be changed in place."""
    scratch: Path
    """For spilling, warm-up lakes and the like; emptied afterwards."""
    memory: str
    """Memory limit (heap of a JVM), such as 12GB."""
    threads: int
    cap: int
    """Greatest number of events of a user's day."""
    spark: Mapping[str, str] = field(default_factory=dict)
    """Spark settings that replace or extend those of a run in this process, such as a cluster to run on."""

    @property
    def files(self) -> list[str]:
        """Input files in the order of their days."""
        return self.files_of("parquet")

    def files_of(self, format_: str) -> list[str]:
        """Input files of a format, in the order of their days."""
        return [str(path) for folder in self.inputs for path in sorted(folder.glob(f"*.{format_}"))]


@dataclass
class Clock:
    """Measures an engine's work by parts; session start and warm-up are the part `prepare`."""

    wall_s: dict[str, float] = field(default_factory=dict)
    cpu_s: dict[str, float] = field(default_factory=dict)
    written: dict[str, int] = field(default_factory=dict)
    """Bytes handed to the file system, spilled data included."""
    spans_ms: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    """Start and end of each time a part ran, in milliseconds since 1970, as in Spark's event log."""
    records: int | None = None
    """What a mode without input works on: users at the cut."""

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Measure a part of the work."""
        before, started_ms = _used_by_family(), int(time.time() * 1000)
        yield
        self.spans_ms.setdefault(name, []).append((started_ms, int(time.time() * 1000)))
        used = [after - start for after, start in zip(_used_by_family(), before, strict=True)]
        self.wall_s[name] = round(self.wall_s.get(name, 0) + used[0], 3)
        self.cpu_s[name] = round(self.cpu_s.get(name, 0) + used[1], 2)
        self.written[name] = self.written.get(name, 0) + int(used[2])


def _used_by_family() -> tuple[float, float, int]:
    """Return the time now, and processor seconds and bytes written of this process and its descendants (a JVM)."""
    own = psutil.Process()
    cpu, written = 0.0, 0
    for process in (own, *own.children(recursive=True)):
        with suppress(psutil.Error):
            times = process.cpu_times()
            cpu += times.user + times.system
            written += process.io_counters().write_bytes
    return time.perf_counter(), cpu, written


def main(modes: dict[str, Callable[[Task, Clock], None]]) -> None:
    """Run one task from the command line; the last line of stdout is JSON.

    `work_s` is the figure: wall seconds from the first byte read to the last byte written in a started engine, hence
    without the part `prepare`; `work_cpu_s` is the same in processor seconds, `work_written_bytes` in bytes.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("--mode", choices=sorted(modes), required=True)
    parser.add_argument("--input", dest="inputs", nargs="*", type=Path, default=[])
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--scratch", type=Path, required=True)
    parser.add_argument("--memory", default="12GB")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--cap", type=int, required=True)
    given = parser.parse_args()
    task = Task(**{**vars(given), "inputs": tuple(given.inputs)})
    task.state.mkdir(parents=True, exist_ok=True)
    task.scratch.mkdir(parents=True, exist_ok=True)
    clock = Clock()
    with clock.phase("all"):
        modes[given.mode](task, clock)
    work = {
        name: round(parts.pop("all") - parts.get("prepare", 0), 3)
        for name, parts in (
            ("work_s", clock.wall_s),
            ("work_cpu_s", clock.cpu_s),
            ("work_written_bytes", clock.written),
        )
    }
    answer = {**work, "phases_s": clock.wall_s, "records": clock.records, "spans_ms": clock.spans_ms}
    sys.stdout.write("\n" + json.dumps(answer) + "\n")
