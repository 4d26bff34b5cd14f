"""A standalone Spark cluster on this machine, from the installed pyspark: a master and workers of one core."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
import urllib.request
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, NamedTuple

import pyspark

if TYPE_CHECKING:
    from collections.abc import Iterator

SPARK_HOME = Path(pyspark.__file__).parent
PATIENCE_S = 120


class Standalone(NamedTuple):
    """A running cluster."""

    master: str
    workers: tuple[int, ...]
    """Process ids."""


@contextmanager
def standalone_cluster(folder: Path, *, workers: int = 2, memory: str = "1g") -> Iterator[Standalone]:
    """Start a cluster on free ports of the loopback, wait for its workers, and stop all of it in the end.

    Args:
        folder: for logs and the workers' folders; executors write to <folder>/worker-<n>/<application>/<executor>/.
        workers: how many, of one core each.
        memory: what each may give to executors.

    Raises:
        TimeoutError: not all workers are there after two minutes.
    """
    port, page = _free_ports(2)
    master = f"spark://127.0.0.1:{port}"
    with ExitStack() as running:
        log = running.enter_context((folder / "daemons.log").open("w"))

        def start(kind: str, *arguments: str) -> int:
            daemon = _start(f"org.apache.spark.deploy.{kind}", "--host", "127.0.0.1", *arguments, log=log)
            running.callback(_stop, daemon)
            return daemon.pid

        start("master.Master", "--port", str(port), "--webui-port", str(page))
        started = [
            start("worker.Worker", "--cores", "1", "--memory", memory, "--webui-port", "0",
                  "--work-dir", str(folder / f"worker-{number}"), master)
            for number in range(workers)
        ]  # fmt: skip
        _wait_for_workers(f"http://127.0.0.1:{page}/json/", workers)
        yield Standalone(master, tuple(started))


def _start(kind: str, *arguments: str, log: IO[str]) -> subprocess.Popen[bytes]:
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


def _wait_for_workers(page: str, workers: int) -> None:
    deadline = time.monotonic() + PATIENCE_S
    alive = 0
    while alive < workers:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{alive} of {workers} workers after {PATIENCE_S} s")
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
