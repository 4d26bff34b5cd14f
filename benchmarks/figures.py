"""What measurements say about each case: medians, spread, equality; and the ratios that were asked for."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

from benchmarks.equality import differences
from benchmarks.ratios import medians
from benchmarks.run import BACKFILL, FULL, INCREMENT, SUITE
from benchmarks.scales import SCALES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from benchmarks.results import Case, Measurement


class Setting(NamedTuple):
    """What cases of several engines share: they stand in one table."""

    scale: str
    mode: str
    day_events: int
    threads: int
    memory: str
    cap: int


@dataclass(frozen=True)
class Figure:
    """A case's repetitions in a line; medians where not said otherwise."""

    case: Case
    runs: int
    seconds: float
    least_s: float
    most_s: float
    cpu_s: float
    prepare_s: float
    records: int
    peak_bytes: float
    written_bytes: float | None
    """In the timed work; None: not measured."""
    stored_bytes: float
    equal: bool | None
    """Whether its tables are those of the other engines; None: not compared."""

    @property
    def rate(self) -> float:
        """Records per second and core."""
        return self.records / self.seconds / self.case.threads


def setting_of(case: Case) -> Setting:
    """Name what a case shares with those of other engines."""
    return Setting(*(getattr(case, name) for name in Setting._fields))


def figures(measurements: Sequence[Measurement]) -> dict[Case, Figure]:
    """Sum up all cases; runs whose tables differed from another engine's do not count."""
    return {
        case: _sum_up(case, [one for one in measurements if one.case == case and one.equal is not False], measurements)
        for case in sorted(medians(measurements), key=_order)
    }


def _order(case: Case) -> tuple[int, str, str]:
    return list(SCALES).index(case.scale), case.mode, case.engine


def _sum_up(case: Case, runs: list[Measurement], measurements: Sequence[Measurement]) -> Figure:
    seconds = [one.work_s for one in runs]
    written = [one.work_written_bytes for one in runs if one.work_written_bytes is not None]
    return Figure(
        case=case,
        runs=len(runs),
        seconds=median(seconds),
        least_s=min(seconds),
        most_s=max(seconds),
        cpu_s=median(one.work_cpu_s for one in runs),
        prepare_s=median(one.phases_s.get("prepare", 0.0) for one in runs),
        records=runs[-1].events,
        peak_bytes=median(one.peak_rss_bytes for one in runs),
        written_bytes=median(written) if written else None,
        stored_bytes=median(one.stored_bytes for one in runs),
        equal=_is_equal(case, runs, measurements),
    )


def _is_equal(case: Case, runs: list[Measurement], measurements: Iterable[Measurement]) -> bool | None:
    """Compare by digest, whichever engine ran first."""
    same = ("scale", "mode", "day_events", "cap")
    others = [
        one.digest
        for one in measurements
        if one.digest and one.case.engine != case.engine and all(getattr(one.case, n) == getattr(case, n) for n in same)
    ]
    own = [one.digest for one in runs if one.digest]
    if not own or not others:
        return None
    return not any(differences(left, right) for left in own for right in others)


class Target(NamedTuple):
    """A ratio that was asked for."""

    figure: str
    must: float
    aim: float
    measured: float | None
    at_least: bool = False

    @property
    def reached(self) -> str:
        """Say in a word how the measured ratio stands."""
        if self.measured is None:
            return "not measured"
        sign = -1 if self.at_least else 1
        if sign * self.measured <= sign * self.aim:
            return "aim"
        return "must" if sign * self.measured <= sign * self.must else "missed"


def targets(measurements: Sequence[Measurement]) -> list[Target]:
    """Give the ratios that were asked for; of several memory limits, the one measured for both sides."""
    found = figures(measurements)

    def ratio(top: Case | None, bottom: Case | None) -> float | None:
        if top is None or bottom is None or False in (found[top].equal, found[bottom].equal):
            return None
        return found[top].seconds / found[bottom].seconds

    def pair(left: Callable[[Case], bool], right: Callable[[Case], bool], *, same: Sequence[str]) -> float | None:
        pairs = (
            (one, other)
            for one in found
            for other in found
            if left(one) and right(other) and all(getattr(one, n) == getattr(other, n) for n in same)
        )
        return ratio(*next(iter(sorted(pairs, key=lambda p: -found[p[0]].runs)), (None, None)))

    def of(engine: str, mode: str, scale: str) -> Callable[[Case], bool]:
        return lambda case: (case.engine, case.mode, case.scale) == (engine, mode, scale)

    heaps = [float(case.memory.removesuffix("GB")) for case in found if of(SUITE, FULL, "100M")(case)]
    run = ("threads", "memory", "cap")
    day = (*run, "day_events")
    large, small = of(SUITE, INCREMENT, "100M"), of(SUITE, INCREMENT, "10M")
    full_20, full_100 = of(SUITE, FULL, "20M"), of(SUITE, FULL, "100M")
    duckdb = "duckdb"
    return [
        Target("full build of 20M: ours / DuckDB's", 2.5, 1.5, pair(full_20, of(duckdb, FULL, "20M"), same=run)),
        Target("full build of 100M: ours / DuckDB's", 2.0, 1.2, pair(full_100, of(duckdb, FULL, "100M"), same=run)),
        Target(
            "full build of 20M: straightforward PySpark's / ours",
            3,
            5,
            pair(of("pyspark", FULL, "20M"), full_20, same=run),
            at_least=True,
        ),
        Target("ours: full build of 100M / of 20M", 5.5, 5.0, pair(full_100, full_20, same=run)),
        Target(
            "increment on 100M: ours / DuckDB's full build",
            1 / 6,
            1 / 15,
            pair(large, of(duckdb, FULL, "100M"), same=run),
        ),
        Target(
            "increment on 100M: ours / DuckDB's hand-written one",
            5,
            2,
            pair(large, of(duckdb, INCREMENT, "100M"), same=day),
        ),
        Target("increment of the same day: on 100M / on 10M", 1.3, 1.05, pair(large, small, same=day)),
        Target("on 100M: late backfill / increment", 3, 1.5, pair(of(SUITE, BACKFILL, "100M"), large, same=day)),
        Target("full build of 100M: smallest heap that ours completed with, GB", 4, 2, min(heaps, default=None)),
    ]
