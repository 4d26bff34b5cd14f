"""Fetch the jars of Delta and of Spark's Kafka source and Avro module into .jars/, once.

No session start touches the network then.

With `--broker` a Kafka broker, into .jars/broker/, which the tests start; with `--postgres` PostgreSQL's JDBC driver.

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
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
JARS = ROOT / ".jars"
LOG = JARS / "resolve.log"


class Jars(NamedTuple):
    """Jars that are resolved together."""

    what: str
    folder: Path
    checksums: Path
    coordinates: tuple[str, ...]
    excluded: tuple[str, ...] = ()
    """What these depend on and we do not need, or Spark brings itself: never fetched."""


DELTA = Jars(
    what="Delta",
    folder=JARS,
    checksums=ROOT / "conf" / "jars.sha256",
    coordinates=("io.delta:delta-spark_4.2_2.13:4.4.0", "io.delta:delta-storage:4.4.0"),
    excluded=(
        "com.*:*",
        "commons-logging:*",
        "commons-pool:*",
        "io.airlift:*",
        "io.delta:delta-kernel-*",
        "io.unitycatalog:*",
        "javax.*:*",
        "org.*:*",
    ),
)
KAFKA = Jars(
    what="Kafka source and Avro",
    folder=JARS,
    checksums=ROOT / "conf" / "jars.sha256",
    coordinates=(
        "org.apache.spark:spark-sql-kafka-0-10_2.13:4.2.0",
        "org.apache.spark:spark-token-provider-kafka-0-10_2.13:4.2.0",
        "org.apache.spark:spark-avro_2.13:4.2.0",
        "org.apache.kafka:kafka-clients:3.9.2",
        "org.apache.commons:commons-pool2:2.13.1",
    ),
    excluded=(
        "at.yawk.lz4:*",
        "com.*:*",
        "org.apache.hadoop:*",
        "org.scala-lang*:*",
        "org.slf4j:*",
        "org.tukaani:*",
        "org.xerial.snappy:*",
    ),
)
BROKER = Jars(
    what="Kafka broker",
    folder=JARS / "broker",
    checksums=ROOT / "conf" / "broker.sha256",
    coordinates=("org.apache.kafka:kafka_2.13:4.4.0", "org.apache.logging.log4j:log4j-slf4j-impl:2.25.5"),
)
POSTGRES = Jars(
    what="PostgreSQL driver",
    folder=JARS,
    checksums=ROOT / "conf" / "postgres.sha256",
    coordinates=("org.postgresql:postgresql:42.7.7",),
    excluded=("org.checkerframework:*",),
)
WANTED = {(): (DELTA, KAFKA), ("--broker",): (BROKER,), ("--postgres",): (POSTGRES,)}
TIMEOUT_SECONDS = 900
ADVICE = (
    "Where downloads need settings, set SPARK_IVY_SETTINGS to an ivysettings.xml, or install Maven with a"
    " settings.xml, and run this again."
)


def jar_name(coordinate: str) -> str:
    """Return the file name of a Maven coordinate `group:artifact:version`."""
    _group, artifact, version = coordinate.split(":")
    return f"{artifact}-{version}.jar"


def wanted(jars: Jars) -> list[str]:
    """Name the files: those of the coordinates, and where nothing is excluded all that they depend on."""
    return [jar_name(each) for each in jars.coordinates] if jars.excluded else sorted(read_checksums(jars))


def read_checksums(jars: Jars) -> dict[str, str]:
    """Read `sha256  name` lines."""
    lines = jars.checksums.read_text(encoding="utf-8").splitlines()
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


def resolve_by_ivy(jars: Jars, scratch: Path) -> bool:
    """Let Spark resolve the coordinates as it would for `--packages`, into a scratch folder."""
    import pyspark  # noqa: PLC0415 - only needed, and only slow, when something has to be fetched

    application = scratch / "nothing.py"
    application.touch()
    settings = os.environ.get("SPARK_IVY_SETTINGS")
    command = [
        str(Path(pyspark.__file__).parent / "bin" / "spark-submit"),
        *("--packages", ",".join(jars.coordinates)),
        *(("--exclude-packages", ",".join(jars.excluded)) if jars.excluded else ()),
        *("--conf", f"spark.jars.ivy={scratch / 'ivy'}"),
        *(("--conf", f"spark.jars.ivySettings={settings}") if settings else ()),
        str(application),
    ]
    os.environ["SPARK_HOME"] = str(Path(pyspark.__file__).parent)
    os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
    return run_logged(command)


def resolve_by_maven(jars: Jars, scratch: Path) -> bool:
    """Let Maven copy the same files, where it is installed."""
    maven = shutil.which("mvn")
    if maven is None:
        return False
    if jars.excluded:
        return all(
            run_logged([maven, "-B", "dependency:copy", f"-Dartifact={each}", f"-DoutputDirectory={scratch / 'maven'}"])
            for each in jars.coordinates
        )
    project = scratch / "pom.xml"
    project.write_text(pom_of(jars), encoding="utf-8")
    copied = f"-DoutputDirectory={scratch / 'maven'}"
    return run_logged(
        [maven, "-B", "-f", str(project), "dependency:copy-dependencies", "-DincludeScope=runtime", copied]
    )


def pom_of(jars: Jars) -> str:
    """Write a project that depends on the coordinates, for Maven to find what they depend on."""
    parts = (each.split(":") for each in jars.coordinates)
    dependencies = "".join(
        f"<dependency><groupId>{group}</groupId><artifactId>{artifact}</artifactId><version>{version}</version></dependency>"
        for group, artifact, version in parts
    )
    head = "<modelVersion>4.0.0</modelVersion><groupId>none</groupId><artifactId>none</artifactId><version>1</version>"
    return f"<project>{head}<packaging>pom</packaging><dependencies>{dependencies}</dependencies></project>"


def find_jar(folder: Path, name: str) -> Path | None:
    """Find a resolved jar: Ivy's retrieved name starts with the group."""
    found = (path for path in sorted(folder.rglob("*.jar")) if f"_{path.name}".endswith(f"_{name}"))
    return next(found, None)


def wrong_jars(jars: Jars) -> list[str]:
    """Say what is missing or differs from its checksum."""
    checksums, problems = read_checksums(jars), []
    for name in wanted(jars):
        path = jars.folder / name
        if not path.is_file():
            problems.append(f"{name}: missing")
        elif (found := sha256_of(path)) != checksums.get(name):
            problems.append(f"{name}: SHA-256 is {found}, {jars.checksums.name} says {checksums.get(name, 'nothing')}")
    return problems


def fetch(jars: Jars) -> bool:
    """Fetch what is missing; true when every jar is there and is the expected one."""
    if not wrong_jars(jars):
        return True
    print(f"setup: fetching the {jars.what} jars", file=sys.stderr)
    jars.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=jars.folder) as folder:
        scratch = Path(folder)
        for resolve in (resolve_by_ivy, resolve_by_maven):
            resolve(jars, scratch)
            found = {name: find_jar(scratch, name) for name in wanted(jars)}
            if all(found.values()):
                break
        for name, path in found.items():
            if path is not None:
                shutil.move(path, jars.folder / name)
    problems = wrong_jars(jars)
    for problem in problems:
        (jars.folder / problem.partition(":")[0]).unlink(missing_ok=True)
        print(f"setup: {problem}", file=sys.stderr)
    if any(problem.endswith("missing") for problem in problems):
        print(
            f"setup: the {jars.what} jars could not be fetched; see {LOG.relative_to(ROOT)}. {ADVICE}", file=sys.stderr
        )
    return not problems


def main(arguments: list[str]) -> int:
    """Fetch what is missing; 0 when every jar is there and is the expected one."""
    sets = WANTED.get(tuple(arguments))
    if sets is None:
        print("usage: fetch_jars.py [--broker | --postgres]", file=sys.stderr)
        return 2
    if any(wrong_jars(jars) for jars in sets):
        JARS.mkdir(exist_ok=True)
        LOG.unlink(missing_ok=True)
    fetched = [fetch(jars) for jars in sets]
    return 0 if all(fetched) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
