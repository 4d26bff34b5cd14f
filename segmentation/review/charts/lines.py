"""Lines over cuts, alone or as small multiples."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Any, NamedTuple

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from segmentation.review import text
from segmentation.review.charts.base import new_figure, rows_axis, style_figure
from segmentation.review.theme import SEQUENTIAL, series

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date


DASHES, SYMBOLS = ("solid", "dash", "dot", "dashdot"), ("circle", "square", "diamond", "triangle-up", "x")
"""Lines differ in more than colour."""
_LABELLED = 6
"""Days at most that stand below a chart: so many fit on a phone."""
_ACROSS, _TILE = 2, 190
_CHANGED = 0.25
"""Stability index at which the colour is full: from here on a distribution is usually said to have shifted."""


def style_line(position: int) -> dict[str, Any]:
    """Give the line at a position its colour, dashes and symbols."""
    return {
        "line": {"color": series(position), "dash": DASHES[position % len(DASHES)]},
        "marker": {"symbol": SYMBOLS[position % len(SYMBOLS)], "size": 7},
    }


def draw_diagonal(reach: float, name: str) -> go.Scatter:
    """Draw what lines of shares are read against: dotted, from nothing to `reach` on both axes."""
    return go.Scatter(
        x=[0, reach],
        y=[0, reach],
        mode="lines",
        name=name,
        line={"color": "var(--muted)", "dash": "dot", "width": 1.2},
        hoverinfo="skip",
    )


class Line(NamedTuple):
    """A line over days, with what the reader sees of its values."""

    name: str
    days: Sequence[date]
    values: Sequence[float | None]
    shown: Sequence[str]


def draw_lines(lines: Sequence[Line], *, height: int = 340, share: bool = True) -> go.Figure:
    """Show a value per day of several things; shares from 0 on."""
    return new_figure(
        [_trace(line, position) for position, line in enumerate(lines)],
        height=height,
        xaxis=_days_axis(lines),
        yaxis={"rangemode": "tozero", **({"tickformat": ".0%"} if share else {})},
    )


def draw_multiples(panels: Mapping[str, Sequence[Line]]) -> go.Figure:
    """Show several measures over days, each on axes of its own, the same line everywhere in the same colour."""
    rows = ceil(len(panels) / _ACROSS)
    titles = [text.chart_label(title, 44) for title in panels]
    figure = make_subplots(
        rows=rows, cols=_ACROSS, subplot_titles=titles, vertical_spacing=0.34 / max(rows, 2), horizontal_spacing=0.1
    )
    names = list(dict.fromkeys(line.name for lines in panels.values() for line in lines))
    seen: set[str] = set()
    for place, lines in enumerate(panels.values()):
        for line in lines:
            trace = _trace(line, names.index(line.name))
            trace.update(legendgroup=str(names.index(line.name)), showlegend=line.name not in seen)
            seen.add(line.name)
            figure.add_trace(trace, row=place // _ACROSS + 1, col=place % _ACROSS + 1)
    figure.update_annotations(font={"size": 13, "color": "var(--ink)"})
    legend = {"orientation": "h", "x": 0, "xanchor": "left", "y": -0.12 / rows - 0.02, "yanchor": "top"}
    margin = {"l": 8, "r": 12, "t": 30, "b": 8}
    style_figure(figure, height=60 + _TILE * rows, margin=margin, legend=legend, showlegend=len(names) > 1)
    figure.update_xaxes(**_days_axis([line for lines in panels.values() for line in lines], most=3))
    figure.update_yaxes(nticks=4)
    return figure


def draw_counts(days: Sequence[date], counts: Mapping[str, Sequence[int]]) -> go.Figure:
    """Show counts per day of several kinds, one on top of the other; a day without any is an empty place."""
    bars = [
        go.Bar(
            name=text.chart_label(name),
            x=list(range(len(days))),
            y=list(values),
            hovertemplate=f"{text.chart_label(name)}: %{{y}}<extra></extra>",
            marker={"color": series(position)},
            width=0.6,
        )
        for position, (name, values) in enumerate(counts.items())
    ]
    step = ceil(len(days) / _LABELLED)
    places = list(range(len(days)))[::step]
    return new_figure(
        bars,
        height=280,
        xaxis={
            "tickvals": places,
            "ticktext": [_short(days[place]) for place in places],
            "range": [-0.5, len(days) - 0.5],
        },
        yaxis={"rangemode": "tozero", "tickformat": ",d", "nticks": 5},
    )


def draw_indices(subjects: Sequence[str], days: Sequence[date], cells: Mapping[tuple[str, date], float]) -> go.Figure:
    """Show how far every distribution had moved at every cut."""
    table = [[cells.get((subject, day)) for day in days] for subject in subjects]
    heat = go.Heatmap(
        z=table,
        text=[["" if value is None else text.number(value) for value in line] for line in table],
        texttemplate="%{text}",
        hovertemplate="stability index %{text}<extra></extra>",
        colorscale=SEQUENTIAL,
        zmin=0,
        zmax=_CHANGED * 1.6,
        showscale=False,
        xgap=2,
        ygap=2,
        hoverongaps=False,
    )
    return new_figure(
        [heat],
        height=80 + 28 * len(subjects),
        xaxis={
            "tickvals": list(range(len(days))),
            "ticktext": [_short(day) for day in days],
            "side": "top",
            "tickangle": 0,
            "showgrid": False,
            "zeroline": False,
        },
        yaxis=rows_axis(list(subjects), 40),
    )


def _trace(line: Line, position: int) -> go.Scatter:
    return go.Scatter(
        mode="lines+markers",
        name=text.chart_label(line.name, 44),
        x=list(line.days),
        y=list(line.values),
        text=list(line.shown),
        hovertemplate="%{x|%-d %b %Y}: %{text}",
        **style_line(position),
        connectgaps=False,
    )


def _days_axis(lines: Sequence[Line], most: int = _LABELLED) -> dict[str, Any]:
    days = sorted({day for line in lines for day in line.days})
    labelled = days[:: ceil(len(days) / most)] if days else []
    return {"tickvals": labelled, "ticktext": [_short(day) for day in labelled], "tickangle": 0, "type": "date"}


def _short(day: date) -> str:
    return f"{day.day} {day:%b}<br>{day:%Y}"
