"""The report's pictures: dark on light, one colour an engine everywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib as mpl
from matplotlib.figure import Figure as Picture

from benchmarks.run import BACKFILL, FULL, INCREMENT
from benchmarks.scales import SCALES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from matplotlib.axes import Axes

    from benchmarks.figures import Figure

COLOURS = {"suite": "#1f5fa8", "cluster": "#6b8fb5", "duckdb": "#c77700", "polars": "#2e7d4f", "pyspark": "#8a4f9e"}
NAMES = {
    "suite": "this suite",
    "cluster": "this suite on a cluster",
    "duckdb": "DuckDB",
    "polars": "Polars",
    "pyspark": "PySpark",
}
STYLE = {
    "figure.facecolor": "white",
    "axes.facecolor": "white",
    "axes.edgecolor": "#555555",
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": "#dddddd",
    "font.size": 11,
    "legend.frameon": False,
}
WIDTH, HEIGHT, DPI = 8.0, 4.8, 110
NOT_SHOWN = ("tiny", "10M-1Mu")
"""Scales for warming up, and of more users than the others of their size."""


def draw(found: Iterable[Figure], folder: Path) -> dict[str, str]:
    """Draw what there are measurements for.

    Returns:
        name of the file -> caption.
    """
    shown = [figure for figure in found if figure.case.scale not in NOT_SHOWN]
    full = [figure for figure in shown if figure.case.mode == FULL]
    days = [figure for figure in shown if figure.case.mode in (INCREMENT, BACKFILL)]
    plans = {
        "full.png": ("Full build: seconds by size of the history", full, _draw_full),
        "days.png": ("A day on top of a history: seconds", days, _draw_days),
        "memory.png": ("Full build: peak memory of the process and its children, GiB", full, _draw_memory),
    }
    captions = {}
    with mpl.rc_context(STYLE):
        for name, (caption, figures, draw_on) in plans.items():
            (folder / name).unlink(missing_ok=True)
            if figures:
                picture = Picture(figsize=(WIDTH, HEIGHT), dpi=DPI, layout="constrained")
                picture.suptitle(caption, x=0.01, ha="left")
                axes = picture.add_subplot()
                draw_on(axes, figures)
                picture.legend(loc="outside lower center", ncols=3)
                picture.savefig(folder / name, metadata={"Software": None})
                captions[name] = caption
    return captions


def _draw_full(axes: Axes, figures: list[Figure]) -> None:
    _lines(axes, figures, lambda figure: figure.seconds)
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter("{x:,g}")
    axes.set_ylabel("seconds (log)")


def _draw_memory(axes: Axes, figures: list[Figure]) -> None:
    _lines(axes, figures, lambda figure: figure.peak_bytes / 2**30)
    axes.set_ylim(bottom=0)
    axes.set_ylabel("GiB")


def _lines(axes: Axes, figures: list[Figure], value: Callable[[Figure], float]) -> None:
    """One line for an engine and memory limit, over the size of the history."""
    kinds = sorted({(figure.case.engine, figure.case.memory) for figure in figures}, key=_rank)
    several = {engine for engine, _ in kinds if sum(other == engine for other, _ in kinds) > 1}
    styles = ["-", "--", ":", "-."]
    for engine, memory in kinds:
        own = [figure for figure in figures if (figure.case.engine, figure.case.memory) == (engine, memory)]
        points = sorted((figure.records, value(figure)) for figure in own)
        nth = [other for other in kinds if other[0] == engine].index((engine, memory))
        axes.plot(
            *zip(*points, strict=True),
            marker="o",
            color=COLOURS[engine],
            linestyle=styles[nth % len(styles)],
            label=NAMES[engine] + (f", {memory}" if engine in several else ""),
        )
    sizes = sorted({figure.records: figure.case.scale for figure in figures}.items())
    axes.set_xscale("log")
    axes.set_xticks([records for records, _ in sizes], [scale for _, scale in sizes])
    axes.minorticks_off()
    axes.set_xlabel("events of the history (log)")


def _draw_days(axes: Axes, figures: list[Figure]) -> None:
    """Draw bars, by history and mode, an engine each."""
    groups = sorted({_group(figure) for figure in figures})
    engines = sorted({figure.case.engine for figure in figures}, key=lambda engine: _rank((engine, "")))
    width = 0.8 / len(engines)
    for nth, engine in enumerate(engines):
        best = {}
        for figure in figures:
            if figure.case.engine == engine:
                best[_group(figure)] = min(figure.seconds, best.get(_group(figure), figure.seconds))
        places = [groups.index(group) + (nth - (len(engines) - 1) / 2) * width for group in best]
        bars = axes.bar(places, list(best.values()), width, color=COLOURS[engine], label=NAMES[engine])
        axes.bar_label(bars, fmt="%.3g", padding=2, fontsize=9)
    axes.set_xticks(range(len(groups)), [f"{mode}\n{events:,}\non {list(SCALES)[at]}" for at, mode, events in groups])
    axes.tick_params(axis="x", labelsize=9)
    axes.set_xlabel("records taken in, on a history of so many events")
    axes.grid(visible=False, axis="x")
    axes.set_ylabel("seconds")


def _group(figure: Figure) -> tuple[int, str, int]:
    return list(SCALES).index(figure.case.scale), figure.case.mode, figure.records


def _rank(kind: tuple[str, str]) -> tuple[int, str]:
    return list(COLOURS).index(kind[0]), kind[1]
