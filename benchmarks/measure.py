"""Run a command as a process of its own and measure it together with all its children."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

if TYPE_CHECKING:
    from collections.abc import Sequence

SAMPLE_S = 0.1
NEWBORN_S = 1.0
"""A JVM starts small commands (chmod and the like) by vfork: until they exec they show the JVM's memory as theirs."""


@dataclass(frozen=True)
class Usage:
    """What a process and its children used."""

    wall_s: float
    peak_rss_bytes: int
    """Greatest sum of resident memory at one instant, sampled ten times a second."""
    written_bytes: int
    """What was handed to the file system, spilled data included."""
    cpu_s: float
    """Processor seconds, up to the last sample of each process."""
    answer: dict[str, Any]
    """The last line of stdout."""


def measure(command: Sequence[str], log: Path, env: dict[str, str]) -> Usage:
    """Run a command to its end.

    Raises:
        RuntimeError: it failed; names the log.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    started = time.perf_counter()
    with log.open("w") as errors:
        child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True, env=env)
        sampler = _Sampler(child.pid)
        sampler.start()
        output, _ = child.communicate()
        sampler.stop()
    wall = time.perf_counter() - started
    if child.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {child.returncode}: see {log}")
    answer = json.loads(output.strip().splitlines()[-1])
    return Usage(round(wall, 3), sampler.peak, sampler.written, round(sampler.cpu_s, 2), answer)


def folder_bytes(folder: Path) -> int:
    """Sum the sizes of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


class _Sampler(threading.Thread):
    """Looks at a process and its descendants again and again; remembers the last seen of each."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.peak = 0
        self._root = psutil.Process(pid)
        self._seen: dict[psutil.Process, int] = {}
        self._cpu_s: dict[psutil.Process, float] = {}
        self._done = threading.Event()

    @property
    def written(self) -> int:
        return sum(self._seen.values())

    @property
    def cpu_s(self) -> float:
        return sum(self._cpu_s.values())

    def run(self) -> None:
        while not self._done.wait(SAMPLE_S):
            try:
                family = [self._root, *self._root.children(recursive=True)]
            except psutil.Error:
                return
            self.peak = max(self.peak, sum(self._look(process) for process in family))

    def stop(self) -> None:
        self._done.set()
        self.join()

    def _look(self, process: psutil.Process) -> int:
        try:
            with process.oneshot():
                self._seen[process] = process.io_counters().write_bytes
                times = process.cpu_times()
                self._cpu_s[process] = times.user + times.system
                newborn = process is not self._root and time.time() - process.create_time() < NEWBORN_S
                return 0 if newborn else int(process.memory_info().rss)
        except psutil.Error:
            return 0
