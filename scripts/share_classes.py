"""Make an archive of Spark's classes in .jars/, which saves each later JVM some seconds of loading them.

The archive is made by a small ingest. Without it everything works, only slower.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ARCHIVE = ROOT / ".jars" / "classes.jsa"
STAMPS = (ROOT / ".venv" / "lock.stamp", ROOT / ".venv" / "java_home")
HEADER = "user_id,session_id,event,timestamp,platform,acquisition_channel,user_cohort,user_lifecycle"
EVENTS = (
    "user_1,s1,home,2024-03-13 10:21:14,desktop,email,2024-01,returning",
    "user_1,s1,home,2024-03-13 10:21:14,desktop,email,2024-01,returning",
    "user_2,s2,cart,2024-03-13 11:21:14,mobile,email,2024-01,new",
)


def main() -> int:
    """Make the archive, unless there is one of this environment."""
    if ARCHIVE.exists() and all(ARCHIVE.stat().st_mtime > stamp.stat().st_mtime for stamp in STAMPS):
        return 0
    print("setup: archiving Spark's classes (half a minute)", flush=True)
    ARCHIVE.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        log = _run_ingest(Path(folder))
    if not ARCHIVE.exists():
        print(f"setup: no archive of Spark's classes was made; jobs start slower. {log[-300:]}", file=sys.stderr)
    return 0


def _run_ingest(folder: Path) -> str:
    file = folder / "events.csv"
    file.write_text("\n".join((HEADER, *EVENTS)) + "\n")
    options = f"-XX:ArchiveClassesAtExit={ARCHIVE} -XX:TieredStopAtLevel=1 -Xlog:disable"
    command = [sys.executable, "jobs/ingest_events.py", "--source", "ecom", "--input", str(file)]
    command += ["--lake", str(folder / "lake"), "--set", f"spark.spark.driver.extraJavaOptions={options}"]
    # The JVM writes the archive when it ends, and keeps this pipe open until then.
    done = subprocess.run(command, cwd=ROOT, env=os.environ, capture_output=True, text=True, check=False)
    return done.stderr


if __name__ == "__main__":
    sys.exit(main())
