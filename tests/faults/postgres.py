"""A real PostgreSQL for a test: a cluster of its own in a folder, on the loopback, on a free port."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.conftest import PROJECT
from tests.faults.broker import free_port

if TYPE_CHECKING:
    from collections.abc import Sequence

ROLE, PASSWORD, DATABASE = "suite", "canary-password", "postgres"


def find_programs() -> Path:
    """Return the folder of initdb and pg_ctl; skip by name where there is none, or no driver."""
    if not list((PROJECT / ".jars").glob("postgresql-*.jar")):
        pytest.skip("the PostgreSQL driver is absent: python scripts/fetch_jars.py --postgres")
    found = shutil.which("initdb")
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    folders = [Path(found).resolve().parent] if found else installed
    if not folders:
        pytest.skip("PostgreSQL is absent: scripts/postgres.sh")
    return folders[0]


class Postgres:
    """A server with a role that needs a password."""

    def __init__(self) -> None:
        self.programs, self.port = find_programs(), free_port()
        # Not below pytest's folder: root's is closed to the account that the server runs as.
        self.top = Path(tempfile.mkdtemp(prefix="postgres-"))
        self.folder, secret = self.top / "data", self.top / "password"
        self.folder.mkdir()
        secret.write_text(PASSWORD)
        if os.getuid() == 0:  # the server refuses to run as root
            for path in (self.top, self.folder, secret):
                shutil.chown(path, "postgres", "postgres")
        self._call("initdb", "-D", str(self.folder), "-U", ROLE, "-A", "scram-sha-256", "--pwfile", str(secret), "-N")

    @property
    def url(self) -> str:
        return f"jdbc:postgresql://127.0.0.1:{self.port}/{DATABASE}"

    def start(self) -> None:
        settings = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self.folder} -c fsync=off"
        self._call("pg_ctl", "-D", str(self.folder), "-l", str(self.folder / "log"), "-w", "-o", settings, "start")

    def stop(self) -> None:
        self._call("pg_ctl", "-D", str(self.folder), "-m", "immediate", "-w", "stop", check=False)

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self.top)

    def sql(self, text: str) -> None:
        where = ("-h", "127.0.0.1", "-p", str(self.port), "-U", ROLE, "-d", DATABASE)
        environment = {**os.environ, "PGPASSWORD": PASSWORD}
        command = [str(self.programs / "psql"), *where, "-q", "-v", "ON_ERROR_STOP=1", "-c", text]
        subprocess.run(command, env=environment, check=True, capture_output=True)

    def _call(self, program: str, *arguments: str, check: bool = True) -> None:
        command: Sequence[str] = [str(self.programs / program), *arguments]
        user = pwd.getpwnam("postgres").pw_uid if os.getuid() == 0 else None
        subprocess.run(command, user=user, cwd="/", check=check, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
