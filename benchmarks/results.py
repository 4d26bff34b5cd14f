"""Measurements as JSON lines: one file per scale and mode; a case is measured again only when told to."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "docs" / "benchmarks" / "results"


@dataclass(frozen=True)
class Case:
    """What is measured: measurements of one case are repetitions of each other."""

    engine: str
    mode: str
    scale: str
    day_events: int
    """Events of the day taken in by *increment* and *backfill*; 0 in other modes."""
    threads: int
    memory: str
    cap: int


@dataclass(frozen=True)
class Measurement:
    """One run of a case."""

    case: Case
    work_s: float
    """The figure: work in a started engine."""
    work_cpu_s: float
    phases_s: dict[str, float]
    wall_s: float
    """Of the whole process, session start and warm-up included; so are the memory and the bytes."""
    peak_rss_bytes: int
    written_bytes: int
    stored_bytes: int
    events: int
    """Records taken in; in *features* and *train* users at the cut."""
    digest: dict[str, dict[str, Any]] | None
    """Of all tables; None: this run was not checked."""
    equal: bool | None
    """Whether the digest is that of the other engines; None: not checked, or nothing to compare with yet."""
    commit: str
    started_at: str
    command: str
    differences: list[str] = field(default_factory=list)
    work_written_bytes: int | None = None
    """Handed to the file system in `work_s`; None: not measured yet when this was."""
    machine: str = ""


class Store:
    """All measurements of a folder."""

    def __init__(self, folder: Path = FOLDER) -> None:
        """Open the folder; it need not exist."""
        self.folder = folder

    def read(self) -> list[Measurement]:
        """Read all measurements, oldest first per file."""
        lines = [line for path in sorted(self.folder.glob("*.jsonl")) for line in path.read_text().splitlines()]
        found = [json.loads(line) for line in lines]
        return [Measurement(**{**one, "case": Case(**one["case"])}) for one in found]

    def of(self, case: Case) -> list[Measurement]:
        """Return the repetitions of a case."""
        return [one for one in self.read() if one.case == case]

    def forget(self, case: Case) -> None:
        """Drop a case's measurements, to measure it again."""
        path = self._path(case)
        if path.exists():
            lines = [line for line in path.read_text().splitlines() if json.loads(line)["case"] != asdict(case)]
            path.write_text("".join(line + "\n" for line in lines))

    def add(self, one: Measurement) -> None:
        """Append a measurement."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with self._path(one.case).open("a") as file:
            file.write(json.dumps(asdict(one), sort_keys=True) + "\n")

    def _path(self, case: Case) -> Path:
        return self.folder / f"{case.scale}-{case.mode}.jsonl"
