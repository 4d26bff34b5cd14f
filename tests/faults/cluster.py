"""A standalone Spark cluster on this machine, from the installed pyspark: a master and two workers of one core."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import time
import urllib.request
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyspark

if TYPE_CHECKING:
    from collections.abc import Iterator

SPARK_HOME = Path(pyspark.__file__).parent
WORKERS = 2
PATIENCE_S = 120
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
def standalone_cluster(folder: Path) -> Iterator[Cluster]:
    """Start a cluster on free ports of the loopback, wait for its workers, and stop all of it in the end."""
    port, page = _free_ports(2)
    master = f"spark://127.0.0.1:{port}"
    with ExitStack() as running:
        log = running.enter_context((folder / "daemons.log").open("w"))

        def start(kind: str, *arguments: str) -> int:
            daemon = _start(f"org.apache.spark.deploy.{kind}", "--host", "127.0.0.1", *arguments, log=log)
            running.callback(_stop, daemon)
            return daemon.pid

        start("master.Master", "--port", str(port), "--webui-port", str(page))
        workers = [
            start("worker.Worker", "--cores", "1", "--memory", "1g", "--webui-port", "0",
                  "--work-dir", str(folder / f"worker-{number}"), master)
            for number in range(WORKERS)
        ]  # fmt: skip
        _wait_for_workers(f"http://127.0.0.1:{page}/json/")
        yield Cluster(master, folder, tuple(workers))


def _start(kind: str, *arguments: str, log) -> subprocess.Popen[bytes]:
    environment = {
        **os.environ,
        "SPARK_HOME": str(SPARK_HOME),
        "SPARK_DAEMON_MEMORY": "384m",
        "SPARK_LOCAL_IP": "127.0.0.1",
    }
    command = [str(SPARK_HOME / "bin" / "spark-class"), kind, *arguments]
    # A session of its own, so that a worker can be ended with its executors.
    return subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)


def _stop(daemon: subprocess.Popen[bytes]) -> None:
    os.killpg(daemon.pid, signal.SIGKILL)
    daemon.wait()


def _wait_for_workers(page: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    alive = 0
    while alive < WORKERS:
        assert time.monotonic() < deadline, f"{alive} of {WORKERS} workers after {PATIENCE_S} s"
        time.sleep(0.3)
        try:
            with urllib.request.urlopen(page, timeout=5) as answer:  # noqa: S310  our own address
                alive = json.load(answer)["aliveworkers"]
        except OSError:
            continue


def _free_ports(count: int) -> list[int]:
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
