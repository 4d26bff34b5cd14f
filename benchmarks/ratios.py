"""What the measurements say: medians, and ours over each peer's."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from benchmarks.run import SUITE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from benchmarks.results import Case, Measurement


def medians(measurements: Iterable[Measurement]) -> dict[Case, float]:
    """Return each case's median of work seconds; runs whose tables differed from another engine's do not count."""
    times: dict[Case, list[float]] = {}
    for one in measurements:
        if one.equal is not False:
            times.setdefault(one.case, []).append(one.work_s)
    return {case: median(seconds) for case, seconds in times.items()}


def print_ratios(measurements: list[Measurement]) -> None:
    """Print a line per case: median, events per second and core, and our time over the peer's."""
    found = medians(measurements)
    events = {one.case: one.events for one in measurements}
    unequal = {one.case for one in measurements if one.equal is False}
    print(f"{'case':<44}{'seconds':>9}{'runs':>6}{'events/s/core':>15}{'ours / peer':>13}")
    for case, seconds in sorted(found.items(), key=lambda item: (item[0].scale, item[0].mode, item[0].engine)):
        runs = sum(one.case == case for one in measurements)
        ours = found.get(_ours(case))
        ratio = f"{ours / seconds:.2f}" if ours and case.engine != SUITE else ""
        rate = f"{events[case] / seconds / case.threads:,.0f}"
        name = f"{case.scale} {case.mode} {case.engine} {case.memory}" + (
            f" day={case.day_events}" if case.day_events else ""
        )
        print(f"{name:<44}{seconds:>9.1f}{runs:>6}{rate:>15}{ratio:>13}")
    for case in sorted(unequal, key=str):
        print(f"NOT EQUAL, does not count: {case}")


def _ours(case: Case) -> Case:
    return type(case)(**{**vars(case), "engine": SUITE})
