"""The page of all figures, made from the stored measurements alone."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from benchmarks.contract import MAX_EVENTS_PER_USER_DAY, PARSES
from benchmarks.figures import Figure, Setting, figures, setting_of, targets
from benchmarks.plots import NAMES, draw
from benchmarks.run import BACKFILL, BEHAVIOUR, FEATURES, FULL, INCREMENT, SEQUENCES, SUITE, TRAIN
from benchmarks.scales import SCALES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from benchmarks.results import Measurement

TITLES = {
    FULL: "full build",
    INCREMENT: "daily increment",
    BACKFILL: "late backfill",
    FEATURES: "feature snapshot",
    TRAIN: "train and score",
    BEHAVIOUR: "journeys and features",
    SEQUENCES: "typical journeys",
    **{mode: f"parse {name}" for mode, name in PARSES.items()},
}
ABOUT = {
    FULL: "All days of the history in one command.",
    INCREMENT: "The next day on a copy of the full build.",
    BACKFILL: "As many events, all of them received 1 to 72 hours late, on a copy of the full build.",
    FEATURES: "All features of all users at one cut; records are users.",
    TRAIN: "`train_clusters`, then `score_segments`; features and propensity models are there. Records are users.",
    BEHAVIOUR: "From the stored tables: a Markov chain's counts and rates, common paths, a funnel, different sequences "
    "with their weights, and 15 features of all users. Records are accepted events.",
    SEQUENCES: "Sessions as sequences of up to 20 states, typical ones of a sample by optimal matching, and every "
    "session with the nearest. Records are sessions.",
    **dict.fromkeys(PARSES, "All days read, every field typed, spelled, checked and added up; nothing is stored."),
}
COLUMNS = (
    *("engine", "seconds", "min - max", "runs", "ours / this", "records/s/core", "processor s", "start s"),
    *("peak GiB", "written MB", "stored MB", "equal"),
)
HEAD = """# Benchmark
<!-- Made by `python -m benchmarks report` from results/*.jsonl: do not edit. -->
Our jobs beside DuckDB, Polars and straightforward PySpark, on the same generated files (`benchmarks/generate.py`).
Every engine runs in a process of its own, one after the other in turns. A run counts only if its tables are those of
the others: row counts, exact sums of all counts and money, and a hash of all rows that does not depend on their order.

- **seconds**: median of the work in a started engine, from the first byte read to the last one written. Session start
  and warm-up on a tiny lake stand beside it (**start s**).
- **ours / this**: our median over that engine's. Above 1 the other engine is faster.
- **records/s/core**: records taken in, by seconds and threads.
- **peak GiB**: greatest sum of resident memory of the process and its children, start and warm-up included.
- **written MB**: what the timed work handed to the file system, spilled data and logs included. **stored MB**: by how
  much the engine's store grew.
- **equal**: whether the tables are those of the other engines; - where there is none to compare with, or no run was
  checked.
"""
UNEQUAL = """## What is not equal between the engines
- We write Delta tables, with statistics and a log, published together; the peers' full builds write plain zstd Parquet.
  DuckDB's increment changes the tables in one DuckDB file in one transaction.
- Only we keep rejected records as they came, with their reasons and places, a ledger by file, day and event name, the
  files taken in, and versions to read or return to. Peers count rejections by reason, nothing more.
- We take any batch in any order and give the same tables. DuckDB's increment takes batches in the order of receipt
  only, and checks that: it never judges a known record again. It leaves merging of small row groups to maintenance.
- DuckDB's increment starts from a file made from its full build, once and in no figure: the tables, and identities,
  receipts and payload digests of the last 30 days. Ours starts from what our full build left.
- We and PySpark are warmed up on a tiny lake; DuckDB and Polars need no warming up.
- Memory: a limit of the heap for JVMs, of the buffers for DuckDB, none for Polars, which builds in parts by user beyond
  25 million records.
- Polars has no SHA-256: Python hashes its session ids, about 0.9 s a million sessions.
- In the modes that parse, DuckDB is told all columns and types. We read them from the mapping, keep text and place of
  every record at hand, and give every reason why one is rejected.
- Peers know this one source's columns; our jobs read them from `benchmarks/conf/sources/bench.yaml`.
"""


def write_report(measurements: Sequence[Measurement], folder: Path) -> Path:
    """Write `index.md` and its pictures; return the page."""
    folder.mkdir(parents=True, exist_ok=True)
    found = figures(measurements)
    captions = draw(found.values(), folder)
    parts = [HEAD, _targets(measurements), *(f"![{caption}]({name})\n" for name, caption in captions.items())]
    parts += [_section(setting, found.values()) for setting in sorted({setting_of(case) for case in found}, key=_order)]
    parts += [_left_out(measurements), UNEQUAL, _runs(measurements)]
    page = folder / "index.md"
    page.write_text("\n".join(part for part in parts if part))
    return page


def command_of(setting: Setting, engines: Iterable[str], runs: int) -> str:
    """Return the command that measures a setting; data and lakes are made where they are missing."""
    modes = setting.mode if setting.mode in (FULL, *PARSES) else f"{FULL},{setting.mode}"
    words = ["python", "-m", "benchmarks", "run", "--events", setting.scale, "--modes", modes]
    words += ["--engines", ",".join(engines), "--repeat", str(runs)]
    if setting.day_events and setting.day_events != SCALES[setting.scale].day_events:
        words += ["--day-events", str(setting.day_events)]
    words += ["--threads", str(setting.threads), "--memory", setting.memory]
    if setting.cap != MAX_EVENTS_PER_USER_DAY:
        words += ["--cap", str(setting.cap)]
    return shlex.join(words)


def _order(setting: Setting) -> tuple[int, int, Setting]:
    return list(SCALES).index(setting.scale), list(TITLES).index(setting.mode), setting


def _targets(measurements: Sequence[Measurement]) -> str:
    rows = [
        (
            target.figure,
            f"{'>=' if target.at_least else '<='} {target.must:.3g}",
            f"{'>=' if target.at_least else '<='} {target.aim:.3g}",
            "-" if target.measured is None else f"{target.measured:.3g}",
            target.reached,
        )
        for target in targets(measurements)
    ]
    return "## Ratios asked for\n" + _table(("ratio", "must", "aim", "measured", "reached"), rows)


def _section(setting: Setting, found: Iterable[Figure]) -> str:
    own = sorted(
        (figure for figure in found if setting_of(figure.case) == setting),
        key=lambda figure: list(NAMES).index(figure.case.engine),
    )
    ours = next((figure.seconds for figure in own if figure.case.engine == SUITE), None)
    limits = f"{setting.threads} threads, {setting.memory}, {setting.cap:,} events a user's day"
    command = command_of(setting, [figure.case.engine for figure in own], max(figure.runs for figure in own))
    return (
        f"## {setting.scale}, {TITLES[setting.mode]}\n{ABOUT[setting.mode]} {own[0].records:,} records; {limits}.\n\n"
        f"```\n{command}\n```\n" + _table(COLUMNS, [_row(figure, ours) for figure in own])
    )


def _row(figure: Figure, ours: float | None) -> tuple[str, ...]:
    is_ours = figure.case.engine == SUITE
    return (
        NAMES[figure.case.engine],
        f"**{_seconds(figure.seconds)}**",
        f"{_seconds(figure.least_s)} - {_seconds(figure.most_s)}",
        str(figure.runs),
        "" if is_ours or ours is None else f"{ours / figure.seconds:.2f}",
        f"{figure.rate:,.0f}",
        _seconds(figure.cpu_s),
        _seconds(figure.prepare_s),
        f"{figure.peak_bytes / 2**30:.1f}",
        "-" if figure.written_bytes is None else f"{figure.written_bytes / 1e6:,.0f}",
        f"{figure.stored_bytes / 1e6:,.0f}",
        {True: "yes", False: "NO", None: "-"}[figure.equal],
    )


def _left_out(measurements: Iterable[Measurement]) -> str:
    """Name the runs that do not count."""
    lines = [
        f"- {one.case.scale} {one.case.mode} {NAMES[one.case.engine]}, {one.started_at}: "
        + "; ".join(one.differences[:3])
        for one in measurements
        if one.equal is False
    ]
    return "## Runs that do not count: other tables\n" + "\n".join(lines) + "\n" if lines else ""


def _runs(measurements: Sequence[Measurement]) -> str:
    """Say when, where and of which commits."""
    if not measurements:
        return "No measurements yet.\n"
    days = sorted({one.started_at[:10] for one in measurements})
    commits = ", ".join(sorted({one.commit for one in measurements}))
    machines = "; ".join(sorted({one.machine for one in measurements if one.machine})) or "not noted"
    return (
        f"## Runs\n{len(measurements)} runs, {days[0]} to {days[-1]}. Machine: {machines}. "
        f"Commits (a + marks changes on top): {commits}. "
        "Each run is a line in [results](results), with its phases and digests.\n"
    )


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [columns, ["---"] + ["---:"] * (len(columns) - 1), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines) + "\n"


def _seconds(seconds: float) -> str:
    return f"{seconds:,.2f}" if seconds < 10 else f"{seconds:,.1f}" if seconds < 1000 else f"{seconds:,.0f}"  # noqa: PLR2004
