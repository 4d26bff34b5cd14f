"""Run engines on the same input, one after the other in turns, each in a process of its own; check, store, resume."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from benchmarks.contract import BEHAVIOUR as ASKED
from benchmarks.contract import PARSED, PARSES
from benchmarks.equality import differences, digest_tables
from benchmarks.formats import folder_of, write_formats
from benchmarks.measure import Usage, folder_bytes, measure
from benchmarks.results import Case, Measurement, Store
from benchmarks.scales import SCALES, Inputs

if TYPE_CHECKING:
    from collections.abc import Sequence

PROJECT = Path(__file__).parents[1]
SUITE, CLUSTER = OURS = ("suite", "cluster")
_STORED = ("full", "increment", "backfill", "features", "train", "behaviour", "sequences")
FULL, INCREMENT, BACKFILL, FEATURES, TRAIN, BEHAVIOUR, SEQUENCES = _STORED
MODES = (*_STORED, *PARSES)
ALONE = (FEATURES, TRAIN, SEQUENCES)
"""Modes of ours alone: there is nothing to compare with."""
DUCKDB_KEPT = "duckdb_increment"
ENGINES: dict[str, dict[str, str]] = {
    SUITE: {**dict.fromkeys(_STORED, "suite"), **dict.fromkeys(PARSES, "suite_parse")},
    CLUSTER: dict.fromkeys((FULL, INCREMENT, BACKFILL), "cluster"),
    "duckdb": {
        FULL: "duckdb_peer",
        **dict.fromkeys((INCREMENT, BACKFILL), DUCKDB_KEPT),
        BEHAVIOUR: "duckdb_behaviour",
        **dict.fromkeys(PARSES, "duckdb_parse"),
    },
    "polars": {FULL: "polars_peer", BEHAVIOUR: "polars_behaviour"},
    "pyspark": {FULL: "pyspark_peer"},
}
"""Engine -> mode -> module in `benchmarks.engines`."""
BASES = {("duckdb", INCREMENT): "basis", ("duckdb", BACKFILL): "basis", (SUITE, TRAIN): "trained"}
"""What turns a copy of the full build into what a mode starts from: a mode of the engine's, run once, in no figure."""
CHECKS = ("each", "first", "none")


@dataclass(frozen=True)
class Plan:
    """What to measure and how."""

    work: Path
    scale: str
    day_events: int
    modes: Sequence[str]
    engines: Sequence[str]
    repeat: int
    threads: int
    memory: str
    cap: int
    check: str
    again: bool
    command: str

    @property
    def inputs(self) -> Inputs:
        """Where the input lies."""
        return Inputs(self.work / "data", SCALES[self.scale], self.day_events)

    def case(self, engine: str, mode: str) -> Case:
        """Name a measurement's case."""
        day_events = self.day_events if mode in (INCREMENT, BACKFILL) else 0
        return Case(engine, mode, self.scale, day_events, self.threads, self.memory, self.cap)

    def state(self, engine: str, mode: str) -> Path:
        """Return where an engine keeps its store in a mode; that of *full* and the bases stay."""
        return self.work / "state" / f"{self.scale}-{self.cap}" / engine / mode


def run(plan: Plan, store: Store) -> None:
    """Measure what is missing: repetition by repetition, the engines in turns."""
    lay_out_configuration(plan.work)
    if set(plan.modes) & set(PARSES):
        for name in ("tiny", plan.scale):
            write_formats(Inputs(plan.work / "data", SCALES[name], 0))
    for mode in plan.modes:
        engines = [engine for engine in plan.engines if mode in ENGINES[engine]]
        if plan.again:
            for engine in engines:
                store.forget(plan.case(engine, mode))
        done = {engine: len(store.of(plan.case(engine, mode))) for engine in engines}
        for repetition in range(plan.repeat):
            for engine in engines:
                if done[engine] <= repetition:
                    _say(f"{plan.scale} {mode} {engine}, repetition {repetition + 1} of {plan.repeat}")
                    _measure_case(plan, store, engine, mode)


def engine_command(plan: Plan, engine: str, mode: str, state: Path, scratch: Path) -> list[str]:
    """Return the command of an engine's process; modes that are not measured run in the module of *increment*."""
    given = _input(plan, mode)
    inputs = ["--input", str(given)] if given else []
    modules = ENGINES[engine]
    module = modules.get(mode) or modules[INCREMENT]
    command = [sys.executable, "-m", f"benchmarks.engines.{module}", "--mode", mode, *inputs]
    places = {"--work": plan.work, "--state": state, "--scratch": scratch}
    limits = {"--memory": plan.memory, "--threads": plan.threads, "--cap": plan.cap}
    return command + [str(part) for option in (places | limits).items() for part in option]


def _measure_case(plan: Plan, store: Store, engine: str, mode: str) -> None:
    state, scratch = plan.state(engine, mode), plan.work / "scratch"
    shutil.rmtree(scratch, ignore_errors=True)
    shutil.rmtree(state, ignore_errors=True)
    if mode == FULL:
        for basis in set(BASES.values()):
            shutil.rmtree(plan.state(engine, basis), ignore_errors=True)
    elif mode not in PARSES:
        shutil.copytree(_basis(plan, engine, mode, scratch), state)
    before = folder_bytes(state)
    usage = _run_engine(plan, engine, mode, state, scratch)
    stored = folder_bytes(state) - before
    case = plan.case(engine, mode)
    checked = plan.check == "each" or (plan.check == "first" and not store.of(case))
    digest = _digest(plan, engine, mode, state, scratch) if checked and mode not in ALONE else None
    one = _measurement(plan, case, usage, stored, digest, _compare(store, case, digest))
    store.add(one)
    _say(f"  {one.work_s:.1f} s  (processor {one.work_cpu_s:.1f} s, peak {one.peak_rss_bytes / 2**30:.1f} GiB)")
    for difference in one.differences[:10]:
        _say(f"  NOT EQUAL {difference}")
    if mode != FULL:
        shutil.rmtree(state)
    shutil.rmtree(scratch, ignore_errors=True)


def _measurement(
    plan: Plan,
    case: Case,
    usage: Usage,
    stored: int,
    digest: dict[str, dict[str, object]] | None,
    differ: list[str] | None,
) -> Measurement:
    answer = usage.answer
    return Measurement(
        case=case,
        work_s=answer["work_s"],
        work_cpu_s=answer["work_cpu_s"],
        phases_s=answer["phases_s"],
        wall_s=usage.wall_s,
        peak_rss_bytes=usage.peak_rss_bytes,
        written_bytes=usage.written_bytes,
        stored_bytes=stored,
        events=answer["records"] or _records(plan, case.mode),
        digest=digest,
        equal=None if differ is None else not differ,
        commit=describe_commit(),
        started_at=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        command=plan.command,
        differences=differ or [],
        work_written_bytes=answer["work_written_bytes"],
        machine=f"{psutil.cpu_count()} cores, {psutil.virtual_memory().total / 2**30:.0f} GiB",
    )


def _run_engine(plan: Plan, engine: str, mode: str, state: Path, scratch: Path) -> Usage:
    log = plan.work / "logs" / f"{plan.scale}-{mode}-{engine}.log"
    environment = {**os.environ, "PYTHONPATH": str(PROJECT), "POLARS_MAX_THREADS": str(plan.threads)}
    return measure(engine_command(plan, engine, mode, state, scratch), log, environment)


def _basis(plan: Plan, engine: str, mode: str, scratch: Path) -> Path:
    """Return the store that a mode starts from a copy of; make it from the full build if it is not there."""
    full = plan.state(engine, FULL)
    if not full.exists():
        raise SystemExit(f"{engine} has no full build of {plan.scale} in {full}: run --modes full first (with --again)")
    maker = BASES.get((engine, mode))
    if maker is None:
        return full
    basis = plan.state(engine, maker)
    if not basis.exists():
        _say(f"  {maker} of {engine}, in no figure")
        made = plan.state(engine, mode)  # where its copies will lie too: model stores hold absolute paths
        shutil.copytree(full, made)
        _run_engine(plan, engine, maker, made, scratch)
        shutil.rmtree(scratch)
        made.rename(basis)
    return basis


def _digest(plan: Plan, engine: str, mode: str, state: Path, scratch: Path) -> dict[str, dict[str, object]]:
    """Digest an engine's tables; what is not Parquet is exported first, by a process that no figure contains."""
    if mode in PARSES:
        return digest_tables(state, PARSED)
    if engine not in OURS and mode == FULL:
        return digest_tables(state)
    if mode == BEHAVIOUR:
        return digest_tables(state / mode, ASKED)
    shutil.rmtree(scratch, ignore_errors=True)
    _run_engine(plan, engine, "export", state, scratch)
    return digest_tables(scratch)


def _compare(store: Store, case: Case, digest: dict[str, dict[str, object]] | None) -> list[str] | None:
    """Compare with the latest checked run of any other engine on the same case."""
    if digest is None:
        return None
    same = ("mode", "scale", "day_events", "cap")
    others = [
        one
        for one in store.read()
        if one.digest is not None
        and one.case.engine != case.engine
        and all(getattr(one.case, name) == getattr(case, name) for name in same)
    ]
    return differences(digest, others[-1].digest or {}) if others else None


def lay_out_configuration(work: Path) -> None:
    """Put the shipped configuration beside the benchmark's source: what is measured is what is shipped."""
    shutil.rmtree(work / "conf", ignore_errors=True)
    shutil.copytree(PROJECT / "conf", work / "conf")
    shutil.copytree(PROJECT / "benchmarks" / "conf", work / "conf", dirs_exist_ok=True)


def _records(plan: Plan, mode: str) -> int:
    from pyarrow import parquet  # noqa: PLC0415  slow to import, and only needed here

    folder = plan.inputs.history if mode in PARSES else _input(plan, mode)
    return sum(parquet.read_metadata(path).num_rows for path in folder.glob("*.parquet")) if folder else 0


def _input(plan: Plan, mode: str) -> Path | None:
    if mode in PARSES:
        return folder_of(plan.inputs, PARSES[mode])
    days = {INCREMENT: plan.inputs.next_day, BACKFILL: plan.inputs.late_day}
    return days.get(mode) or (plan.inputs.history if mode in (FULL, "basis") else None)


def describe_commit() -> str:
    """Return the commit, with a + where the working tree differs from it."""
    described = subprocess.run(
        ["git", "describe", "--always", "--dirty=+"],  # noqa: S607  git is where the user has it
        capture_output=True,
        text=True,
        check=False,
        cwd=PROJECT,
    )
    return described.stdout.strip()


def _say(text: str) -> None:
    print(text, flush=True)
