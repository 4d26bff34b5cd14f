"""Charts of how models were chosen and how far they can be trusted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import plotly.graph_objects as go

from segmentation.review import text
from segmentation.review.charts.base import ROW, new_figure, rows_axis
from segmentation.review.charts.lines import draw_diagonal, style_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from segmentation.review.frames.records import Records

REFERENCE = "without clusters"
"""Column of the curve of silhouettes: the limit that data without clusters set."""


def draw_by_k(points: Records, y_title: str) -> go.Figure:
    """Show a figure by the number of clusters, a line per method; the limit of data without clusters is dotted."""
    names = [name for name in points[0] if name != "k"]
    traces = [
        go.Scatter(
            mode="lines" if name == REFERENCE else "lines+markers",
            name=text.chart_label(name.replace("_", " "), 34),
            x=[point["k"] for point in points],
            y=[point[name] for point in points],
            **style_line(position) | ({"line": {"color": "var(--muted)", "dash": "dot"}} if name == REFERENCE else {}),
            hovertemplate="k = %{x}: %{y:.3f}",
        )
        for position, name in enumerate(names)
    ]
    return new_figure(
        traces,
        height=380,
        xaxis={"title": {"text": "number of segments (k)"}, "dtick": 1},
        yaxis={"title": {"text": y_title}},
    )


def draw_gains(gains: Mapping[str, Records]) -> go.Figure:
    """Show which share of those who did it is among the likeliest users; on the dotted line: by chance."""
    chance = draw_diagonal(1, "by chance")
    lines = [
        go.Scatter(
            name=text.chart_label(target),
            x=[0, *(point["share"] for point in points)],
            y=[0, *(point["captured"] for point in points)],
            mode="lines+markers",
            **style_line(position),
            hovertemplate="the likeliest %{x:.0%}: %{y:.1%} of those who did it",
        )
        for position, (target, points) in enumerate(gains.items())
    ]
    return new_figure(
        [chance, *lines],
        height=400,
        xaxis={"title": {"text": "share of users, likeliest first"}, "tickformat": ".0%", "range": [0, 1.02]},
        yaxis={"title": {"text": "share of those who did it"}, "tickformat": ".0%", "range": [0, 1.02]},
    )


def draw_intervals(rows: Records, *, title: str, names: Sequence[str]) -> go.Figure:
    """Show a figure per row (`value`, `lower`, `upper`) with its 95 % interval; left of the line it is below 0."""
    dots = go.Scatter(
        mode="markers",
        x=[row["value"] for row in rows],
        y=list(range(len(rows))),
        error_x={
            "type": "data",
            "symmetric": False,
            "array": [row["upper"] - row["value"] for row in rows],
            "arrayminus": [row["value"] - row["lower"] for row in rows],
            "thickness": 2,
            "color": "var(--series-1)",
        },
        text=[f"{text.number(r['value'])} ({text.number(r['lower'])} to {text.number(r['upper'])})" for r in rows],
        hovertemplate="%{text}<extra></extra>",
        marker={"color": "var(--series-1)", "size": 10},
    )
    return new_figure(
        [dots],
        height=90 + ROW * len(rows),
        showlegend=False,
        xaxis={"title": {"text": title}, "zeroline": True, "zerolinecolor": "var(--muted)", "nticks": 6},
        yaxis=rows_axis(list(names), 40),
    )
