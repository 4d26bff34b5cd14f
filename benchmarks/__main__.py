"""Command line of the benchmark: `python -m benchmarks generate|run|profile|models|ratios|report`."""

from __future__ import annotations

import argparse
import shlex
import subprocess
import sys
from pathlib import Path

from benchmarks.contract import MAX_EVENTS_PER_USER_DAY, PARSES
from benchmarks.generate import generate, missing
from benchmarks.models.data import Users
from benchmarks.models.report import write_page
from benchmarks.models.run import ENGINES as MODEL_ENGINES
from benchmarks.models.run import read_runs, run_engines
from benchmarks.profile.command import add_parser, reads_history, run_profile
from benchmarks.ratios import print_ratios
from benchmarks.report import write_report
from benchmarks.results import FOLDER, Store
from benchmarks.run import CHECKS, ENGINES, MODES, Plan, run
from benchmarks.scales import SCALES, Inputs

WORK = Path("bench")


def main() -> int:
    """Parse and run."""
    options = _parser().parse_args()
    store = Store(options.results)
    if options.action in ("generate", "run", "profile", "models"):
        options.work.mkdir(parents=True, exist_ok=True)
        (options.work / ".gitignore").write_text("*\n")
        options.work = options.work.resolve()
    if options.action == "generate":
        generate(Inputs(options.work / "data", SCALES[options.events], _day_events(options)))
    elif options.action == "report":
        print(write_report(store.read(), store.folder.parent))
        if read_runs(store.folder.parent):
            print(write_page(store.folder.parent))
    elif options.action == "models":
        _run_models(options, store.folder.parent)
    elif options.action == "profile":
        if reads_history(options):
            _generate(options)
        run_profile(options, _day_events(options), store.folder)
    else:
        if options.action == "run":
            _generate(options)
            run(_plan(options), store)
        print_ratios(store.read())
    return 0


def _run_models(options: argparse.Namespace, folder: Path) -> None:
    run_engines(
        Users(options.work / "data", options.users, options.features),
        engines=options.engines,
        repeat=options.repeat,
        threads=options.threads,
        memory=options.memory,
        work=options.work,
        results=folder,
        command=shlex.join(_without_places(sys.argv[1:])),
    )
    print(write_page(folder))


def _plan(options: argparse.Namespace) -> Plan:
    return Plan(
        work=options.work,
        scale=options.events,
        day_events=_day_events(options),
        modes=options.modes,
        engines=options.engines,
        repeat=options.repeat,
        threads=options.threads,
        memory=options.memory,
        cap=options.cap,
        check=options.check,
        again=options.again,
        command="python -m benchmarks " + shlex.join(_without_places(sys.argv[1:])),
    )


def _without_places(words: list[str]) -> list[str]:
    """Leave out where this machine keeps things."""
    places = ("--work", "--results")
    pairs = zip(["", *words], words, strict=False)
    return [word for before, word in pairs if before not in places and not word.startswith(places)]


def _day_events(options: argparse.Namespace) -> int:
    return int(options.day_events or SCALES[options.events].day_events)


def _generate(options: argparse.Namespace) -> None:
    """Generate what is missing of the tiny history, for warming up, and of the one that is asked for."""
    _generate_apart(options.work, "tiny", SCALES["tiny"].day_events)
    _generate_apart(options.work, options.events, _day_events(options))


def _generate_apart(work: Path, events: str, day_events: int) -> None:
    """Generate in a process of its own: no JVM of ours stays beside the engines."""
    if missing(Inputs(work / "data", SCALES[events], day_events)):
        command = [sys.executable, "-m", "benchmarks", "--work", str(work), "generate"]
        subprocess.run([*command, "--events", events, "--day-events", str(day_events)], check=True)


def _parser() -> argparse.ArgumentParser:
    def names(known: object) -> object:
        def parse(text: str) -> list[str]:
            chosen = [name for word in text.split(",") for name in (PARSES if word == "parse" else (word,))]
            unknown = sorted(set(chosen) - set(known))  # type: ignore[call-overload]
            if unknown:
                raise argparse.ArgumentTypeError(f"unknown: {', '.join(unknown)}; known: {', '.join(known)}")  # type: ignore[arg-type]
            return chosen

        return parse

    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--work", type=Path, default=WORK, help="scratch folder for data, lakes and logs")
    parser.add_argument("--results", type=Path, default=FOLDER, help="folder of the measurements")
    actions = parser.add_subparsers(dest="action", required=True)
    for action in ("generate", "run"):
        one = actions.add_parser(action)
        one.add_argument("--events", choices=SCALES, default="1M", help="events of the history")
        one.add_argument("--day-events", type=int, help="events of the next and the late day (default: an average day)")
    modes = ", ".join((*MODES, "or parse: the three parse_<format>"))
    one.add_argument("--modes", type=names(MODES), default=["full"], help=modes)
    one.add_argument("--engines", type=names(ENGINES), default=["suite", "duckdb"], help=", ".join(ENGINES))
    one.add_argument("--repeat", type=int, default=1)
    one.add_argument("--threads", type=int, default=2)
    one.add_argument("--memory", default="12GB", help="heap of a JVM, memory limit of DuckDB")
    one.add_argument("--cap", type=int, default=MAX_EVENTS_PER_USER_DAY, help="cap on the events of a user's day")
    one.add_argument("--check", choices=CHECKS, default="each", help="which repetitions are compared")
    one.add_argument("--again", action="store_true", help="measure again what was measured")
    models = actions.add_parser("models", help="train and score beside scikit-learn and xgboost")
    models.add_argument("--users", type=int, default=20_000)
    models.add_argument("--features", type=int, default=50)
    models.add_argument("--engines", type=names(MODEL_ENGINES), default=list(MODEL_ENGINES))
    models.add_argument("--repeat", type=int, default=1)
    models.add_argument("--threads", type=int, default=2)
    models.add_argument("--memory", default="6GB", help="heap of the JVM; the peers have no limit")
    add_parser(actions)
    actions.add_parser("ratios")
    actions.add_parser("report", help="write index.md and its pictures beside the folder of the measurements")
    return parser


if __name__ == "__main__":
    sys.exit(main())
