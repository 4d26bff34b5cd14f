"""A cluster on this machine, whose executors are watched and killed."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.standalone import standalone_cluster

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TASK_BEGINS, TASK_ENDS = "Running task", "Finished task"


@dataclass(frozen=True)
class Cluster:
    """A running cluster."""

    master: str
    folder: Path
    """Where the workers keep what executors write to stderr: <worker>/<application>/<executor>/stderr."""
    workers: tuple[int, ...]
    """Process ids."""

    def tasks_ended(self) -> dict[str, int]:
        """Return executor number -> how many tasks it has finished, of the newest application."""
        newest = max(application for application, _ in self._logs())
        return {n: text.count(TASK_ENDS) for (application, n), text in self._logs().items() if application == newest}

    def kill_an_executor_at_work(self, run: subprocess.Popen[str], when: str) -> str:
        """SIGKILL an executor in the middle of a task, once its log matches a pattern; return its number.

        An executor is halted before its log is read, so that what the log says of it still holds when it is killed.
        """
        while run.poll() is None:
            for pid, name in self._executors():
                os.kill(pid, signal.SIGSTOP)
                time.sleep(0.05)  # its worker copies what it wrote last
                log = self._logs().get(name, "")
                is_time = log.count(TASK_BEGINS) > log.count(TASK_ENDS) and re.search(when, log, flags=re.DOTALL)
                os.kill(pid, signal.SIGKILL if is_time else signal.SIGCONT)
                if is_time:
                    return name[1]
            time.sleep(0.05)
        raise AssertionError(f"the run ended before an executor could be killed: tasks ended {self.tasks_ended()}")

    def _logs(self) -> dict[tuple[str, str], str]:
        """Return (application, executor number) -> what the executor has written to stderr."""
        logs = self.folder.glob("*/app-*/*/stderr")
        return {(log.parts[-3], log.parts[-2]): log.read_text(errors="replace") for log in logs}

    def _executors(self) -> list[tuple[int, tuple[str, str]]]:
        """Return the running executors: process id, (application, executor number)."""
        listing = subprocess.run(["ps", "-axww", "-o", "pid=,ppid=,args="], capture_output=True, text=True, check=True)
        pattern = r"^\s*(\d+)\s+(\d+) .* --executor-id (\d+) .*--app-id (\S+)"
        found = re.findall(pattern, listing.stdout, flags=re.MULTILINE)
        return [(int(pid), (app, number)) for pid, parent, number, app in found if int(parent) in self.workers]


@contextmanager
def watched_cluster(folder: Path) -> Iterator[Cluster]:
    """Start a cluster of two workers whose executors can be watched and killed."""
    with standalone_cluster(folder) as running:
        yield Cluster(running.master, folder, running.workers)
