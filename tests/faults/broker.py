"""A real Kafka broker for a test: one process (KRaft), on the loopback, on free ports, with its files in a folder."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
import uuid
from pathlib import Path

import pyspark
import pytest

from tests.conftest import PROJECT

JARS = PROJECT / ".jars" / "broker"
SCALA = next((Path(pyspark.__file__).parent / "jars").glob("scala-library-*.jar"))
"""Spark's resolver leaves Scala's library out: Spark brings it."""
SETTINGS = """
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
log.dirs={folder}/log
num.partitions=3
auto.create.topics.enable=true
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
"""
PATIENCE_S = 60


class Broker:
    """Started, killed without warning, and started again on the same files."""

    def __init__(self, folder: Path) -> None:
        """Format the folder; skip by name where the broker was not fetched."""
        if not list(JARS.glob("kafka_*.jar")):
            pytest.skip("the Kafka broker is absent: python scripts/fetch_jars.py --broker")
        self.folder = folder
        folder.mkdir()
        self.port, controller = free_port(), free_port()
        self.settings = folder / "server.properties"
        self.settings.write_text(SETTINGS.format(port=self.port, controller=controller, folder=folder))
        cluster = uuid.uuid4().hex[:22]
        done = self._java("kafka.tools.StorageTool", "format", "-t", cluster, "-c", str(self.settings))
        assert done.wait() == 0, self.log
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def servers(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        return (self.folder / "broker.log").read_text()[-4000:]

    def start(self) -> None:
        """Start, and wait until it takes connections."""
        self.process = self._java("kafka.Kafka", str(self.settings))
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.log
            with socket.socket() as client:
                if client.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.2)
        raise AssertionError(self.log)

    def kill(self) -> None:
        """End it without warning."""
        if self.process is not None and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def _java(self, *arguments: str) -> subprocess.Popen[bytes]:
        java = Path(os.environ["JAVA_HOME"]) / "bin" / "java" if "JAVA_HOME" in os.environ else "java"
        command = [
            str(java),
            "-Xmx384m",
            "-XX:TieredStopAtLevel=1",
            "-XX:+UseSerialGC",
            "-cp",
            f"{JARS}/*:{SCALA}",
            *arguments,
        ]
        with (self.folder / "broker.log").open("ab") as log:
            return subprocess.Popen(command, cwd=self.folder, stdout=log, stderr=log, start_new_session=True)


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])
