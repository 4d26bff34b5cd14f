"""Fetch the Delta jars into .jars/ once, so that no session start touches the network.

Spark's own Ivy resolver does the fetching, with whatever this machine has set for it: SPARK_IVY_SETTINGS (an
ivysettings.xml), DEFAULT_ARTIFACT_REPOSITORY, JAVA_TOOL_OPTIONS. Where it cannot and Maven is there, it does,
with its own settings.xml.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
JARS = ROOT / ".jars"
LOG = JARS / "resolve.log"
CHECKSUMS = ROOT / "conf" / "jars.sha256"
COORDINATES = (
    "io.delta:delta-spark_4.2_2.13:4.4.0",
    "io.delta:delta-storage:4.4.0",
)
# What Delta depends on and local tables do not need, or Spark brings itself: never fetched.
EXCLUDED = (
    "com.*:*",
    "commons-logging:*",
    "commons-pool:*",
    "io.airlift:*",
    "io.delta:delta-kernel-*",
    "io.unitycatalog:*",
    "javax.*:*",
    "org.*:*",
)
TIMEOUT_SECONDS = 900
ADVICE = (
    "Where downloads need settings, set SPARK_IVY_SETTINGS to an ivysettings.xml, or install Maven with a"
    " settings.xml, and run this again."
)


def jar_name(coordinate: str) -> str:
    """Return the file name of a Maven coordinate `group:artifact:version`."""
    _group, artifact, version = coordinate.split(":")
    return f"{artifact}-{version}.jar"


def read_checksums() -> dict[str, str]:
    """Read `sha256  name` lines."""
    lines = CHECKSUMS.read_text(encoding="utf-8").splitlines()
    return {name: digest for digest, name in (line.split() for line in lines if line.strip())}


def sha256_of(path: Path) -> str:
    """Hash a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def run_logged(command: list[str]) -> bool:
    """Run a command with its output appended to the log; true when it ended with 0."""
    with LOG.open("a", encoding="utf-8") as log:
        log.write(f"$ {' '.join(command)}\n")
        log.flush()
        try:
            done = subprocess.run(command, stdout=log, stderr=log, check=False, timeout=TIMEOUT_SECONDS)
        except (OSError, subprocess.TimeoutExpired) as error:
            log.write(f"{error}\n")
            return False
    return done.returncode == 0


def resolve_by_ivy(scratch: Path) -> bool:
    """Let Spark resolve the coordinates as it would for `--packages`, into a scratch folder."""
    import pyspark  # noqa: PLC0415 - only needed, and only slow, when something has to be fetched

    application = scratch / "nothing.py"
    application.touch()
    settings = os.environ.get("SPARK_IVY_SETTINGS")
    command = [
        str(Path(pyspark.__file__).parent / "bin" / "spark-submit"),
        *("--packages", ",".join(COORDINATES)),
        *("--exclude-packages", ",".join(EXCLUDED)),
        *("--conf", f"spark.jars.ivy={scratch / 'ivy'}"),
        *(("--conf", f"spark.jars.ivySettings={settings}") if settings else ()),
        str(application),
    ]
    os.environ["SPARK_HOME"] = str(Path(pyspark.__file__).parent)
    os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
    return run_logged(command)


def resolve_by_maven(scratch: Path) -> bool:
    """Let Maven copy the same files, where it is installed."""
    maven = shutil.which("mvn")
    return maven is not None and all(
        run_logged([maven, "-B", "dependency:copy", f"-Dartifact={each}", f"-DoutputDirectory={scratch / 'maven'}"])
        for each in COORDINATES
    )


def find_jar(folder: Path, name: str) -> Path | None:
    """Find a resolved jar: Ivy's retrieved name starts with the group."""
    found = (path for path in sorted(folder.rglob("*.jar")) if f"_{path.name}".endswith(f"_{name}"))
    return next(found, None)


def wrong_jars(names: list[str], checksums: dict[str, str]) -> list[str]:
    """Say what is missing from .jars/ or differs from its checksum."""
    problems = []
    for name in names:
        path = JARS / name
        if not path.is_file():
            problems.append(f"{name}: missing")
        elif (found := sha256_of(path)) != checksums.get(name):
            problems.append(f"{name}: SHA-256 is {found}, conf/jars.sha256 says {checksums.get(name, 'nothing')}")
    return problems


def main() -> int:
    """Fetch what is missing; 0 when every jar is there and is the expected one."""
    names = [jar_name(each) for each in COORDINATES]
    checksums = read_checksums()
    if not wrong_jars(names, checksums):
        return 0
    print("setup: fetching the Delta jars", file=sys.stderr)
    JARS.mkdir(exist_ok=True)
    LOG.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(dir=JARS) as folder:
        scratch = Path(folder)
        for resolve in (resolve_by_ivy, resolve_by_maven):
            resolve(scratch)
            found = {name: find_jar(scratch, name) for name in names}
            if all(found.values()):
                break
        for name, path in found.items():
            if path is not None:
                shutil.move(path, JARS / name)
    problems = wrong_jars(names, checksums)
    for problem in problems:
        (JARS / problem.partition(":")[0]).unlink(missing_ok=True)
        print(f"setup: {problem}", file=sys.stderr)
    if any(problem.endswith("missing") for problem in problems):
        print(
            f"setup: the Delta jars could not be fetched; see {LOG.relative_to(ROOT)}. {ADVICE}",
            file=sys.stderr,
        )
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
