"""Runs the engines one after the other in turns, each in a process of its own, and keeps what they answer."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from benchmarks.measure import measure
from benchmarks.models.data import Users, generate

if TYPE_CHECKING:
    from collections.abc import Sequence

PROJECT = Path(__file__).parents[2]
ENGINES = {"suite": "suite", "scikit-learn": "scikit_learn", "xgboost": "gradient_boosting"}
"""Engine -> module of this package."""
NEEDED = {"xgboost": "xgboost"}
"""Engine -> package that set-up does not install."""
RESULTS = "models.jsonl"


@dataclass(frozen=True)
class Run:
    """One run of an engine."""

    engine: str
    users: int
    features: int
    threads: int
    memory: str
    seconds: dict[str, float]
    """Phase -> wall seconds in a started engine; `prepare` is start and warm-up."""
    processor_s: dict[str, float]
    quality: dict[str, float]
    peak_rss_bytes: int
    command: str
    commit: str
    started_at: str
    machine: str

    @property
    def case(self) -> tuple[int, int, int, str]:
        """What is equal in runs that are compared."""
        return self.users, self.features, self.threads, self.memory


def read_runs(folder: Path) -> list[Run]:
    """Read all runs, oldest first."""
    path = folder / RESULTS
    return [Run(**json.loads(line)) for line in path.read_text().splitlines()] if path.exists() else []


def run_engines(  # noqa: PLR0913  one keyword per option
    users: Users,
    *,
    engines: Sequence[str],
    repeat: int,
    threads: int,
    memory: str,
    work: Path,
    results: Path,
    command: str,
) -> None:
    """Measure each engine `repeat` times, in turns; an engine whose package is missing is left out and named."""
    generate(users)
    for repetition in range(repeat):
        for engine in engines:
            package = NEEDED.get(engine)
            if package is not None and find_spec(package) is None:
                print(f"{engine} is left out: not installed (pip install -r benchmarks/requirements.txt)", flush=True)
                continue
            print(f"{users.users} users x {users.features}, {engine}, {repetition + 1} of {repeat}", flush=True)
            one = _run(users, engine, threads, memory, work / "logs" / f"models-{engine}.log", command)
            results.mkdir(parents=True, exist_ok=True)
            with (results / RESULTS).open("a") as file:
                file.write(json.dumps(asdict(one), sort_keys=True) + "\n")
            print(f"  {one.seconds}\n  {one.quality}", flush=True)


def _run(users: Users, engine: str, threads: int, memory: str, log: Path, command: str) -> Run:
    given = {"--root": users.root, "--users": users.users, "--features": users.features}
    limits = {"--threads": threads, "--memory": memory}
    asked = [sys.executable, "-m", f"benchmarks.models.{ENGINES[engine]}"]
    asked += [str(part) for option in (given | limits).items() for part in option]
    numbers = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), str(threads))
    usage = measure(asked, log, {**os.environ, **numbers, "PYTHONPATH": str(PROJECT)})
    return Run(
        engine=engine,
        users=users.users,
        features=users.features,
        threads=threads,
        memory=memory,
        seconds=usage.answer["seconds"],
        processor_s=usage.answer["processor_s"],
        quality=usage.answer["quality"],
        peak_rss_bytes=usage.peak_rss_bytes,
        command=command,
        commit=_commit(),
        started_at=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        machine=f"{psutil.cpu_count()} cores, {psutil.virtual_memory().total / 2**30:.0f} GiB",
    )


def _commit() -> str:
    """Return the commit, with a + where the working tree differs from it."""
    described = ["git", "describe", "--always", "--dirty=+"]
    found = subprocess.run(described, capture_output=True, text=True, check=False, cwd=PROJECT)
    return found.stdout.strip()
