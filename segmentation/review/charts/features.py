"""Charts of the features: what changed, what is missing, and how they are distributed."""

from __future__ import annotations

from itertools import pairwise
from math import ceil
from typing import TYPE_CHECKING

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from segmentation.review import text
from segmentation.review.charts.base import ROW, new_figure, rows_axis, style_figure
from segmentation.review.theme import series

if TYPE_CHECKING:
    from segmentation.review.frames.records import Record, Records

_COLOURS = {"shifted": "series-4", "moved": "series-5", "stable": "series-7"}
_ACROSS = 4
_TILE = 150
"""Pixels that a histogram is high, its name included."""


def draw_changes(statistics: Records) -> go.Figure:
    """Show the stability index of every feature, and what chance alone makes of it."""
    bars = [_bars_of(status, statistics) for status in _COLOURS]
    chance = go.Scatter(
        mode="markers",
        name="chance alone, 1 time in 20",
        y=list(range(len(statistics))),
        x=[record["psi_noise"] for record in statistics],
        marker={"symbol": "line-ns-open", "size": 12, "color": "var(--ink)"},
        hoverinfo="skip",
    )
    return new_figure(
        [*bars, chance],
        height=110 + ROW * len(statistics),
        xaxis={"rangemode": "tozero"},
        yaxis=rows_axis([text.feature(record["feature"]) for record in statistics], 44),
    )


def draw_missing(statistics: Records) -> go.Figure:
    """Show the share of users whose feature is undefined."""
    bars = go.Bar(
        orientation="h",
        y=list(range(len(statistics))),
        x=[record["nulls_share"] for record in statistics],
        text=[text.share(record["nulls_share"]) for record in statistics],
        textposition="outside",
        cliponaxis=False,
        hovertemplate="%{text}<extra></extra>",
        marker={"color": series(0)},
        width=0.62,
    )
    return new_figure(
        [bars],
        height=60 + ROW * len(statistics),
        xaxis={"visible": False, "range": [0, 1.2]},
        yaxis=rows_axis([text.feature(record["feature"]) for record in statistics], 44),
    )


def draw_histograms(statistics: Records) -> go.Figure:
    """Show the distribution of every feature, each on axes of its own."""
    lines = ceil(len(statistics) / _ACROSS)
    names = [text.chart_label(text.feature(record["feature"]), 28) for record in statistics]
    figure = make_subplots(
        rows=lines, cols=_ACROSS, subplot_titles=names, vertical_spacing=0.36 / lines, horizontal_spacing=0.05
    )
    for place, record in enumerate(statistics):
        figure.add_trace(_histogram(record), row=place // _ACROSS + 1, col=place % _ACROSS + 1)
    figure.update_annotations(font={"size": 12, "color": "var(--ink)"})
    style_figure(
        figure, height=60 + _TILE * lines, showlegend=False, bargap=0.05, margin={"l": 8, "r": 8, "t": 28, "b": 8}
    )
    figure.update_yaxes(visible=False)
    figure.update_xaxes(nticks=4, showgrid=False)
    return figure


def _bars_of(status: str, statistics: Records) -> go.Bar:
    of = [(row, record) for row, record in enumerate(statistics) if record["status"] == status]
    return go.Bar(
        orientation="h",
        name=status,
        y=[row for row, _ in of],
        x=[record["psi"] for _, record in of],
        marker={"color": f"var(--{_COLOURS[status]})"},
        customdata=[_describe_change(record) for _, record in of],
        hovertemplate="%{customdata}<extra></extra>",
    )


def _histogram(record: Record) -> go.Bar:
    edges = list(pairwise(record["bin_edges"]))
    return go.Bar(
        x=[(low + high) / 2 for low, high in edges],
        y=record["bin_counts"],
        width=[max(high - low, 0) or None for low, high in edges],
        marker={"color": series(0)},
        customdata=[f"{text.number(low)} to {text.number(high)}" for low, high in edges],
        hovertemplate="%{customdata}: %{y} users<extra></extra>",
    )


def _describe_change(record: Record) -> str:
    name = text.chart_label(text.feature(record["feature"]), 44)
    return (
        f"{name}: {text.number(record['psi'])}, by chance up to {text.number(record['psi_noise'])}: {record['status']}"
    )
